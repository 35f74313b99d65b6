"""Pictures and files with known content for the tests of the stacker's input and output."""

import functools
import io
from pathlib import Path

import cv2
import numpy as np
import piexif
import tifffile
from PIL import Image, ImageCms


def photograph(height: int = 240, width: int = 320, dtype: type = np.uint8, seed: int = 0) -> np.ndarray:
    """(h, w, 3) BGR with smooth colours, an edge and some noise, like a photograph; nothing is clipped."""
    rng = np.random.default_rng(seed)
    coarse = rng.uniform(0.2, 0.8, (6, 8, 3)).astype(np.float32)
    smooth = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    smooth[height // 3 : height // 2, width // 4 : width // 2] *= 0.6
    noisy = (smooth + rng.normal(0, 0.01, smooth.shape)).clip(0.02, 0.98)
    return np.rint(noisy * np.iinfo(dtype).max).astype(dtype)


def exif_block(orientation: int = 1, moment: str = "2026:05:17 14:03:22", subsecond: str = "41") -> bytes:
    """What a camera writes: maker, model, exposure, a maker's note and a thumbnail. Begins with "Exif"."""
    thumbnail = io.BytesIO()
    Image.new("RGB", (32, 24)).save(thumbnail, "JPEG")
    return piexif.dump(
        {
            "0th": {
                piexif.ImageIFD.Make: b"Raspberry Pi",
                piexif.ImageIFD.Model: b"imx477",
                piexif.ImageIFD.Orientation: orientation,
                piexif.ImageIFD.Software: b"camera firmware",
            },
            "Exif": {
                piexif.ExifIFD.DateTimeOriginal: moment.encode(),
                piexif.ExifIFD.SubSecTimeOriginal: subsecond.encode(),
                piexif.ExifIFD.ExposureTime: (1, 125),
                piexif.ExifIFD.ISOSpeedRatings: 100,
                piexif.ExifIFD.PixelXDimension: 9999,
                piexif.ExifIFD.MakerNote: b"offsets into the original file",
            },
            "GPS": {piexif.GPSIFD.GPSLatitudeRef: b"N"},
            "1st": {piexif.ImageIFD.Compression: 6},
            "thumbnail": thumbnail.getvalue(),
        }
    )


@functools.cache  # the profile holds the time at which it was made
def srgb_profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def write_jpeg(path: Path, image: np.ndarray, **options: object) -> Path:
    """Written by another program than ours; the options are Pillow's."""
    mode = image if image.ndim == 2 else image[..., ::-1]
    Image.fromarray(mode).save(path, "JPEG", **{"quality": 95, "subsampling": "4:2:0", **options})
    return path


def write_kind(path: Path, image: np.ndarray) -> Path:
    """A picture of the kind its suffix says, by another program than ours; "lzw.tif" is compressed."""
    if path.suffix == ".jpg":
        return write_jpeg(path, image)
    if path.suffix == ".tif" and path.stem != "lzw":
        compression = "zlib" if path.stem == "deflate" else None
        tifffile.imwrite(path, image[..., ::-1], photometric="rgb", rowsperstrip=16, compression=compression)
        return path
    assert cv2.imwrite(str(path), image)
    return path


def cut(path: Path, share: float) -> Path:
    """Keep this share of a file, as after a power cut or on a full card."""
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    return path


def corrupt(path: Path, count: int = 60) -> Path:
    """Change bytes in the middle of a file, as a failing card does."""
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + count] = bytes(byte ^ 0x5A for byte in data[middle : middle + count])
    path.write_bytes(data)
    return path

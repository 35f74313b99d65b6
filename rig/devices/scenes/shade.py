"""Light on a height map: slopes, a lamp, a sheen, and the shade of hollows."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from rig.devices.scenes.surface import F32, U8, encode

Vector = tuple[float, float, float]
LAMP: Vector = (-0.45, -0.65, 0.62)  # from upper left, a little towards the viewer
EYE: Vector = (0.0, 0.0, 1.0)


def bgr(blue: float, green: float, red: float) -> F32:
    """A linear colour that multiplies planes (h, w, 1)."""
    return np.array([blue, green, red], np.float32)


def unit(vector: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """The vector(s) of length 1, along the last axis."""
    array = np.asarray(vector, float)
    return np.asarray(array / np.linalg.norm(array, axis=-1, keepdims=True))


def normals(height_mm: F32, px_per_mm: float) -> F32:
    """(h, w, 3) unit normals of a height map that grows towards the viewer; x right, y down, z to the eye."""
    dx = cv2.Sobel(height_mm, cv2.CV_32F, 1, 0, ksize=3, scale=px_per_mm / 8, borderType=cv2.BORDER_REPLICATE)
    dy = cv2.Sobel(height_mm, cv2.CV_32F, 0, 1, ksize=3, scale=px_per_mm / 8, borderType=cv2.BORDER_REPLICATE)
    length = cv2.sqrt(dx * dx + dy * dy + 1)
    return np.dstack([-dx / length, -dy / length, 1 / length]).astype(np.float32, copy=False)


def diffuse(normal: F32, lamp: Vector = LAMP) -> F32:
    """Light that a surface of these normals gets from the lamp."""
    return wrapped(normal @ unit(lamp).astype(np.float32))


def wrapped(cosine: F32, wrap: float = 0.25) -> F32:
    """Lambert's law, wrapped a little round the terminator as a large lamp does; cosine to the lamp."""
    return np.asarray(np.maximum((cosine + np.float32(wrap)) / np.float32(1 + wrap), 0), np.float32)


def sheen(normal: F32, power: float, lamp: Vector = LAMP) -> F32:
    """Blinn's highlight: how nearly the normal halves the way from lamp to eye, to a power."""
    return shining(normal @ np.array(halfway(lamp), np.float32), power)


def halfway(lamp: Vector) -> Vector:
    """Unit vector between the ways to the lamp and to the eye."""
    x, y, z = unit(unit(lamp) + np.array(EYE)).tolist()
    return x, y, z


def shining(cosine: F32, power: float) -> F32:
    """Highlight of normals at this cosine to halfway()."""
    return np.asarray(cv2.pow(np.clip(cosine, 0, 1), power), np.float32)


def hollows(height_mm: F32, radius_px: float, depth_mm: float) -> F32:
    """Ambient light 0..1: what lies below its surroundings gets less."""
    sigma = max(radius_px, 0.5)
    shrink = max(int(sigma // 4), 1)  # a wide blur does not need every pixel
    size = (height_mm.shape[1] // shrink, height_mm.shape[0] // shrink)
    small = cv2.resize(height_mm, size, interpolation=cv2.INTER_AREA)
    around = cv2.resize(cv2.GaussianBlur(small, (0, 0), sigma / shrink), height_mm.shape[::-1])
    return np.asarray(np.clip(1 - (around - height_mm) / depth_mm, 0.15, 1.15), np.float32)


def opaque(bgr: F32) -> U8:
    """Linear light (h, w, 3) as a surface's colour, covering all."""
    covered = np.dstack([np.clip(bgr, 0, 1), np.ones(bgr.shape[:2], np.float32)])
    return encode(covered.astype(np.float32, copy=False))


def depth_values(z_um: F32, near_um: float, far_um: float) -> U8:
    """Depth map as the 8 bits a surface keeps."""
    return np.asarray(np.clip((z_um - near_um) / (far_um - near_um) * 255 + 0.5, 0, 255), np.uint8)

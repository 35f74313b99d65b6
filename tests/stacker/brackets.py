"""Small focus brackets whose truth, depth and sharp regions are known. Frame 0 focuses nearest.

Blur is Gaussian, in code values: crude optics, but which frame is sharp where is certain.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from stacker import transforms
from stacker.finish import finish
from stacker.frames import ArraySource
from stacker.fusion import AlignedFrame, Fuser
from stacker.methods import METHODS, Method
from stacker.pipeline import fuse
from stacker.planes import from_bgr, to_bgr
from stacker.prior import Prior
from stacker.settings import AlignSettings, FuseMethod, StackSettings
from stacker.stack import FuseResult
from stacker.state import RunningFusion
from stacker.survey import Survey

Picture = NDArray[np.uint8] | NDArray[np.uint16]
SHAPE = 192, 256
BLUR_PX = 1.2  # sigma per frame out of focus


@dataclass(frozen=True)
class Bracket:
    """frames: (h, w, 3) BGR. truth: the same, all in focus, without noise. depth: (h, w), frame in focus."""

    frames: tuple[Picture, ...]
    truth: Picture
    depth: NDArray[np.float32]

    def as_16_bit(self) -> Bracket:
        wide = [frame.astype(np.uint16) * 257 for frame in (*self.frames, self.truth)]
        return Bracket(tuple(wide[:-1]), wide[-1], self.depth)

    def with_noise(self, sigma: float, seed: int = 0) -> Bracket:
        rng = np.random.default_rng(seed)
        return replace(self, frames=tuple(noisy(frame, sigma, rng) for frame in self.frames))


def noisy(frame: Picture, sigma: float, rng: np.random.Generator) -> Picture:
    """sigma: standard deviation in code values."""
    top = np.iinfo(frame.dtype).max
    return np.rint(frame + rng.normal(0, sigma, frame.shape)).clip(0, top).astype(frame.dtype)


@lru_cache(maxsize=16)
def texture(shape: tuple[int, int] = SHAPE, seed: int = 0, mean: float = 120.0) -> NDArray[np.float32]:
    """(h, w, 3) levels of 255: coloured noise with detail of every size, far from black and white."""
    rng = np.random.default_rng(seed)
    height, width = shape
    out = np.full((height, width, 3), mean, np.float32)
    for cell, strength in ((1.5, 12), (3, 9), (6, 8), (14, 7), (40, 6)):
        coarse = (max(int(height / cell), 2), max(int(width / cell), 2))
        grey = rng.normal(0, strength, (*coarse, 1))
        tint = rng.normal(0, strength / 4, (*coarse, 3))
        out += cv2.resize((grey + tint).astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    return out.clip(25, 230)


def levels(picture: NDArray[np.float32]) -> NDArray[np.uint8]:
    return np.rint(picture).clip(0, 255).astype(np.uint8)


def blurred(picture: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    return (
        picture if sigma < 0.05 else cv2.GaussianBlur(picture, (0, 0), sigma, borderType=cv2.BORDER_REFLECT)
    )


def surface(
    sharp: NDArray[np.float32], depth: NDArray[np.float32], count: int, blur_px: float = BLUR_PX
) -> Bracket:
    """A picture painted on one surface; depth: (h, w), index of the frame in which a pixel is in focus."""
    known = np.arange(0, count + 0.5, 0.5)
    stages = [blurred(sharp, blur_px * defocus) for defocus in known]
    frames = []
    for index in range(count):
        defocus = np.abs(depth - index) / 0.5
        lower = np.minimum(defocus.astype(int), len(known) - 2)
        part = (defocus - lower)[..., None]
        shown = np.zeros_like(sharp)
        for n in range(len(known) - 1):
            here = (lower == n)[..., None]
            shown += here * ((1 - part) * stages[n] + part * stages[n + 1])
        frames.append(levels(shown))
    return Bracket(tuple(frames), levels(sharp), depth.astype(np.float32))


@dataclass(frozen=True)
class Layer:
    """Something flat at one depth; cover: (h, w) 0..1."""

    picture: NDArray[np.float32]
    cover: NDArray[np.float32]
    depth: float


def layered(layers: Sequence[Layer], count: int, blur_px: float = BLUR_PX) -> Bracket:
    """Layers from the back to the front; the blurred cover of those in front spills over those behind."""

    def composed(index: float | None) -> NDArray[np.float32]:
        out = layers[0].picture
        for number, layer in enumerate(layers):
            sigma = 0.0 if index is None else blur_px * abs(layer.depth - index)
            cover = blurred(layer.cover, sigma)[..., None]
            light = blurred(layer.picture * layer.cover[..., None], sigma)
            out = blurred(layer.picture, sigma) if number == 0 else light + (1 - cover) * out
        return out

    depth = np.full(layers[0].cover.shape, layers[0].depth, np.float32)
    for layer in layers[1:]:
        depth[layer.cover > 0.5] = layer.depth
    return Bracket(tuple(levels(composed(index)) for index in range(count)), levels(composed(None)), depth)


@lru_cache(maxsize=16)
def tilted_plane(shape: tuple[int, int] = SHAPE, count: int = 6, seed: int = 1) -> Bracket:
    """Near at the left in the first frame, far at the right in the last."""
    depth = np.broadcast_to(np.linspace(-0.4, count - 0.6, shape[1], dtype=np.float32), shape)
    return surface(texture(shape, seed), depth, count)


@lru_cache(maxsize=4)
def step(shape: tuple[int, int] = SHAPE, count: int = 6, seed: int = 2) -> Bracket:
    """Two depths side by side: the left half is in front and hides what would be behind it."""
    cover = np.zeros(shape, np.float32)
    cover[:, : shape[1] // 2] = 1
    everywhere = np.ones(shape, np.float32)
    return layered(
        [
            Layer(texture(shape, seed), everywhere, count - 2),
            Layer(texture(shape, seed + 50, mean=150), cover, 1),
        ],
        count,
    )


@lru_cache(maxsize=4)
def hairs(shape: tuple[int, int] = SHAPE, count: int = 6, seed: int = 3) -> Bracket:
    """Dark and light hairs, near, over a far background."""
    rng = np.random.default_rng(seed)
    height, width = shape
    layers = [Layer(texture(shape, seed), np.ones(shape, np.float32), count - 2)]
    for tone in (35.0, 215.0):
        cover = np.zeros(shape, np.uint8)
        for x in rng.uniform(0.1, 0.9, 4) * width:
            lean = rng.uniform(-0.3, 0.3) * width
            ends = [(int(16 * x), 0), (int(16 * (x + lean)), 16 * height)]
            cv2.line(cover, ends[0], ends[1], 255, 3, cv2.LINE_AA, 4)
        picture = np.full((height, width, 3), tone, np.float32)
        layers.append(Layer(picture, cover.astype(np.float32) / 255, 1))
    return layered(layers, count)


SCENES = {"plane": tilted_plane, "step": step, "hairs": hairs}


def stacked(
    frames: Sequence[Picture],
    method: FuseMethod = "auto",
    align: str = "none",
    chroma_shift: int = 0,
    reference: int | None = None,
    **settings: object,
) -> FuseResult:
    """Fused as by the command; without alignment unless asked for."""
    chosen = StackSettings(method, AlignSettings(align, reference), **{"threads": 1, **settings})
    return fuse(ArraySource(list(frames), chroma_shift=chroma_shift), chosen)


def picture_of(result: FuseResult) -> Picture:
    """(h, w, 3) BGR."""
    return to_bgr(result.planes)


def psnr(a: Picture, b: Picture) -> float:
    """Decibels, of all channels."""
    top = float(np.iinfo(a.dtype).max)
    error = np.mean(np.square(a.astype(np.float64) - b.astype(np.float64)))
    return float(10 * np.log10(top**2 / max(error, 1e-9)))


def assert_alike(a: Picture, b: Picture, most: int = 3, beyond_one: float = 0.01) -> None:
    """Equal up to rounding, in levels of 255: never more than `most` apart, and more than one nearly nowhere."""
    apart = np.abs(a.astype(np.int32) - b.astype(np.int32)) / (np.iinfo(a.dtype).max // 255)
    assert apart.max() <= most
    assert np.mean(apart > 1) <= beyond_one


def sharpness(picture: Picture) -> float:
    """Mean energy of the Laplacian of the luma, levels of 255."""
    scale = 255 / np.iinfo(picture.dtype).max
    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY) if picture.ndim == 3 else picture
    return float(np.mean(np.square(cv2.Laplacian(grey.astype(np.float32) * scale, cv2.CV_32F))))


def write_frames(folder: Path, frames: Sequence[Picture], suffix: str = ".jpg") -> list[Path]:
    """frame_000 and so on; JPEGs with chroma at half size."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"frame_{index:03}{suffix}" for index in range(len(frames))]
    for path, frame in zip(paths, frames, strict=True):
        assert cv2.imwrite(str(path), frame, [cv2.IMWRITE_JPEG_QUALITY, 95])
    return paths


@dataclass(frozen=True)
class Fusing:
    """What is needed to fuse frames by hand, unmoved and as bright as they are."""

    method: Method
    frames: Sequence[Picture]
    prior: Prior | None
    chroma_shift: int

    @classmethod
    def of(cls, frames: Sequence[Picture], method: FuseMethod = "auto", chroma_shift: int = 0) -> Fusing:
        chosen = METHODS[method]
        if not chosen.depth:
            return cls(chosen, frames, None, chroma_shift)
        survey = Survey(frames[0].shape[:2], AlignSettings("none"))
        source = ArraySource(list(frames))
        for index in range(len(frames)):
            survey.add(source.low(index, survey.scale))
        found = survey.result(0)
        prior = Prior(found.focus, chosen, found.grid_level, cls.empty(frames, chroma_shift).levels)
        return cls(chosen, frames, prior, chroma_shift)

    @staticmethod
    def empty(frames: Sequence[Picture], chroma_shift: int) -> RunningFusion:
        return RunningFusion(frames[0].shape[:2], chroma_shift, exact=frames[0].dtype == np.uint16)

    def run(self, slots: Sequence[int] | None = None, threads: int = 1) -> RunningFusion:
        """The running result of some of the frames, or of all."""
        running = self.empty(self.frames, self.chroma_shift)
        with ThreadPoolExecutor(threads) as pool:
            fuser = Fuser(running, self.method, self.prior, pool)
            for slot in range(len(self.frames)) if slots is None else slots:
                planes = from_bgr(self.frames[slot], self.chroma_shift)
                fuser.add(AlignedFrame(planes, transforms.identity(), np.ones(3), slot))
        return running

    def finish(self, running: RunningFusion) -> Picture:
        height, width = running.shape
        return to_bgr(finish(running, self.method, self.prior, (0, 0, width, height)))

"""A small focus bracket of a textured tilted plane, with transforms and gains that are known."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from stacker import transforms as tf

SHAPE = 360, 480
_MARGIN = 60  # texture beyond the frame, so that a moved frame shows texture up to its rim


def texture(seed: int, shape: tuple[int, int] = SHAPE) -> NDArray[np.float32]:
    """(h, w, 3) light in 0..1: coloured noise with detail at every size."""
    rng = np.random.default_rng(seed)
    height, width = shape
    light = np.zeros((height, width, 3), np.float32)
    for cell in (2, 4, 8, 16, 32, 64):
        coarse = rng.normal(0, 1, (height // cell + 2, width // cell + 2, 3)).astype(np.float32)
        light += cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(np.clip(0.25 * np.exp(0.35 * light), 0.01, 0.8), np.float32)


def encode(light: NDArray[np.float32]) -> NDArray[np.uint8]:
    """8-bit sRGB code values of light in 0..1."""
    return np.rint(255 * np.clip(1.055 * np.maximum(light, 0) ** (1 / 2.4) - 0.055, 0, 1)).astype(np.uint8)


@dataclass(frozen=True)
class Bracket:
    """Frames, and for each where it lies against frame 0 and how much light it got."""

    frames: tuple[NDArray[np.uint8], ...]
    to_first: tuple[tf.Transform, ...]
    light: tuple[NDArray[np.float64], ...]


@lru_cache(maxsize=4)
def bracket(
    count: int,
    seed: int = 1,
    *,
    breathing: float = 0.0,
    jitter_px: float = 0.0,
    bump: tuple[int, float, float] | None = None,
    flicker: float = 0.0,
    noise: float = 0.5,
    blur_px: float = 0.8,
) -> Bracket:
    """`count` frames: sharp at the left in the first, at the right in the last.

    breathing: change of size over the bracket. bump: (frame, degrees, px) that turns and moves it and all
    later ones. blur_px: sigma per frame out of focus. noise: standard deviation, levels of 255.
    """
    rng = np.random.default_rng([seed, 7])
    height, width = SHAPE
    scene = texture(seed, (height + 2 * _MARGIN, width + 2 * _MARGIN))
    sigmas = np.linspace(0, blur_px * count, 8)
    blurred = [scene if s == 0 else cv2.GaussianBlur(scene, (0, 0), s) for s in sigmas]
    focus = np.linspace(0, count - 1, scene.shape[1])[None, :]
    into_scene = np.array([[1.0, 0, _MARGIN], [0, 1, _MARGIN]])
    frames, to_first, lights = [], [], []
    for index in range(count):
        defocus = blur_px * np.abs(focus - index) / sigmas[1]
        lower = np.minimum(defocus.astype(int), len(sigmas) - 2)
        part = np.broadcast_to((defocus - lower)[..., None], (scene.shape[0], scene.shape[1], 1))
        shown = np.zeros_like(scene)
        for n in range(len(sigmas) - 1):
            here = np.broadcast_to((lower == n)[..., None], part.shape)
            shown += here * ((1 - part) * blurred[n] + part * blurred[n + 1])
        back = tf.similarity(
            (1 + breathing) ** (index / max(count - 1, 1)),
            shift=tuple(rng.normal(0, jitter_px, 2)) if index else (0.0, 0.0),
            centre=(width * 0.48, height * 0.53),
        )
        if bump is not None and index >= bump[0]:
            knock = tf.similarity(1, np.radians(bump[1]), (bump[2], 0.0), (width / 2, height / 2))
            back = tf.compose(knock, back)
        transform = tf.invert(back)  # frame 0 to this frame is `back`
        light = 1 + rng.uniform(-flicker, flicker, 3) if index else np.ones(3)
        to_scene = tf.compose(into_scene, transform)
        flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
        frame = encode(
            cv2.warpAffine(shown, to_scene, (width, height), flags=flags) * light.astype(np.float32)
        )
        noisy = frame + rng.normal(0, noise, frame.shape)
        frames.append(np.clip(np.rint(noisy), 0, 255).astype(np.uint8))
        to_first.append(transform)
        lights.append(light)
    return Bracket(tuple(frames), tuple(to_first), tuple(lights))

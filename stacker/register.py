"""Registration of one low copy against another: tile-wise least squares, coarse to fine.

Per tile the moving picture is explained as contrast * (template, shifted): the contrast takes up the
difference in blur, and what remains unexplained is the tile's noise. So tiles with the same texture in both
speak loudest; one that is sharp in a single picture, crossed by a blurred hair or moving says little.
A similarity is fitted to all of them, robustly.
Lucas and Kanade 1981; inverse-compositional update: Baker and Matthews, IJCV 56 (2004).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from stacker.lowcopy import LowCopy
from stacker.similarityfit import Fit, fit_similarity
from stacker.tiles import TemplateTiles, TileShifts, join
from stacker.transforms import Transform, compose, identity, invert

_LEVELS_AT_ONCE = 3  # blurred tiles still speak at a coarser level when sharp ones do at a finer
_MAX_STEPS = 5
_DONE_PX = 0.005  # at the finest level's own size: after a smaller step there is none
_NEARLY_PX = 0.03  # the same at the levels before
_SMALLEST_SIDE_PX = 16  # no phase correlation below
_SPEAKING = 0.25  # of full weight: a tile below does not agree with the others


@dataclass(frozen=True)
class Registration:
    """How a template's pixels map into the moving picture, and how far to believe it."""

    transform: Transform  # template to moving, level-0 pixels
    variance: float  # expected squared error, level-0 pixels, mean over the picture
    correlation: float  # 0..1, of textured tiles after alignment
    textured: float  # share of the tiles that have texture
    agreeing: float  # share of the textured tiles that lie where the transform says


def register(
    template: LowCopy, moving: LowCopy, guess: Transform, coarsest: int, finest: int = 0
) -> Registration:
    """Refine `guess` (template to moving, level-0 px) from level `coarsest` down to `finest`.

    At level 0 a single step is made after the coarser ones: they leave little to do, and it costs most.
    """
    top = len(template.bands) - 1
    coarsest, finest = min(coarsest, top), min(finest, top)
    used = range(finest, min(coarsest + _LEVELS_AT_ONCE - 1, top) + 1)
    noise = {n: max(template.noise_at(n), moving.noise_at(n)) for n in used}
    templates = {n: TemplateTiles(template.bands[n], n, noise[n]) for n in used}
    transform = guess
    for level in range(coarsest, finest - 1, -1):
        levels = [n for n in used if level <= n < level + _LEVELS_AT_ONCE]
        for _ in range(_MAX_STEPS if level or level == coarsest else 1):
            tiles = join([templates[n].measure(moving.bands[n], transform) for n in levels])
            fit = fit_similarity(tiles, template.shape)
            transform = compose(transform, invert(fit.step))
            if fit.largest_move_px < (_DONE_PX if level == finest else _NEARLY_PX) * 2**level:
                break
    return _judge(transform, tiles, fit)


def coarse_guess(template: LowCopy, moving: LowCopy, guesses: list[Transform]) -> Transform:
    """The guess (template to moving, level-0 px) that makes the coarse pictures most alike.

    Besides the guesses given: the shift that phase correlation finds.
    """
    if min(template.shape) < _SMALLEST_SIDE_PX:
        return guesses[0]
    level = max(len(template.bands) - 2, 0)
    fixed, other = template.bands[level], moving.bands[level]
    shape = fixed.shape[1], fixed.shape[0]
    (x, y), _ = cv2.phaseCorrelate(fixed, other, cv2.createHanningWindow(shape, cv2.CV_32F))
    shifted = identity()
    shifted[:, 2] = x * 2**level, y * 2**level

    def likeness(guess: Transform) -> float:
        here = guess.copy()
        here[:, 2] /= 2**level
        warped = cv2.warpAffine(other, here, shape, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
        return float((fixed * warped).sum() / np.sqrt((warped**2).sum() + 1e-6))

    return max([*guesses, shifted], key=likeness)


def _judge(transform: Transform, tiles: TileShifts, fit: Fit) -> Registration:
    textured = tiles.textured
    if not textured.any():
        return Registration(transform, fit.variance, 0.0, 0.0, 0.0)
    # A speck of glare must not outweigh the rest of the picture, so contrast counts up to a limit.
    strength = np.minimum(tiles.texture[textured], 20)
    correlation = float(np.average(tiles.correlation[textured], weights=strength))
    agreeing = float((fit.weight[textured] > _SPEAKING).mean())
    return Registration(
        transform, fit.variance, max(correlation, 0.0), float(textured.sum() / tiles.inside.sum()), agreeing
    )

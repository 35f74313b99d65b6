"""The cheap focus figure: more blur, less of it; noise and brightness do not count."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from rig.box import Box
from rig.sharpness import TILES, box_sharpness, clipped_share, noise_variance, sharpness, tile_sharpness

Luma = npt.NDArray[np.uint8]


def texture(seed: int = 1, size: tuple[int, int] = (240, 320), blur: float = 0.0, level: float = 1.0) -> Luma:
    """Leaves of a few pixels at random grey, blurred."""
    rng = np.random.default_rng(seed)
    coarse = rng.uniform(40, 160, (size[0] // 6, size[1] // 6)).astype(np.float32)
    picture = cv2.resize(coarse, (size[1], size[0]), interpolation=cv2.INTER_NEAREST)
    if blur:
        picture = cv2.GaussianBlur(picture, (0, 0), blur)
    return np.clip(picture * level, 0, 255).astype(np.uint8)


def noisy(luma: Luma, sigma: float) -> Luma:
    rng = np.random.default_rng(7)
    return np.clip(luma + rng.normal(0, sigma, luma.shape), 0, 255).astype(np.uint8)


def test_more_blur_gives_a_lower_figure() -> None:
    figures = [sharpness(texture(blur=blur)) for blur in (0, 0.7, 1.5, 3, 6, 12)]

    assert figures == sorted(figures, reverse=True)


def test_more_blur_gives_a_lower_figure_in_noise_too() -> None:
    figures = [sharpness(noisy(texture(blur=blur), 4)) for blur in (0, 0.7, 1.5, 3, 6)]

    assert figures == sorted(figures, reverse=True)


def test_noise_alone_is_not_sharpness() -> None:
    flat = np.full((240, 320), 120, np.uint8)

    assert abs(sharpness(noisy(flat, 5))) < 0.02 * sharpness(texture())


def test_a_flat_picture_has_none() -> None:
    assert sharpness(np.full((64, 64), 128, np.uint8)) == 0


def test_a_darker_frame_is_as_sharp() -> None:
    assert sharpness(texture(level=0.6)) == pytest.approx(sharpness(texture()), rel=0.03)


def test_a_black_frame_does_no_harm() -> None:
    assert sharpness(np.zeros((64, 64), np.uint8)) == 0


def test_tiles_tell_where_it_is_sharp() -> None:
    picture = texture(blur=8)
    picture[:120, 160:] = texture()[:120, 160:]

    tiles = tile_sharpness(picture, (2, 2))

    assert np.unravel_index(tiles.argmax(), tiles.shape) == (0, 1)
    assert tiles[0, 1] > 5 * np.median(tiles)


def test_tiles_have_the_shape_asked_for_whatever_the_picture() -> None:
    assert tile_sharpness(texture(size=(95, 127))).shape == TILES


def test_the_tiles_of_a_box_tell_of_what_is_in_it() -> None:
    luma = np.full((240, 320), 120, np.uint8)
    luma[60:180, 80:160] = texture()[60:180, 80:160]

    assert box_sharpness(luma, (0.26, 0.26, 0.23, 0.48)).min() > 10 * abs(
        box_sharpness(luma, (0.6, 0, 0.4, 1)).max()
    )


@pytest.mark.parametrize(
    ("box", "shape"),
    [((0, 0, 1, 1), (6, 8)), ((0.5, 0.5, 0.1, 0.1), (3, 4)), ((0.98, 0.98, 0.02, 0.02), (1, 1))],
)
def test_a_small_box_has_fewer_tiles_of_a_size_that_tells(box: Box, shape: tuple[int, int]) -> None:
    assert box_sharpness(texture(), box).shape == shape


def test_the_mean_of_the_tiles_is_the_figure_of_the_whole() -> None:
    picture = texture()

    assert float(tile_sharpness(picture).mean()) == pytest.approx(sharpness(picture), rel=1e-3)


@pytest.mark.parametrize("sigma", [1.0, 4.0])
def test_the_noise_of_a_flat_picture_is_measured(sigma: float) -> None:
    rng = np.random.default_rng(3)
    flat = rng.normal(100, sigma, (240, 320)).astype(np.float32)

    assert noise_variance(flat) == pytest.approx(sigma**2, rel=0.2)


def test_the_input_is_not_changed() -> None:
    picture = texture()
    before = picture.copy()
    sharpness(picture)

    assert np.array_equal(picture, before)


def test_burnt_out_parts_are_counted() -> None:
    picture = np.full((100, 100), 100, np.uint8)
    picture[:10] = 255

    assert clipped_share(picture) == pytest.approx(0.1)

"""A palette knows the colours of a place by depth."""

import numpy as np
import pytest

from stacker.palette import Palette

SHAPE = 64, 96
EVERYWHERE = np.ones(SHAPE, bool)


def painted(mean, deviation, seed=0):
    """Three planes of colours around a mean."""
    rng = np.random.default_rng(seed)
    return tuple(rng.normal(one, deviation, SHAPE).astype(np.float32) for one in mean)


def at(depth):
    return np.full(SHAPE, depth, np.float32)


def squared_distance(palette, depth):
    """Of every cell, (h, w)."""
    rows, columns = (index.ravel() for index in np.indices(SHAPE))
    colours = [colour[rows, columns] for colour in palette._colours]
    return palette._distance(rows, columns, colours, at(depth)[rows, columns]).reshape(SHAPE)


def test_the_distance_is_counted_in_standard_deviations():
    palette = Palette(painted((100, 128, 140), 20), at(3), EVERYWHERE)
    assert np.mean(squared_distance(palette, 3)) == pytest.approx(3, abs=0.5)  # one for each colour


def test_colours_that_go_together_are_known_to():
    luma = np.random.default_rng(1).uniform(40, 220, SHAPE).astype(np.float32)
    together, strange = (luma, luma / 2, 255 - luma), (luma, 127 - luma / 2, luma)
    left = np.broadcast_to(np.arange(SHAPE[1]) < 48, SHAPE)
    colours = tuple(np.where(left, one, other) for one, other in zip(together, strange, strict=True))
    found = squared_distance(Palette(colours, at(3), left), 3)
    assert found[:, :48].max() < 10
    assert np.median(found[:, 48:52]) > 20


def test_each_depth_has_its_own_colours():
    left = np.broadcast_to(np.arange(SHAPE[1]) % 2 == 0, SHAPE)
    dark, bright = painted((40, 128, 128), 4), painted((200, 128, 128), 4, seed=1)
    colours = tuple(np.where(left, one, other) for one, other in zip(dark, bright, strict=True))
    palette = Palette(colours, np.where(left, at(2), at(12)), EVERYWHERE)
    assert np.array_equal(palette.nearer(EVERYWHERE, at(2), at(12), by=1), left)
    assert np.array_equal(palette.nearer(EVERYWHERE, at(12), at(2), by=1), ~left)
    assert not palette.nearer(EVERYWHERE, at(2), at(2), by=1).any()
    assert not palette.nearer(~left, at(2), at(12), by=1).any()


def test_where_no_colours_are_known_all_are_far():
    corner = np.zeros(SHAPE, bool)
    corner[:8, :8] = True
    colours = painted((100, 128, 128), 5)
    found = squared_distance(Palette(colours, at(3), corner), 3)
    assert np.isfinite(found[:8, :8]).all()
    assert np.isinf(found[48:, 60:]).all()
    nothing = Palette(colours, at(3), ~EVERYWHERE)
    assert not nothing.nearer(EVERYWHERE, at(3), at(9), by=1).any()


@pytest.mark.parametrize("shape", [SHAPE, (1200, 2400), (3, 5)])
def test_a_long_bracket_or_a_large_map_takes_no_more_memory(shape):
    depth = np.linspace(0, 3000, shape[0] * shape[1], dtype=np.float32).reshape(shape)
    grey = np.full(shape, 128, np.uint8)
    palette = Palette((grey, grey, grey), depth, np.ones(shape, bool))
    assert sum(moment.nbytes for moment in palette._moments) <= 10 * 32 * 64 * 64 * 4

"""What the focus map says of a frame's weight, place by place."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stacker.focusmap import FocusMap
from stacker.methods import METHODS
from stacker.patches import Patch, patches, whole
from stacker.prior import Prior

CANVAS = 512, 768
LEVELS = 5


def focus_map(grid_level, seed=0):
    """Of every kind: slopes, steps, certain and uncertain places."""
    rng = np.random.default_rng(seed)
    height, width = (side >> grid_level for side in CANVAS)
    x, y = np.meshgrid(np.linspace(0, 5, width), np.linspace(0, 1, height))
    depth = (x + (y > 0.5) * 2 + rng.normal(0, 0.2, x.shape)).astype(np.float32)
    confidence = rng.random(x.shape).astype(np.float32)
    sharpness = (1 / np.square(0.4 + 2 * (1 - confidence))).astype(np.float32)
    mixed = ((y > 0.45) & (y < 0.55)).astype(np.float32)
    return FocusMap(depth, confidence, sharpness, mixed, np.zeros_like(depth), np.zeros_like(depth))


@pytest.fixture(scope="module", params=[1, 2], ids=["surveyed whole", "surveyed at half size"])
def prior(request):
    return Prior(focus_map(request.param), METHODS["auto"], request.param, LEVELS)


@pytest.mark.parametrize("band", range(LEVELS))
def test_patch_by_patch_it_says_what_it_says_of_the_whole(prior, band):
    level = band + 1
    cells = CANVAS[0] >> level, CANVAS[1] >> level
    at_once = prior.patch(band, level, whole(cells)).log_weight(2)
    apron = 16 >> band if band < 2 else 0
    for place in patches(cells, (128, 64)):
        held = place.grown(apron, cells)
        here = prior.patch(band, level, held).log_weight(2)
        np.testing.assert_allclose(here[place.within(held)], at_once[place.rows, place.columns], atol=1e-3)


def test_the_nearest_frame_weighs_most_where_depth_decides():
    flat = np.full((256, 384), 3.2, np.float32)
    focus = FocusMap(flat, flat, np.full_like(flat, 4), np.zeros_like(flat), flat, flat)
    weights = [
        Prior(focus, METHODS["auto"], 1, LEVELS).patch(0, 1, Patch(0, 0, 64, 64)).log_weight(slot).mean()
        for slot in range(7)
    ]
    assert np.argmax(weights) == 3
    assert weights[4] > weights[2]


def test_where_contrast_decides_on_fine_bands_every_frame_weighs_the_same():
    flat = np.full((256, 384), 3.2, np.float32)
    prior = Prior(FocusMap(flat, flat, flat, np.ones_like(flat), flat, flat), METHODS["auto"], 1, LEVELS)
    for slot in (0, 3, 6):
        assert np.abs(prior.patch(0, 1, Patch(0, 0, 64, 64)).log_weight(slot)).max() < 1e-6


def test_by_the_depth_map_alone_contrast_decides_nowhere():
    flat = np.full((256, 384), 3.2, np.float32)
    prior = Prior(FocusMap(flat, flat, flat, np.ones_like(flat), flat, flat), METHODS["depthmap"], 1, LEVELS)
    assert prior.patch(0, 1, Patch(0, 0, 64, 64)).mixed.max() == 0


@given(slot=st.integers(0, 7), number=st.integers(0, 200))
@settings(max_examples=60, deadline=None)
def test_a_frame_that_does_not_count_in_a_place_has_no_weight_there(prior, slot, number):
    everywhere = list(patches(CANVAS, (64, 64)))
    place = everywhere[number % len(everywhere)]
    if not prior.counts(slot, place):
        level = max(prior._grid_level, 1)
        best = np.max([prior.patch(0, level, place.at(level)).log_weight(n) for n in range(8)], axis=0)
        assert (prior.patch(0, level, place.at(level)).log_weight(slot) <= best).all()
        assert prior.patch(0, level, place.at(level)).log_weight(slot).max() < np.log(0.02)


def test_some_frame_counts_in_every_place(prior):
    for place in patches(CANVAS, (64, 64)):
        assert any(prior.counts(slot, place) for slot in range(8))

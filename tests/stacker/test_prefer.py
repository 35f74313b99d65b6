"""`--prefer near|far`: which of two depths wins where both have contrast."""

import numpy as np
import pytest
from brackets import SHAPE, Layer, layered, picture_of, stacked, texture, tilted_plane

from stacker.cli import main
from stacker.errors import SettingsError
from stacker.settings import StackSettings

COUNT = 6
NEAR, FAR = 1, 4


@pytest.fixture(scope="module")
def net():
    """A fine net in front of a texture: every place has contrast in two frames."""
    cover = np.zeros(SHAPE, np.float32)
    cover[::12], cover[:, ::12] = 1, 1
    cover[1::12], cover[:, 1::12] = 1, 1
    return layered(
        [
            Layer(texture(SHAPE, 8), np.ones(SHAPE, np.float32), FAR),
            Layer(texture(SHAPE, 9, mean=200), cover, NEAR),
        ],
        COUNT,
    )


@pytest.fixture(scope="module")
def pictures(net):
    return {prefer: picture_of(stacked(net.frames, prefer=prefer)) for prefer in ("none", "near", "far")}


@pytest.fixture(scope="module")
def distance(net, pictures):
    """Of a picture from a frame, where there is something to prefer."""
    open_to_both = np.abs(pictures["near"].astype(int) - pictures["far"]).max(axis=2) > 4
    assert open_to_both.sum() > 100
    return lambda prefer, frame: np.mean(
        (pictures[prefer].astype(float) - net.frames[frame])[open_to_both] ** 2
    )


def test_near_brings_out_what_is_in_front_and_far_what_is_behind(distance):
    assert distance("near", NEAR) < 0.5 * distance("far", NEAR)
    assert distance("far", FAR) < 0.9 * distance("near", FAR)


def test_without_a_preference_the_result_lies_between(distance):
    near = [distance(prefer, NEAR) for prefer in ("near", "none", "far")]
    far = [distance(prefer, FAR) for prefer in ("near", "none", "far")]
    assert near == sorted(near)
    assert far == sorted(far, reverse=True)


def test_where_nothing_overlaps_a_preference_changes_nothing():
    frames = tilted_plane(SHAPE, COUNT).frames
    plain, near = (picture_of(stacked(frames, prefer=prefer)) for prefer in ("none", "near"))
    assert np.mean(np.abs(plain.astype(int) - near) > 1) < 0.01


def test_a_preference_needs_the_method_that_knows_depths():
    with pytest.raises(SettingsError, match="needs method auto"):
        StackSettings(method="pyramid", prefer="near")


def test_the_command_refuses_it_with_another_method(capsys):
    assert main(["stack", "a.jpg", "-o", "b.jpg", "--prefer", "far", "--method", "average"]) == 2
    assert "a preference for far needs method auto" in capsys.readouterr().err

"""Frames whose exposure differs much are matched, and the photographer is told once what that cannot mend."""

import numpy as np
import pytest
from brackets import stacked, tilted_plane

from stacker.exposures import exposure_warning
from stacker.light import EXPONENT, PIVOT
from stacker.report import FrameReport


def shot(stops, index=0, used=True):
    """A frame that had to become so many stops brighter."""
    gain = float(2 ** (stops / EXPONENT))
    return FrameReport(index, f"{index}.jpg", used, gain=(gain, gain, gain))


def exposed(frame, stops):
    """The same frame with so many stops more light."""
    coded = (frame / 255 + PIVOT) * 2 ** (stops / EXPONENT) - PIVOT
    return np.rint(coded.clip(0, 1) * 255).astype(np.uint8)


@pytest.mark.parametrize("stops", [0.0, 0.1, -0.5])
def test_flicker_is_not_worth_a_word(stops):
    assert exposure_warning([shot(0), shot(stops, 1)], 0) is None


def test_a_darker_frame_is_named_with_its_noise_and_a_brighter_one_with_its_highlights():
    dark = exposure_warning([shot(0), shot(1.5, 1)], 0)
    assert dark.startswith("1.jpg is 1.5 stops darker than 0.jpg: ")
    assert "noise" in dark
    bright = exposure_warning([shot(0), shot(-1.0, 1)], 0)
    assert bright.startswith("1.jpg is 1.0 stops brighter than 0.jpg: ")
    assert "highlights" in bright


def test_several_make_one_sentence_about_the_worst():
    said = exposure_warning([shot(0), shot(1, 1), shot(-2, 2), shot(0.2, 3)], 0)
    assert said.startswith("2.jpg is 2.0 stops brighter than 0.jpg (2 frames differ by more than 0.7): ")


def test_a_frame_left_out_is_not_blamed_for_its_light_too():
    assert exposure_warning([shot(0), shot(2, 1, used=False), FrameReport(2, "2.jpg", True)], 0) is None


def test_a_stack_says_it_of_its_frames():
    frames = list(tilted_plane((192, 256), 5).frames)
    assert stacked(frames, align="auto").report.warnings == ()
    frames[3] = exposed(frames[3], -1.2)
    (said,) = stacked(frames, align="auto").report.warnings
    assert "stops darker" in said
    assert said.startswith("frame 3 is 1.")

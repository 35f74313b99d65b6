"""How the picture looks in the cells of the focus map."""

from dataclasses import replace

import numpy as np
import pytest
from brackets import texture

from stacker.look import look_of
from stacker.planes import from_bgr, with_bit_depth
from stacker.report import Coverage, Report
from stacker.result import FuseResult

FRAME, STEP_LEVEL = (100, 150), 2


def result_of(area, chroma_shift=1, bits=8):
    """A result that was cropped so, with an empty focus map of the whole frame."""
    x, y, width, height = area
    picture = np.rint(texture(FRAME, 3)).astype(np.uint8)
    planes = with_bit_depth(from_bgr(picture[y : y + height, x : x + width], chroma_shift), bits)
    cells = np.zeros((-(-FRAME[0] >> STEP_LEVEL), -(-FRAME[1] >> STEP_LEVEL)), np.float32)
    nothing = Coverage("unknown", 0.0, 0.0, "")
    report = Report("auto", FRAME[::-1], area, 0, (), nothing, (), {}, 0.0)
    return FuseResult(planes, cells, cells, STEP_LEVEL, report)


WHOLE = 0, 0, 150, 100


@pytest.mark.parametrize(
    ("area", "chroma_shift"),
    [(WHOLE, 0), (WHOLE, 1), ((6, 2, 130, 90), 0), ((6, 2, 130, 90), 1), ((5, 3, 131, 87), 0)],
)
def test_a_cell_has_the_mean_of_its_pixels_wherever_the_picture_begins(area, chroma_shift):
    result = result_of(area, chroma_shift)
    x, y, _, _ = area
    look = look_of(result)
    row, column = 7, 11  # whole in every area
    pixels = slice(4 * row - y, 4 * row - y + 4), slice(4 * column - x, 4 * column - x + 4)
    assert look.colours[0].shape == result.depth.shape
    assert look.colours[0][row, column] == pytest.approx(result.planes.y[pixels].mean(), abs=0.51)
    half = tuple(slice(one.start >> chroma_shift, one.stop >> chroma_shift) for one in pixels)
    assert look.colours[1][row, column] == pytest.approx(result.planes.cb[half].mean(), abs=0.51)


def test_cells_that_the_picture_does_not_hold_look_like_their_neighbours():
    luma = look_of(result_of((6, 2, 130, 90))).colours[0]
    assert np.array_equal(luma[0], luma[1])
    assert np.array_equal(luma[:, -1], luma[:, -5])


def test_sixteen_bit_pictures_look_the_same():
    there, here = look_of(result_of(WHOLE)), look_of(result_of(WHOLE, bits=16))
    for mine, other in zip(there.colours, here.colours, strict=True):
        assert np.abs(mine.astype(int) - other).max() <= 1  # 128 is not quite the half of 16 bit
    assert np.mean(there.sharp == here.sharp) > 0.99


def test_what_is_sharp_has_detail_of_its_own_and_not_only_beside_it():
    result = result_of(WHOLE)
    luma = result.planes.y.copy()
    luma[:, :72] = 90
    sharp = look_of(
        replace(result, planes=type(result.planes)(luma, result.planes.cb, result.planes.cr, 1))
    ).sharp
    assert not sharp[:, :17].any()
    assert sharp[:, 20:].mean() > 0.1

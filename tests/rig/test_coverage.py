"""The verdict on a bracket, from curves whose peaks were placed."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from smallrig import small_rig

from rig.capture import capture_bracket
from rig.coverage import Coverage, Verdict, check_coverage
from rig.plan import plan_bracket

STEP = 50


@dataclass(frozen=True)
class Shot:
    """The facts of a frame that matter here."""

    index: int
    position_steps: int
    tile_sharpness: tuple[tuple[float, ...], ...]
    clipped_share: float = 0.0
    box_sharpness: tuple[tuple[float, ...], ...] | None = None


def bracket(depths: np.ndarray, positions: list[int], wobble: float = 0.0) -> list[Shot]:
    """Frames of a subject whose tiles lie at these depths (rows, columns), in steps."""
    return [
        Shot(index, position, tuple(map(tuple, 1e-3 + np.exp(-(((depths - position) / 90) ** 2)))))
        for index, position in enumerate(positions)
    ]


def boxed(frames: list[Shot], rows: slice) -> list[Shot]:
    """Where only these rows of tiles are to be covered."""
    return [replace(frame, box_sharpness=frame.tile_sharpness[rows]) for frame in frames]


def slope(near: float, far: float) -> np.ndarray:
    """A tilted subject: depths evenly from near to far over 6 x 8 tiles."""
    return np.linspace(near, far, 48).reshape(6, 8)


def verdict(depths: np.ndarray, positions: list[int]) -> Coverage:
    return check_coverage(bracket(depths, positions), STEP)


def test_a_bracket_that_reaches_beyond_the_subject_covers_it() -> None:
    assert verdict(slope(100, 400), list(range(50, 500, STEP))).verdict is Verdict.COVERED


def test_a_subject_that_ends_at_the_limits_is_covered() -> None:
    assert verdict(slope(100, 400), list(range(100, 401, STEP))).verdict is Verdict.COVERED


def test_a_far_end_cut_is_told_with_the_frames_to_add() -> None:
    found = verdict(slope(100, 500), list(range(100, 401, STEP)))

    assert found.verdict is Verdict.FAR_CUT
    assert found.extra_frames("extend_far") == pytest.approx(2, abs=1)
    assert found.extra_frames("extend_near") == 0
    assert found.findings[0].repair is not None
    assert found.findings[0].repair.label == f"Extend {found.extra_frames('extend_far')} farther"


def test_a_near_end_cut_is_told() -> None:
    found = verdict(slope(0, 400), list(range(150, 451, STEP)))

    assert found.verdict is Verdict.NEAR_CUT
    assert found.extra_frames("extend_near") == pytest.approx(3, abs=1)
    assert "nearer" in (found.findings[0].repair or pytest.fail()).label


def test_both_ends_may_be_cut() -> None:
    found = verdict(slope(0, 600), list(range(200, 401, STEP)))

    assert {finding.verdict for finding in found.findings} == {Verdict.NEAR_CUT, Verdict.FAR_CUT}


def test_the_wanted_frames_put_it_right() -> None:
    depths = slope(100, 560)
    positions = list(range(100, 401, STEP))
    for _ in range(3):
        extra = verdict(depths, positions).extra_frames("extend_far")
        positions += [positions[-1] + STEP * (i + 1) for i in range(extra)]

    assert verdict(depths, positions).verdict is Verdict.COVERED
    assert positions[-1] <= 560 + 2 * STEP


def test_a_shorter_last_step_is_reckoned_with() -> None:
    assert verdict(slope(100, 410), [100, 150, 200, 250, 300, 350, 400, 410]).verdict is Verdict.COVERED


def test_one_hair_beyond_the_end_is_not_the_subject() -> None:
    depths = slope(100, 400)
    depths[0, 0] = 700

    assert verdict(depths, list(range(50, 451, STEP))).verdict is Verdict.COVERED


@pytest.mark.parametrize(("textured", "found"), [(12, Verdict.COVERED), (8, Verdict.FAR_CUT)])
def test_one_tile_is_the_subject_only_where_there_are_few(textured: int, found: Verdict) -> None:
    depths = np.full(48, 1e6)  # blank
    depths[:textured] = np.linspace(100, 400, textured)
    depths[textured - 1] = 500

    assert verdict(depths.reshape(6, 8), list(range(50, 451, STEP))).verdict is found


def test_a_background_far_from_sharp_is_no_cut_end() -> None:
    depths = slope(100, 400)
    depths[0] = 600  # a sixth of the picture, far behind

    assert verdict(depths, list(range(50, 451, STEP))).verdict is Verdict.COVERED


@pytest.mark.parametrize(("rises", "found"), [(0.45, Verdict.COVERED), (1.5, Verdict.FAR_CUT)])
def test_what_hardly_rises_towards_an_end_is_not_cut_there(rises: float, found: Verdict) -> None:
    frames = bracket(slope(100, 400), list(range(100, 501, STEP)))
    for frame in frames:  # two rows that rise all the way, to a summit two frames beyond the last
        at = frame.index / (len(frames) - 1)
        level = 0.6 * np.exp(rises * (1 - ((1.3 - at) / 1.3) ** 2))
        row = (float(level),) * 8
        object.__setattr__(frame, "tile_sharpness", (row, row, *frame.tile_sharpness[2:]))

    assert check_coverage(frames, STEP).verdict is found


def test_something_far_before_the_near_end_is_told_but_not_sure() -> None:
    depths = slope(300, 600)
    depths[0] = 100

    found = verdict(depths, list(range(250, 651, STEP)))

    assert found.verdict is Verdict.NEAR_CUT
    assert found.findings[0].repair is not None and not found.findings[0].repair.sure


def test_only_what_is_in_the_box_has_to_be_covered() -> None:
    frames = bracket(slope(0, 600), list(range(200, 401, STEP)))  # rows of tiles 100 steps deep

    assert check_coverage(frames, STEP).verdict is Verdict.NEAR_CUT
    assert check_coverage(boxed(frames, slice(2, 4)), STEP).verdict is Verdict.COVERED


def test_an_end_cut_in_the_box_is_told_with_the_frames_that_the_box_needs() -> None:
    frames = bracket(slope(0, 600), list(range(100, 301, STEP)))
    found = check_coverage(boxed(frames, slice(1, 4)), STEP)  # from 100 to 400

    assert [finding.verdict for finding in found.findings] == [Verdict.FAR_CUT]
    assert found.extra_frames("extend_far") == pytest.approx(2, abs=1)


def test_motion_shows_outside_the_box_too() -> None:
    frames = bracket(slope(100, 400), list(range(50, 500, STEP)))
    blurred = tuple(tuple(0.3 * value for value in row) for row in frames[4].tile_sharpness)
    frames[4] = replace(frames[4], tile_sharpness=blurred)

    assert check_coverage(boxed(frames, slice(2, 3)), STEP).verdict is Verdict.MOVED


def test_a_box_with_nothing_in_it_is_not_judged() -> None:
    frames = [
        replace(frame, box_sharpness=((1e-9,),))
        for frame in bracket(slope(100, 400), list(range(50, 500, STEP)))
    ]

    assert check_coverage(frames, STEP).verdict is Verdict.UNSURE


def test_a_missing_frame_is_a_gap_with_its_place() -> None:
    frames = bracket(slope(100, 400), list(range(50, 500, STEP)))
    del frames[3:5]

    finding = check_coverage(frames, STEP).findings[0]

    assert finding.verdict is Verdict.GAP
    assert finding.sentence == "Gap between frames 3 and 6: 2 missing."
    assert finding.repair is not None and (finding.repair.action, finding.repair.frames) == ("fill", 2)


def test_a_frame_less_sharp_everywhere_than_its_neighbours_was_moved() -> None:
    frames = bracket(slope(100, 400), list(range(50, 500, STEP)))
    blurred = tuple(tuple(0.3 * value for value in row) for row in frames[4].tile_sharpness)
    frames[4] = Shot(4, frames[4].position_steps, blurred)

    finding = check_coverage(frames, STEP).findings[0]

    assert (finding.verdict, finding.frames) == (Verdict.MOVED, (4,))
    assert finding.sentence == "The subject or the rig moved in frame 5."


def test_a_gap_in_the_subjects_depth_is_no_motion() -> None:
    depths = slope(100, 160)
    depths[3:] += 400  # a hair and its background, nothing between

    assert verdict(depths, list(range(50, 651, STEP))).verdict is Verdict.COVERED


def test_burnt_out_frames_are_told() -> None:
    frames = bracket(slope(100, 400), list(range(50, 500, STEP)))
    frames = [
        Shot(f.index, f.position_steps, f.tile_sharpness, 0.05 if f.index in (1, 2, 5) else 0) for f in frames
    ]

    finding = check_coverage(frames, STEP).findings[0]

    assert (finding.verdict, finding.sentence) == (
        Verdict.CLIPPED,
        "Highlights are burnt out in frames 2 to 3, 6.",
    )


@pytest.mark.parametrize("count", [0, 1, 2])
def test_too_few_frames_are_not_judged(count: int) -> None:
    frames = bracket(slope(100, 400), [100, 150][:count])

    assert check_coverage(frames, STEP).verdict is Verdict.UNSURE


def test_a_blank_wall_is_not_judged() -> None:
    frames = [Shot(i, i * STEP, ((1e-9,) * 8,) * 6) for i in range(6)]

    assert check_coverage(frames, STEP).verdict is Verdict.UNSURE


@pytest.mark.parametrize(
    ("near", "far", "expected"),
    [(800, 2200, Verdict.COVERED), (800, 1500, Verdict.FAR_CUT), (1500, 2200, Verdict.NEAR_CUT)],
)
def test_the_simulated_tilted_target_is_judged_rightly(near: int, far: int, expected: Verdict) -> None:
    """Its depths run from 850 to 2150 steps."""
    rig = small_rig(size_px=(640, 480), capture__settle_mode="fixed")
    plan = plan_bracket(rig.settings, near, far, 100)

    report = capture_bracket(rig.devices.camera, rig.focuser, plan, rig.settings, rig.sink, clock=rig.clock)

    assert check_coverage(report.frames, plan.step_steps).verdict is expected

"""Whether the focus really went on between frames, from the frames alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from smallrig import SmallRig, small_rig

from rig.advance import jumps, repeats
from rig.capture import capture_bracket
from rig.coverage import Coverage, Verdict, check_coverage
from rig.devices.build_sim import scene_names
from rig.devices.faults import FaultPlan
from rig.plan import plan_bracket
from rig.repair import gaps

DEPTHS = np.linspace(0, 20, 48)  # of 48 tiles, in focus steps


def curves(focus: np.ndarray, noise: float = 0.02, width: float = 3) -> np.ndarray:
    """Sharpness of the tiles with the focus at these places: (frames, tiles). width: of a peak, in steps."""
    rng = np.random.default_rng(3)
    sharp = np.exp(-(((DEPTHS[None] - np.asarray(focus, float)[:, None]) / width) ** 2)) + 1e-4
    return sharp * np.exp(noise * rng.standard_normal(sharp.shape))


@given(st.integers(1, 15), st.integers(1, 3))
def test_a_drive_stuck_for_some_moves_repeats_a_frame_so_often(at: int, times: int) -> None:
    focus = np.concatenate([np.arange(at + 1), np.full(times, at), np.arange(at + 1, 20)])

    assert repeats(curves(focus), [1.0] * (len(focus) - 1)) == [(at, at + times)]


def test_a_drive_that_never_moves_again_repeats_the_last_frame() -> None:
    focus = np.minimum(np.arange(20), 12)

    assert repeats(curves(focus), [1.0] * 19) == [(12, 19)]


@given(st.integers(3, 15))
def test_a_drive_that_slipped_leaves_a_gap(at: int) -> None:
    focus = np.concatenate([np.arange(at + 1), np.arange(at + 2, 21)])

    assert jumps(curves(focus), [1.0] * (len(focus) - 1)) == [at]


def test_where_a_step_hardly_shows_a_small_change_of_all_tiles_is_no_gap() -> None:
    """As on pictures a few hundred pixels wide: 2 % from frame to frame, and 8 % once that is not the focus."""
    shown = curves(np.arange(20), noise=0.002, width=40)
    shown[9:] *= 1.08

    assert jumps(shown, [1.0] * 19) == []


@given(st.lists(st.sampled_from([0.25, 0.5, 1.0]), min_size=8, max_size=20))
def test_ways_that_were_meant_to_differ_are_neither(ways: list[float]) -> None:
    focus = np.concatenate([[0.0], np.cumsum(ways)])

    assert repeats(curves(focus, noise=0.005), ways) == []
    assert jumps(curves(focus, noise=0.005), ways) == []


@pytest.mark.parametrize("count", [0, 1, 5])
def test_few_frames_tell_nothing(count: int) -> None:
    focus = np.zeros(count)

    assert repeats(curves(focus), [1.0] * max(count - 1, 0)) == []
    assert jumps(curves(focus), [1.0] * max(count - 1, 0)) == []


# --- on the simulated rig ---------------------------------------------------------------------------
def shot(rig: SmallRig, losing: tuple[int, ...] = ()) -> Coverage:
    """A bracket over the whole scene; on the way to the frames named every step is lost."""
    near, far = rig.devices.scene.textured_range_steps
    plan = plan_bracket(rig.settings, near, far, None)

    def sink(frame, facts) -> None:
        rig.sink(frame, facts)
        lost = len(rig.frames) in losing
        rig.devices.bench.faults = FaultPlan(motor_lost_every=1 if lost else None)

    report = capture_bracket(rig.devices.camera, rig.focuser, plan, rig.settings, sink, clock=rig.clock)
    return check_coverage(report.frames, plan.step_steps)


def found(coverage: Coverage) -> dict[Verdict, tuple[int, ...]]:
    return {finding.verdict: finding.frames for finding in coverage.findings}


@pytest.mark.parametrize("scene", scene_names())
def test_a_drive_that_goes_evenly_is_not_blamed(scene: str) -> None:
    verdicts = found(shot(small_rig(scene, capture__settle_mode="fixed")))

    assert not {Verdict.GAP, Verdict.REPEATED} & set(verdicts)


def test_steps_lost_in_mid_bracket_are_told_with_the_frames_between_which() -> None:
    coverage = shot(small_rig("target", capture__settle_mode="fixed"), losing=(8,))

    assert found(coverage)[Verdict.REPEATED] == (7, 8)
    assert any("Frames 8 to 9 show the same focus" in one.sentence for one in coverage.findings)


def test_a_drive_that_stops_for_good_is_told_as_such() -> None:
    rig = small_rig("target", capture__settle_mode="fixed")
    coverage = shot(rig, losing=tuple(range(20, 60)))

    last = len(rig.frames) - 1
    assert found(coverage)[Verdict.REPEATED] == tuple(range(19, last + 1))
    assert any("did not move any more after frame 20" in one.sentence for one in coverage.findings)


def test_what_the_drive_skipped_is_shot_between_the_frames_beside_it() -> None:
    """As told, the frames are 50 steps apart; in truth one of them is missing."""

    class Frame:
        clipped_share, box_sharpness = 0.0, None

        def __init__(self, index: int, sharp: np.ndarray) -> None:
            self.index, self.position_steps = index, 50 * index
            self.tile_sharpness = tuple(map(tuple, sharp.reshape(6, 8)))

    truly = [*range(9), *range(10, 20)]
    frames = [Frame(index, sharp) for index, sharp in enumerate(curves(np.array(truly)))]

    coverage = check_coverage(frames, 50)

    assert found(coverage)[Verdict.GAP] == (8, 9)
    assert gaps(coverage, {frame.index: frame.position_steps for frame in frames}) == (425,)

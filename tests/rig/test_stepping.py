"""Ramps and the loop that keeps to them, on a clock of the test's own."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rig.devices.stepping import Ramp, send_steps, step_periods_ns
from rig.errors import MotorError

RAMPS = st.builds(
    lambda start, factor, steps: Ramp(start, start * factor, steps),
    st.floats(1, 2000),
    st.floats(1, 20),
    st.integers(0, 300),
)


class Clock:
    """Time that passes only when asked: 2 µs a look, and as long as is slept."""

    def __init__(self) -> None:
        self.ns = 0
        self.stalls: dict[int, int] = {}  # step -> ns it takes

    def now_ns(self) -> int:
        self.ns += 2_000
        return self.ns

    def sleep(self, seconds: float) -> None:
        self.ns += int(seconds * 1e9)


def train(clock: Clock, periods_ns: list[int], **options) -> list[int]:
    """When each step was made."""
    made: list[int] = []

    def step() -> None:
        made.append(clock.ns)
        clock.ns += clock.stalls.get(len(made), 0)

    send_steps(step, iter(periods_ns), now_ns=clock.now_ns, sleep=clock.sleep, **options)
    return made


def test_a_ramp_by_hand():
    # v² = 100² + (200² - 100²)·s/3 for s = 0, 1, 2: 100, 141.4, 173.2 steps/s, then 200
    periods = list(step_periods_ns(8, Ramp(100, 200, 3)))
    assert periods[:4] == [10_000_000, 7_071_068, 5_773_503, 5_000_000]


@given(RAMPS, st.integers(0, 500))
def test_the_slope_down_mirrors_the_slope_up(ramp, steps):
    periods = list(step_periods_ns(steps, ramp))
    assert len(periods) == steps and periods == periods[::-1]


@given(RAMPS, st.integers(1, 500))
def test_no_period_is_shorter_than_that_of_the_top_speed_nor_longer_than_that_of_the_start(ramp, steps):
    periods = list(step_periods_ns(steps, ramp))
    assert min(periods) >= 1e9 / ramp.top_steps_per_s
    assert max(periods) <= 1e9 / ramp.start_steps_per_s + 1


@given(RAMPS, st.integers(2, 300))
def test_a_move_speeds_up_in_its_first_half_and_never_slows_down_there(ramp, steps):
    first_half = list(step_periods_ns(steps, ramp))[: steps // 2]
    assert all(later <= sooner for sooner, later in pairwise(first_half))


@given(RAMPS, st.integers(2, 300))
def test_acceleration_is_the_same_all_along_the_slope(ramp, steps):
    speeds = [1e9 / period for period in step_periods_ns(2 * steps, ramp)][: min(steps, ramp.steps)]
    gains = [later**2 - sooner**2 for sooner, later in pairwise(speeds)]
    assert all(gain == pytest.approx(gains[0], rel=0.02, abs=1e-3 * speeds[0] ** 2) for gain in gains)


@pytest.mark.parametrize(("start", "top"), [(0, 100), (-5, 100), (200, 100)])
def test_an_impossible_ramp_is_refused_with_its_figures(start, top):
    with pytest.raises(MotorError, match=f"from {start} to {top} steps per second"):
        Ramp(start, top, 10)


@given(st.lists(st.integers(200_000, 5_000_000), max_size=30))
def test_every_step_is_at_least_its_period_after_the_one_before(periods):
    made = train(Clock(), periods)
    gaps = [later - sooner for sooner, later in pairwise(made)]
    assert all(gap >= period for gap, period in zip(gaps, periods[1:], strict=True))


def test_steps_are_hardly_later_than_their_period_when_nothing_stalls():
    made = train(Clock(), [1_000_000] * 20)
    assert all(later - sooner < 1_020_000 for sooner, later in pairwise(made))


@given(st.integers(1, 18), st.integers(1_000_000, 500_000_000))
def test_after_a_stall_the_train_stays_late_and_never_catches_up(stalled_step, stall_ns):
    clock = Clock()
    clock.stalls[stalled_step] = stall_ns
    made = train(clock, [1_000_000] * 20)
    assert min(later - sooner for sooner, later in pairwise(made)) >= 1_000_000
    assert made[-1] >= 19 * 1_000_000 + stall_ns - 1_000_000


def test_halted_is_asked_before_every_step_so_nothing_moves_after_it():
    answers = iter([False, False, False, True])
    made = train(Clock(), [1_000_000] * 20, halted=lambda: next(answers))
    assert len(made) == 3


def test_a_move_halted_from_the_start_sends_nothing():
    assert train(Clock(), [1_000_000] * 20, halted=lambda: True) == []

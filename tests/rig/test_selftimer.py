"""The self-timer counts on the rig, and can be called off."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
from simrig import PATIENCE_S, Rig, small_rig

from rig.devices.clock import SimClock
from rig.errors import BusyError, NotAllowedError
from rig.status import Phase


class HeldClock(SimClock):
    """Stands still while it is held, as long as the test wants."""

    def __init__(self) -> None:
        super().__init__()
        self.go_on = threading.Event()
        self.go_on.set()

    def sleep(self, seconds: float) -> None:
        assert self.go_on.wait(PATIENCE_S)
        super().sleep(seconds)


@pytest.fixture
def clock() -> HeldClock:
    return HeldClock()


@pytest.fixture
def timed(make_rig, clock: HeldClock) -> Rig:
    """A rig whose countdown waits for the test."""
    rig = make_rig(build=lambda settings: replace(small_rig(settings), clock=clock))
    rig.set_limits(frames=2)
    clock.go_on.clear()
    return rig


def test_the_bracket_is_shot_when_the_time_is_over(timed: Rig, clock: HeldClock) -> None:
    timed.workflow.start_timer(2, "a-key")
    counting = timed.workflow.status()
    clock.go_on.set()
    done = timed.until(lambda status: status.bracket is not None and status.bracket.outcome is not None)

    assert (counting.state, counting.bracket) == (Phase.COUNTDOWN, None) and counting.timer_s in (1, 2)
    assert (done.bracket.done, done.timer_s) == (2, None)


def test_it_is_called_off_without_a_bracket(timed: Rig, clock: HeldClock) -> None:
    timed.workflow.start_timer(2, "a-key")
    timed.workflow.stop()
    clock.go_on.set()

    assert timed.until_idle().timer_s is None
    assert timed.workflow.brackets() == ()


def test_a_second_tap_counts_once_and_another_wish_waits(timed: Rig, clock: HeldClock) -> None:
    timed.workflow.start_timer(2, "a-key")
    timed.workflow.start_timer(2, "a-key")
    with pytest.raises(BusyError, match="self-timer"):
        timed.workflow.start_bracket("another-key")
    clock.go_on.set()
    timed.until(lambda status: status.bracket is not None and status.state is Phase.IDLE)
    timed.workflow.start_timer(2, "a-key")  # repeated by a phone that had lost the link

    assert timed.until_idle().bracket.outcome is not None
    assert len(timed.workflow.brackets()) == 1


@pytest.mark.parametrize("seconds", [0, -1, 61])
def test_a_time_that_makes_no_sense_is_refused(rig: Rig, seconds: int) -> None:
    rig.set_limits()
    with pytest.raises(NotAllowedError, match="1 to 60 s"):
        rig.workflow.start_timer(seconds)


def test_without_near_and_far_nothing_is_counted(rig: Rig) -> None:
    with pytest.raises(NotAllowedError, match="near and far"):
        rig.workflow.start_timer(2)

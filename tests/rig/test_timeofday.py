"""What time it is when nobody told the computer, and what was shot before somebody did."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from rig.bracketfolder import finish_folder
from rig.errors import ConfigError
from rig.timeofday import ClockSource, TimeOfDay, zone_of

NOON = 1_782_043_200.0  # 2026-06-21 12:00 UTC
WRONG = NOON - 40 * 86400  # what a computer without a clock chip takes up again at its start


@dataclass
class Computer:
    """Its clock and its time since the start, to be moved by hand."""

    wall_s: float = WRONG
    uptime_s: float = 30.0
    synchronised: bool = False
    boot: str = "boot-1"

    def time(self) -> TimeOfDay:
        return TimeOfDay(lambda: self.wall_s, lambda: self.uptime_s, lambda: self.synchronised, self.boot)

    def passes(self, seconds: float) -> None:
        self.wall_s += seconds
        self.uptime_s += seconds


def test_a_phone_is_believed_while_nobody_else_knows() -> None:
    computer = Computer()
    time = computer.time()
    assert time.source is ClockSource.OWN and time.now_s() == WRONG

    assert time.tell(NOON, "UTC")
    computer.passes(60)
    assert time.source is ClockSource.PHONE and time.now_s() == NOON + 60
    assert time.moment().created == "2026-06-21T12:01:00+00:00"


def test_a_synchronised_clock_is_believed_more() -> None:
    computer = Computer(wall_s=NOON, synchronised=True)
    time = computer.time()

    assert not time.tell(NOON + 3600)
    assert time.source is ClockSource.SYNCHRONISED and time.now_s() == NOON


def test_a_clock_that_is_synchronised_later_takes_over_from_the_phone() -> None:
    computer = Computer()
    time = computer.time()
    time.tell(NOON)
    computer.wall_s, computer.synchronised = NOON + 5, True

    assert time.now_s() == NOON + 5


@pytest.mark.parametrize("difference_s", [-2.0, 0.0, 1.9])
def test_a_phone_that_agrees_changes_nothing(difference_s: float) -> None:
    time = Computer(wall_s=NOON).time()

    assert not time.tell(NOON + difference_s)
    assert time.source is ClockSource.OWN


def test_the_zone_of_the_phone_is_written_with_the_time() -> None:
    time = Computer().time()
    time.tell(NOON, "Asia/Tokyo")

    assert time.moment().created == "2026-06-21T21:00:00+09:00"


@pytest.mark.parametrize("name", ["", "Mars/Olympus", "../../etc/passwd", "/etc/localtime", "a\0b", "Europe"])
def test_a_zone_that_is_none_is_left_out(name: str) -> None:
    assert zone_of(name) is None


def test_a_clock_that_is_not_set_dates_nothing() -> None:
    assert Computer(wall_s=0.0).time().moment().created is None


# --- brackets ---------------------------------------------------------------------------------------


def test_brackets_shot_before_the_time_was_known_are_dated_by_their_age(make_rig) -> None:
    computer = Computer()
    rig = make_rig(time=computer.time())
    early = rig.shoot(2)
    computer.passes(600)
    assert rig.workflow.tell_time(NOON, "UTC") == (True, 1)
    late = rig.shoot(2)

    summaries = {one.id: one for one in rig.workflow.brackets()}
    assert (summaries[early].created, summaries[early].dated_later) == ("2026-06-21T11:50:00+00:00", True)
    assert (summaries[late].created, summaries[late].dated_later) == ("2026-06-21T12:00:00+00:00", False)
    assert rig.workflow.tell_time(NOON, "UTC") == (False, 0)


def test_a_bracket_copied_from_a_card_keeps_its_date_and_does_not_hide_those_before_it(make_rig) -> None:
    rig = make_rig(time=Computer().time())
    rig.shoot(2)
    copied = finish_folder(
        rig.workflow._store.begin(0, imported="EOS_DIGITAL", created="2026-05-17T14:00:00")
    )

    assert rig.workflow.tell_time(NOON, "UTC") == (True, 1)
    assert rig.workflow.bracket(copied.id).summary.created == "2026-05-17T14:00:00"


def test_brackets_of_an_earlier_start_keep_their_date(make_rig) -> None:
    before = make_rig(time=Computer().time())
    bracket = before.shoot(2)
    before.workflow.close()
    rig = make_rig(time=Computer(boot="boot-2").time())

    assert rig.workflow.tell_time(NOON) == (True, 0)
    assert rig.workflow.bracket(bracket).summary.dated_later is False


def test_a_bracket_shot_by_a_synchronised_clock_keeps_its_date(make_rig) -> None:
    computer = Computer(wall_s=NOON, synchronised=True)
    rig = make_rig(time=computer.time())
    rig.shoot(2)
    computer.synchronised = False

    assert rig.workflow.tell_time(NOON + 7200) == (True, 0)


@pytest.mark.parametrize("now_s", [0.0, -1e300, NOON * 2])
def test_a_time_that_cannot_be_is_refused(rig, now_s: float) -> None:
    with pytest.raises(ConfigError):
        rig.workflow.tell_time(now_s)


def test_a_rig_that_is_not_ready_takes_no_time(make_rig) -> None:
    rig = make_rig(time=Computer().time(), open_=False)

    assert rig.workflow.tell_time(NOON) == (False, 0)

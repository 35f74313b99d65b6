"""A card plugged in while the button is held: stacked without a phone, its results on the stick beside it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from fakecard import FakeCard, state_of, two_brackets
from fakecomputer import Computer
from simrig import PATIENCE_S, Rig
from test_headless import Panelled, ends_showing, shown

from rig import cardbybutton
from rig.devices.panel import Hold, Signal
from rig.sources import Mounts
from rig.status import Phase

CARD, STICK = "8:21", 2


class CardRig:
    """A rig with a panel, a stick, and a card in somebody's hand."""

    def __init__(self, make_rig: Callable[..., Rig], tmp_path: Path) -> None:
        self.computer = Computer(tmp_path / "computer")
        self.computer.disk(CARD, "usb1/1-9/host0/block/sdc", partition=True, removable=True)
        self.build = Panelled()
        changes = {"stacking.method": "average", "stacking.depth_map": False}
        self.rig = make_rig(changes, build=self.build, mounts=self.computer.mounts)
        self.rig.build = self.build
        self.card = two_brackets(tmp_path / "card")

    def plug_in(self, card: FakeCard | None = None, options: str = "ro") -> Path:
        root = (card or self.card).root
        point = self.computer.mount(CARD, name="EOS_DIGITAL", options=options)
        point.rmdir()
        point.symlink_to(root)  # all that is on the card is found at the mount point
        return point

    def pull_out(self, point: Path) -> None:
        self.computer.pull_out()
        point.unlink()
        self.rig.workflow._control.board.change(message=None)

    def hold_down(self) -> Hold:
        return self.build.panel.hold_down()

    def ended(self) -> str:
        """What is said in the end."""
        status = self.rig.until(lambda status: status.message is not None)
        return str(status.message)


@pytest.fixture
def card_rig(make_rig: Callable[..., Rig], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CardRig:
    monkeypatch.setattr(cardbybutton, "LOOK_S", 0.02)
    return CardRig(make_rig, tmp_path)


def until_taken(hold: Hold) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not hold.taken:
        assert time.monotonic() < deadline, "the card was not noticed"
        time.sleep(0.01)


def test_a_card_is_stacked_and_its_results_are_on_the_stick_not_on_the_card(card_rig: CardRig) -> None:
    stick = card_rig.computer.stick("STICK", number=STICK)
    before = state_of(card_rig.card.root)
    hold = card_rig.hold_down()
    card_rig.plug_in(options="rw")
    until_taken(hold)
    hold.let_go()
    told = card_rig.ended()

    assert "2 of 2 brackets" in told and "Everything is on STICK" in told
    assert ends_showing(card_rig.rig, Signal.DONE)
    assert [signal for signal in shown(card_rig.rig) if signal is Signal.DONE] == [Signal.DONE]
    assert Signal.STACKING in shown(card_rig.rig)
    brackets = [one.id for one in card_rig.rig.workflow.brackets()]
    assert sorted(path.name for path in (stick / "STACKED").iterdir()) == sorted(brackets)
    assert {path.name for path in stick.rglob("*.*") if path.is_file()} == {"fused.jpg", "report.json"}
    assert state_of(card_rig.card.root) == before


def test_without_a_stick_the_results_stay_in_the_gallery_and_nothing_is_stacked_twice(
    card_rig: CardRig,
) -> None:
    for _ in range(2):
        hold = card_rig.hold_down()
        point = card_rig.plug_in()
        until_taken(hold)
        hold.let_go()
        assert "2 of 2 brackets" in card_rig.ended()
        assert ends_showing(card_rig.rig, Signal.DONE)
        card_rig.pull_out(point)

    assert [len(one.results) for one in card_rig.rig.workflow.brackets()] == [1, 1]


def test_what_could_not_be_stacked_is_told_and_stacked_when_the_card_comes_again(
    card_rig: CardRig,
) -> None:
    stacks = card_rig.rig.workflow._stacks
    working, stacks._command = stacks._command, ("false",)
    for signal, results in ((Signal.WARNING, [0, 0]), (Signal.DONE, [1, 1])):
        hold = card_rig.hold_down()
        point = card_rig.plug_in()
        until_taken(hold)
        hold.let_go()
        assert f"{sum(results)} of 2 brackets" in card_rig.ended()
        assert ends_showing(card_rig.rig, signal)
        assert [len(one.results) for one in card_rig.rig.workflow.brackets()] == results
        card_rig.pull_out(point)
        stacks._command = working


def test_a_card_without_a_bracket_is_told(card_rig: CardRig, tmp_path: Path) -> None:
    single = FakeCard(tmp_path / "single")
    single.bracket(1)
    hold = card_rig.hold_down()
    card_rig.plug_in(single)
    until_taken(hold)

    assert "no bracket on EOS_DIGITAL" in card_rig.ended()
    assert ends_showing(card_rig.rig, Signal.WARNING)


def test_a_stick_that_cannot_be_written_is_told_and_the_results_are_kept(card_rig: CardRig) -> None:
    stick = card_rig.computer.stick("STICK", options="ro", number=STICK)
    hold = card_rig.hold_down()
    card_rig.plug_in()
    until_taken(hold)

    assert "STICK is mounted read-only" in card_rig.ended()
    assert ends_showing(card_rig.rig, Signal.WARNING) and list(stick.iterdir()) == []
    assert [len(one.results) for one in card_rig.rig.workflow.brackets()] == [1, 1]


def test_what_is_mounted_is_looked_at_only_while_the_button_is_down(
    card_rig: CardRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[None] = []
    cards = Mounts.cards

    def counted(self: Mounts) -> object:
        looks.append(None)
        return cards(self)

    monkeypatch.setattr(Mounts, "cards", counted)
    hold = card_rig.hold_down()
    deadline = time.monotonic() + PATIENCE_S
    while len(looks) < 3:
        assert time.monotonic() < deadline, "nobody looked"
        time.sleep(0.01)
    hold.let_go()
    watch = card_rig.rig.workflow._card._thread
    watch.join(PATIENCE_S)
    looks.clear()
    card_rig.plug_in()

    assert not watch.is_alive() and watch not in threading.enumerate()
    assert looks == [] and not hold.taken and card_rig.rig.workflow.brackets() == ()


def test_a_stick_plugged_in_meanwhile_leaves_the_press_as_it_is(card_rig: CardRig) -> None:
    hold = card_rig.hold_down()
    card_rig.computer.stick("STICK", number=STICK)
    assert not hold.wait_up(5 * cardbybutton.LOOK_S)
    hold.let_go()

    assert not hold.taken and not hold.take()


def test_while_a_bracket_is_shot_the_button_means_what_it_always_does(card_rig: CardRig) -> None:
    card_rig.rig.workflow._control.board.change(state=Phase.CAPTURING)
    card_rig.hold_down()

    assert card_rig.rig.workflow._card._thread is None
    card_rig.rig.workflow._control.board.change(state=Phase.IDLE)

"""A card plugged in while the rig's button is held: all its brackets stacked, their results on the stick; no phone."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from pathlib import Path

from rig.control import Control
from rig.copydesk import CopyDesk
from rig.copying import brackets_known
from rig.devices.panel import Hold, Signal
from rig.ending import end_within
from rig.errors import RigError, SourceError, TargetError
from rig.importdesk import MOST_AT_ONCE, ImportDesk
from rig.importshelf import RigShelf
from rig.saying import Said, joined, say
from rig.scan import ScanView
from rig.sources import Mounts, Source
from rig.status import Phase
from rig.targets import is_card

log = logging.getLogger(__name__)

TOP = "STACKED"  # folder on the stick
LOOK_S = 0.5  # between two looks at what is mounted, only while the button is down
HELD_S = 30.0  # a button that is down for longer is stuck
END_WITHIN_S = 10.0
CALLED_OFF = say("card.called_off", "it was called off")

Ends = tuple[int, int]  # first and last frame


class CardByButton:
    """held() is for the panel; the work is done by a thread of its own."""

    def __init__(
        self, control: Control, shelf: RigShelf, imports: ImportDesk, copies: CopyDesk, mounts: Mounts
    ) -> None:
        self._control = control
        self._shelf = shelf
        self._imports = imports
        self._copies = copies
        self._mounts = mounts
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None
        self.busy = False  # with a card

    def held(self, hold: Hold) -> None:
        """The button went down: look for a card that comes, until it is let go."""
        if self.busy or self._control.state is not Phase.IDLE:
            return
        work = (hold, set(self._mounts.cards()))
        self._thread = threading.Thread(target=self._watch, args=work, name="card-by-button", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End it; what is stacked stays. To be called after the imports are closed. Safe to call twice."""
        self._closed.set()
        if self._thread is not None:
            end_within(self._thread, END_WITHIN_S)

    # --- the thread -----------------------------------------------------------------------------
    def _watch(self, hold: Hold, before: set[tuple[Path, str]]) -> None:
        for _ in range(round(HELD_S / LOOK_S)):
            if hold.wait_up(LOOK_S) or self._closed.is_set() or self._control.state is not Phase.IDLE:
                return
            new = {point for point, told in self._mounts.cards() if (point, told) not in before}
            if not any(map(is_card, new)):
                continue
            card = next(
                (one for one, _ in self._imports.sources() if one.root in new and is_card(one.root)), None
            )
            if card is not None and hold.take():
                self._work(card)
                return

    def _work(self, card: Source) -> None:
        self.busy = True
        self._control.machine.show(Signal.STACKING)
        signal = Signal.WARNING
        try:
            message, signal = self._stack_and_copy(card), Signal.DONE
        except RigError as error:
            message = error.said
        except Exception as error:  # the edge of this thread
            log.exception("a card could not be worked through")
            message = say(
                "job.own_error", "the import met an error of the program: {error}", error=repr(error)
            )
        finally:
            self.busy = False
        if not self._closed.is_set():
            self._control.board.change(message=message)
            self._control.machine.show(signal)

    def _stack_and_copy(self, card: Source) -> Said:
        """What is to be said in the end. Raises RigError where not everything could be done."""
        view = self._looked_through(card)
        ends = [(first, last) for first, last, is_bracket in view.groups if is_bracket]
        if not ends:
            raise SourceError(say("card.none_found", "there is no bracket on {name}", name=card.name))
        known = brackets_known(self._control.store.summaries(), card)
        here = {end: known(view.frames[end[0]], end[1] - end[0] + 1) for end in ends}
        brackets, failures = self._stack([one for one in here.values() if one is not None])
        for bracket, error in self._import(card, view, [end for end, one in here.items() if one is None]):
            brackets += [bracket] if bracket is not None and error is None else []
            failures += [error] if error is not None else []
        told = say(
            "card.stacked",
            "Stacked of {name}: {n} of {total} brackets.",
            name=card.name,
            n=len(brackets),
            total=len(ends),
        )
        told = joined((told, self._copy(brackets) if brackets else None)) or told
        if failures:
            raise SourceError(joined((told, failures[0])))
        return told

    def _looked_through(self, card: Source) -> ScanView:
        scan = self._imports.scan(card.id).removeprefix("j")
        while not (view := self._imports.scanned(card.id, scan)).ended:
            self._wait()
        if view.state != "done":
            raise SourceError(
                view.error or say("card.not_looked", "{name} could not be looked through", name=card.name)
            )
        return view

    def _import(
        self, card: Source, view: ScanView, ends: list[Ends]
    ) -> Iterator[tuple[str | None, Said | None]]:
        """Each bracket with its id, and why it has no result."""
        for at in range(0, len(ends), MOST_AT_ONCE):
            for job_id in self._imports.order(card.id, view.id, ends[at : at + MOST_AT_ONCE], {}, None):
                while not (job := self._imports.job(job_id)).over:
                    self._wait()
                yield job.bracket, None if job.state == "done" else job.error or CALLED_OFF

    def _stack(self, brackets: list[str]) -> tuple[list[str], list[Said]]:
        """Those imported before; the ones that have no result yet are stacked, for the power may have failed then."""
        stacked, failures = [], []
        for bracket in brackets:
            if not self._control.store.detail(bracket).results:
                task = self._shelf.stack(bracket, self._shelf.checked({}))
                while task.progress.running:
                    self._wait()
                if task.progress.stage != "done":
                    failures.append(task.progress.error or CALLED_OFF)
                    continue
            stacked.append(bracket)
        return stacked, failures

    def _copy(self, brackets: list[str]) -> Said | None:
        """Their results onto the stick; None where there is none."""
        sticks = [target for target in self._copies.targets() if target.kind == "stick"]
        if not sticks:
            return None
        target = next((one for one in sticks if one.problem is None), sticks[0])
        self._until_copied()
        self._copies.order(target.id, brackets, frames=False, top=TOP)
        self._until_copied()
        copied = self._control.board.now().copy
        if copied is None or copied.state != "done":
            raise TargetError(copied.message if copied is not None else CALLED_OFF)
        return copied.message

    def _until_copied(self) -> None:
        while not self._copies.wait_idle(0):
            self._wait()

    def _wait(self) -> None:
        if self._closed.wait(LOOK_S):
            raise SourceError(CALLED_OFF)

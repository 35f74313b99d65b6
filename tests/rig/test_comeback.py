"""The wait for GPIO lines that somebody else has, ended at an awkward moment."""

from __future__ import annotations

import threading
from types import SimpleNamespace

from rig import comeback
from rig.comeback import Comeback
from rig.ending import end_within
from rig.status import Phase

PATIENCE_S = 60.0


def test_it_ends_at_once_when_it_is_closed_while_it_looks(monkeypatch) -> None:
    closing, ended = threading.Event(), []

    def awaited(thread: threading.Thread, limit_s: float) -> bool:
        closing.set()
        ended.append(end_within(thread, limit_s))
        return ended[-1]

    def closed_meanwhile() -> SimpleNamespace:
        closer.start()
        assert closing.wait(PATIENCE_S), "it was never closed"
        return SimpleNamespace(state=Phase.IDLE, fault=None)  # there is nothing more to wait for

    monkeypatch.setattr(comeback, "EVERY_S", 0.0)
    monkeypatch.setattr(comeback, "end_within", awaited)
    control = SimpleNamespace(guard=threading.RLock(), board=SimpleNamespace(now=closed_meanwhile))
    waiting = Comeback(control, again=lambda: None)
    closer = threading.Thread(target=waiting.close, daemon=True)
    waiting.begin()
    assert closing.wait(PATIENCE_S), "it never looked"
    closer.join(PATIENCE_S)

    assert ended == [True]

from __future__ import annotations

import threading

import pytest

from rig.devices.panel import Press, Signal
from rig.devices.panel_sim import SimPanel
from rig.errors import PanelError


@pytest.mark.parametrize("press", list(Press))
def test_a_press_reaches_the_callback(press: Press) -> None:
    panel, seen = SimPanel(), []
    panel.on_press(seen.append)
    panel.press(press)
    assert seen == [press]


def test_the_callback_runs_on_a_thread_of_the_panel() -> None:
    panel, threads = SimPanel(), []
    panel.on_press(lambda _: threads.append(threading.current_thread()))
    panel.press()
    assert threads[0] is not threading.current_thread()


def test_nobody_is_called_after_close() -> None:
    panel, seen = SimPanel(), []
    panel.on_press(seen.append)
    panel.close()
    panel.press()
    assert seen == []


def test_a_callback_that_hangs_is_reported() -> None:
    panel, go_on = SimPanel(), threading.Event()
    panel.on_press(lambda _: go_on.wait(5) and None)
    with pytest.raises(PanelError, match="did not return"):
        panel.press(timeout_s=0.01)
    go_on.set()


def test_what_was_shown_is_remembered_and_closing_darkens() -> None:
    panel = SimPanel()
    panel.show(Signal.CAPTURING)
    panel.close()
    assert list(panel.shown) == [Signal.CAPTURING, Signal.OFF]

"""The snapshot and the board it stands on."""

from __future__ import annotations

import threading

from rig.actions import WHERE, allowed_actions
from rig.config import Settings
from rig.reports import first_status
from rig.status import Phase, StackProgress
from rig.statusboard import StatusBoard
from rig.workflow import Workflow


def board(clock=lambda: 0.0):
    return StatusBoard(first_status(Settings()), allowed_actions, clock)


def test_a_change_that_makes_no_difference_is_no_news():
    one = board()
    rev = one.change(state=Phase.IDLE).rev
    assert one.change(state=Phase.IDLE).rev == rev


def test_since_counts_from_the_last_change_of_state():
    now = [0.0]
    one = board(lambda: now[0])
    one.change(state=Phase.IDLE)
    now[0] = 5.0
    one.change(message="news of another kind")
    assert one.now().since_s == 5.0


def test_allowed_follows_the_state():
    one = board()
    assert "jog" not in one.now().allowed
    assert "jog" in one.change(state=Phase.IDLE).allowed


def test_every_action_is_a_method_of_the_workflow():
    assert all(callable(getattr(Workflow, action)) for action in WHERE)


def test_in_a_fault_the_way_out_is_offered_and_nothing_moves():
    allowed = board().change(state=Phase.FAULT).allowed
    assert "recover" in allowed
    assert not {"jog", "goto", "start_bracket", "resume"} & set(allowed)


def test_who_waits_is_woken_by_the_change():
    one = board()
    rev = one.now().rev
    heard = []
    waiter = threading.Thread(target=lambda: heard.append(one.wait(rev, 60, lambda: None)))
    waiter.start()
    one.change(state=Phase.IDLE)
    waiter.join(60)
    assert heard[0].state is Phase.IDLE


def test_a_stack_runs_until_it_is_done_failed_or_cancelled():
    stages = ("waiting", "aligning", "fusing", "finishing", "done", "failed", "cancelled")
    running = [StackProgress("b000001", "r01", stage, 0, 1, 0).running for stage in stages]
    assert running == [True] * 4 + [False] * 3

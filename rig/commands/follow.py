"""Follow a bracket from the shell: progress, Ctrl-C, and how it ended."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rig.commands.edge import InterruptedCommandError
from rig.errors import RigError, StackFailedError
from rig.status import Fault, Outcome, Phase, Status
from rig.workflow import Workflow
from stacker.console import Console

LOOK_S = 0.5  # Ctrl-C is felt within this time
STACK_STAGES = {"waiting": "stacking", "done": "stacking", "failed": "stacking", "cancelled": "stacking"}


class RigFaultError(RigError):
    """The rig stands still with a fault; the message is the fault's sentence."""


def follow_bracket(
    workflow: Workflow, bracket_id: str, console: Console, cancelled: Callable[[], bool]
) -> Status:
    """Wait until the bracket has ended; the last status.

    Ctrl-C stops it: raises InterruptedCommandError. Raises RigFaultError when a device failed.
    """
    halted = False
    status = workflow.status()
    while True:
        bracket = status.bracket
        if status.state is Phase.FAULT and status.fault is not None:
            raise fault_error(status.fault)
        if bracket is not None and bracket.id == bracket_id and bracket.outcome is not None:
            break
        if bracket is not None:
            console.progress(bracket.done, bracket.total, "shooting")
        if cancelled() and not halted and "stop" in status.allowed:
            workflow.stop()
            halted = True
        status = workflow.wait_status(status.rev, LOOK_S)
    if bracket.outcome is Outcome.STOPPED:
        if "cancel_stack" in workflow.status().allowed:
            workflow.cancel_stack()
        raise InterruptedCommandError(
            f"interrupted: {bracket.done} of {bracket.total} frames of {bracket_id} are kept; "
            f"go on with `fieldstack brackets resume {bracket_id}`"
        )
    return status


def follow_stack(
    workflow: Workflow, bracket_id: str, console: Console, cancelled: Callable[[], bool]
) -> Status:
    """Wait until the bracket's stack has ended; the last status.

    Ctrl-C cancels it: raises InterruptedCommandError. Raises StackFailedError.
    """
    status = workflow.status()
    halted = False
    while status.stack is None or status.stack.bracket_id != bracket_id or status.stack.running:
        if status.stack is not None and status.stack.bracket_id == bracket_id:
            stage = STACK_STAGES.get(status.stack.stage, status.stack.stage)
            console.progress(status.stack.done, status.stack.total, stage)
        if cancelled() and not halted and "cancel_stack" in status.allowed:
            workflow.cancel_stack()
            halted = True
        status = workflow.wait_status(status.rev, LOOK_S)
    again = f"stack with `fieldstack brackets stack {bracket_id}`"
    if status.stack.stage == "cancelled":
        raise InterruptedCommandError(f"interrupted: the frames of {bracket_id} are kept; {again}")
    if status.stack.error is not None:
        raise StackFailedError(f"{status.stack.error} (the frames of {bracket_id} are kept; {again})")
    return status


def wait_until_still(
    workflow: Workflow, console: Console, cancelled: Callable[[], bool], what: str
) -> Status:
    """Wait for homing, a move or a sweep to end. Raises RigFaultError, InterruptedCommandError."""
    status = workflow.status()
    halted = False
    while status.state is not Phase.IDLE:
        if status.state is Phase.FAULT and status.fault is not None:
            raise fault_error(status.fault)
        console.progress(0, 1, what)
        if cancelled() and not halted and "stop" in status.allowed:
            workflow.stop()
            halted = True
        status = workflow.wait_status(status.rev, LOOK_S)
    if cancelled():
        raise InterruptedCommandError(f"interrupted while {what}: nothing had been shot yet")
    return status


def fault_error(fault: Fault) -> RigFaultError:
    """A fault as the error that ends a command."""
    error = RigFaultError(fault.sentence)
    error.kept = fault.kept
    return error


def outcome_facts(workflow: Workflow, bracket_id: str, status: Status) -> dict[str, Any]:
    """How a bracket ended, for --json."""
    detail = workflow.bracket(bracket_id)
    facts: dict[str, Any] = {
        "id": bracket_id,
        "folder": str(workflow.folder(bracket_id)),
        "outcome": detail.summary.outcome,
        "frames": detail.summary.frames_done,
        "planned": detail.summary.frames_planned,
        "simulated": detail.summary.simulated,
        "verdict": status.bracket.verdict if status.bracket is not None else None,
        "verdict_sentence": status.bracket.verdict_sentence if status.bracket is not None else None,
        "result": None,
    }
    if detail.results:
        result = detail.results[-1]
        facts["result"] = {
            "id": result.id,
            "path": str(workflow.file(bracket_id, "fused", result=result.id)),
            "width": result.width,
            "height": result.height,
            "used": result.used,
            "warnings": list(result.warnings),
        }
    return facts

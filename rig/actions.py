"""Which actions the rig would accept now. The phone shows exactly these and needs no rules of its own."""

from __future__ import annotations

from rig.errors import BusyError, NotAllowedError
from rig.status import Outcome, Phase, Status

STANDING = {Phase.IDLE}
AT_WORK = {
    Phase.HOMING, Phase.MOVING, Phase.FOCUSING, Phase.COUNTDOWN, Phase.CAPTURING, Phase.PAUSED,
}  # fmt: skip
HAS_STORE = set(Phase) - {Phase.BOOT, Phase.SHUTTING_DOWN}

WHERE = {
    "jog": {Phase.IDLE, Phase.MOVING},
    "goto": {Phase.IDLE, Phase.MOVING},
    "set_near": STANDING,
    "set_far": STANDING,
    "clear_limits": STANDING,
    "auto_range": STANDING,
    "touch": STANDING,
    "calibrate_backlash": STANDING,
    "calibrate_scale": STANDING,
    "home": STANDING,
    "set_travel": STANDING,
    "start_bracket": STANDING,
    "start_timer": STANDING,
    "pause": {Phase.CAPTURING},
    "resume": {Phase.PAUSED, Phase.IDLE},
    "extend": STANDING,
    "fill_gaps": STANDING,
    "stop": AT_WORK,
    "recover": {Phase.FAULT},
    "stack": HAS_STORE,
    "cancel_stack": HAS_STORE,
    "delete": HAS_STORE,
    "power_off": HAS_STORE,
    "describe": HAS_STORE,
    "change_settings": {Phase.IDLE, Phase.FAULT},
}

REPAIRS = {"extend": {"extend_near", "extend_far"}, "fill_gaps": {"fill"}}  # by what a verdict offers


def allowed_actions(status: Status) -> tuple[str, ...]:
    """Names of the Workflow's methods that would be accepted in this state."""
    return tuple(action for action in WHERE if _refusal(action, status) is None)


def require(action: str, status: Status) -> None:
    """Raise BusyError or NotAllowedError, with the reason, when the action is not allowed now."""
    refusal = _refusal(action, status)
    if refusal is not None:
        raise refusal


def _refusal(action: str, status: Status) -> BusyError | NotAllowedError | None:
    if status.state not in WHERE[action]:
        name = action.replace("_", " ")
        if status.state in AT_WORK and action not in ("pause", "recover"):
            return BusyError(f"{name} has to wait: {WORDS[status.state]}")
        return NotAllowedError(f"{name} is not possible now: {WORDS[status.state]}")
    if action in ("start_bracket", "start_timer") and status.plan is None:
        return NotAllowedError("set near and far first, then shoot")
    if action == "resume" and status.state is Phase.IDLE:
        return _no_resume(status)
    if action == "power_off" and status.simulated is not None:
        return NotAllowedError("a simulated rig is ended, not powered off")
    if action in REPAIRS:
        return _no_repair(action, status)
    if action == "cancel_stack" and (status.stack is None or not status.stack.running):
        return NotAllowedError("nothing is being stacked")
    return None


def _no_resume(status: Status) -> BusyError | NotAllowedError | None:
    bracket, stack = status.bracket, status.stack
    if bracket is None or bracket.outcome in (None, Outcome.COMPLETE) or bracket.done >= bracket.total:
        return NotAllowedError("there is no stopped bracket to go on with")
    if stack is not None and stack.running and stack.bracket_id == bracket.id:
        return BusyError(f"bracket {bracket.id} is being stacked: go on with it afterwards")
    return None


def _no_repair(action: str, status: Status) -> BusyError | NotAllowedError | None:
    bracket, stack = status.bracket, status.stack
    offered = {offer.action for offer in bracket.repairs} if bracket is not None else set()
    if bracket is None or not offered & REPAIRS[action]:
        return NotAllowedError("the last bracket needs no more frames")
    if stack is not None and stack.running and stack.bracket_id == bracket.id:
        return BusyError(f"bracket {bracket.id} is being stacked: go on with it afterwards")
    return None


WORDS = {
    Phase.BOOT: "the rig is starting",
    Phase.HOMING: "the focus drive is looking for its endstop",
    Phase.IDLE: "the rig stands still",
    Phase.MOVING: "the focus is moving",
    Phase.FOCUSING: "the rig is looking for the sharp range",
    Phase.COUNTDOWN: "the self-timer runs",
    Phase.CAPTURING: "a bracket is being shot",
    Phase.PAUSED: "a bracket is paused",
    Phase.FAULT: "the rig has a fault",
    Phase.SHUTTING_DOWN: "the rig is shutting down",
}

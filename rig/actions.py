"""Which actions the rig would accept now. The phone shows exactly these and needs no rules of its own."""

from __future__ import annotations

from rig.errors import BusyError, NotAllowedError
from rig.saying import say
from rig.status import Outcome, Phase, StackProgress, Status

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
        if status.state in AT_WORK and action not in ("pause", "recover"):
            return BusyError(
                say(
                    "action.has_to_wait",
                    "{action} has to wait: {doing}",
                    action=NAMES[action],
                    doing=WORDS[status.state],
                )
            )
        return NotAllowedError(
            say(
                "action.not_now",
                "{action} is not possible now: {doing}",
                action=NAMES[action],
                doing=WORDS[status.state],
            )
        )
    if action in ("start_bracket", "start_timer") and status.plan is None:
        return NotAllowedError(say("action.set_limits_first", "set near and far first, then shoot"))
    if action == "resume" and status.state is Phase.IDLE:
        return _no_resume(status)
    if action == "power_off" and status.simulated is not None:
        return NotAllowedError(say("action.simulated_is_ended", "a simulated rig is ended, not powered off"))
    if action in REPAIRS:
        return _no_repair(action, status)
    if action == "cancel_stack" and (status.stack is None or not status.stack.running):
        return NotAllowedError(say("action.nothing_stacked", "nothing is being stacked"))
    return None


def _being_stacked(bracket_id: str, stack: StackProgress | None) -> BusyError | None:
    if stack is None or not stack.running or stack.bracket_id != bracket_id:
        return None
    return BusyError(
        say("action.being_stacked", "bracket {id} is being stacked: go on with it afterwards", id=bracket_id)
    )


def _no_resume(status: Status) -> BusyError | NotAllowedError | None:
    bracket = status.bracket
    if bracket is None or bracket.outcome in (None, Outcome.COMPLETE) or bracket.done >= bracket.total:
        return NotAllowedError(say("action.no_stopped_bracket", "there is no stopped bracket to go on with"))
    return _being_stacked(bracket.id, status.stack)


def _no_repair(action: str, status: Status) -> BusyError | NotAllowedError | None:
    bracket = status.bracket
    offered = {offer.action for offer in bracket.repairs} if bracket is not None else set()
    if bracket is None or not offered & REPAIRS[action]:
        return NotAllowedError(say("action.needs_no_frames", "the last bracket needs no more frames"))
    return _being_stacked(bracket.id, status.stack)


NAMES = {  # of the actions, to begin a refusal with
    "jog": say("action.jog", "jog"),
    "goto": say("action.goto", "goto"),
    "set_near": say("action.set_near", "set near"),
    "set_far": say("action.set_far", "set far"),
    "clear_limits": say("action.clear_limits", "clear limits"),
    "auto_range": say("action.auto_range", "auto range"),
    "touch": say("action.touch", "touch"),
    "calibrate_backlash": say("action.calibrate_backlash", "calibrate backlash"),
    "calibrate_scale": say("action.calibrate_scale", "calibrate scale"),
    "home": say("action.home", "home"),
    "set_travel": say("action.set_travel", "set travel"),
    "start_bracket": say("action.start_bracket", "start bracket"),
    "start_timer": say("action.start_timer", "start timer"),
    "pause": say("action.pause", "pause"),
    "resume": say("action.resume", "resume"),
    "extend": say("action.extend", "extend"),
    "fill_gaps": say("action.fill_gaps", "fill gaps"),
    "stop": say("action.stop", "stop"),
    "recover": say("action.recover", "recover"),
    "stack": say("action.stack", "stack"),
    "cancel_stack": say("action.cancel_stack", "cancel stack"),
    "delete": say("action.delete", "delete"),
    "power_off": say("action.power_off", "power off"),
    "describe": say("action.describe", "describe"),
    "change_settings": say("action.change_settings", "change settings"),
}

WORDS = {
    Phase.BOOT: say("doing.boot", "the rig is starting"),
    Phase.HOMING: say("doing.homing", "the focus drive is looking for its endstop"),
    Phase.IDLE: say("doing.idle", "the rig stands still"),
    Phase.MOVING: say("doing.moving", "the focus is moving"),
    Phase.FOCUSING: say("doing.focusing", "the rig is looking for the sharp range"),
    Phase.COUNTDOWN: say("doing.countdown", "the self-timer runs"),
    Phase.CAPTURING: say("doing.capturing", "a bracket is being shot"),
    Phase.PAUSED: say("doing.paused", "a bracket is paused"),
    Phase.FAULT: say("doing.fault", "the rig has a fault"),
    Phase.SHUTTING_DOWN: say("doing.shutting_down", "the rig is shutting down"),
}

"""What LED and buzzer do for each signal: the codes of docs/button-and-led.md as values."""

from __future__ import annotations

from dataclasses import dataclass

from rig.devices.panel import Signal


@dataclass(frozen=True)
class Beat:
    """LED and buzzer on or off for a time."""

    seconds: float
    led: bool = False
    buzzer: bool = False


@dataclass(frozen=True)
class Pattern:
    """Beats played once, then beats repeated until the next signal; a single last beat is a steady state.

    With none to repeat, those of the pattern before are repeated again. whole: those played once are played to their
    end, whatever is to be shown meanwhile: it follows.
    """

    once: tuple[Beat, ...]
    repeat: tuple[Beat, ...]
    whole: bool = False


STEADY_S = 3600.0  # length of a beat that lasts until the next signal

_DARK = (Beat(STEADY_S),)
_LIT = (Beat(STEADY_S, led=True),)
_READY = (Beat(0.05, led=True), Beat(2.95))  # a glimpse every 3 s: ready, and not a drain on the battery


def _blink(times: int, on_s: float, off_s: float, buzzer: bool = False) -> tuple[Beat, ...]:
    return (Beat(on_s, led=True, buzzer=buzzer), Beat(off_s)) * times


PATTERNS: dict[Signal, Pattern] = {
    Signal.OFF: Pattern((), _DARK),
    Signal.READY: Pattern((), _READY),
    Signal.CAPTURING: Pattern((), _LIT),
    Signal.FRAME: Pattern((Beat(0.1),), _LIT),  # one wink a frame, then as CAPTURING
    Signal.STACKING: Pattern((), _blink(1, 0.5, 0.5)),
    Signal.DONE: Pattern(_blink(3, 0.15, 0.15, buzzer=True), _READY),
    Signal.WARNING: Pattern((Beat(0.4, led=True, buzzer=True),), (*_blink(2, 0.15, 0.15), Beat(1.4))),
    Signal.FAULT: Pattern(_blink(3, 0.6, 0.2, buzzer=True), _blink(1, 0.1, 0.1)),
    Signal.REFUSED: Pattern((Beat(0.45), Beat(0.15, led=True, buzzer=True), Beat(0.45)), (), whole=True),
}

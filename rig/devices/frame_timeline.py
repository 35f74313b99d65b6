"""When a free-running camera exposes which frame, and with which settings."""

from __future__ import annotations

from dataclasses import dataclass

from rig.devices.camera import Coming, Exposure, Limits

FRAME_PERIOD_NS = 100_000_000  # IMX477 at full size: 10 frames a second
READOUT_NS = 87_000_000  # 3040 rows of 28.5 µs
PIPELINE_NS = 60_000_000  # image processing until a frame can be handed out
LINE_US = 28.5  # exposure comes in whole rows
MIN_EXPOSURE_US = 114
MOST_GAIN_CODE = 978  # of 1024
LIMITS = Limits(MIN_EXPOSURE_US, 600_000_000, 1024 / (1024 - MOST_GAIN_CODE), READOUT_NS // 1000)
SETTLED_FRAMES = 12  # after which automatic control no longer changes visibly


@dataclass(frozen=True)
class Control:
    """From frame `first` on: these settings, or automatic control when held is None."""

    first: int
    start_ns: int  # when frame `first` begins
    period_ns: int
    held: Exposure | None


def quantise(exposure: Exposure) -> Exposure:
    """What the sensor makes of this: whole rows, analogue gain 1024/(1024 - code), colour in 1/256."""
    rows = max(round(exposure.exposure_us / LINE_US), round(MIN_EXPOSURE_US / LINE_US))
    code = min(max(round(1024 - 1024 / max(exposure.gain, 1.0)), 0), MOST_GAIN_CODE)
    red, blue = (min(max(round(g * 256), 16), 8191) / 256 for g in exposure.colour_gains)
    return Exposure(round(rows * LINE_US), 1024 / (1024 - code), (red, blue))


class FrameTimeline:
    """The endless row of frames of a running camera; frame 0 begins when it is started."""

    def __init__(self, start_ns: int, ideal: Exposure) -> None:
        self.ideal = ideal  # where automatic control settles
        self._controls = [Control(0, start_ns, _period(None), None)]

    def control_of(self, frame: int) -> Control:
        """The settings this frame is exposed with."""
        return next(c for c in reversed(self._controls) if c.first <= frame or c is self._controls[0])

    def start_of(self, frame: int) -> int:
        """When this frame's exposure begins, ns."""
        control = self.control_of(frame)
        return control.start_ns + (frame - control.first) * control.period_ns

    def ready_at(self, frame: int) -> int:
        """When this frame can be handed out, ns."""
        return self.start_of(frame) + self.exposure_of(frame).exposure_us * 1000 + READOUT_NS + PIPELINE_NS

    def coming(self, t_ns: int) -> Coming:
        """The first frame that begins at or after this moment, with its rows."""
        frame = self.first_from(t_ns)
        start_ns = self.start_of(frame)
        return Coming(start_ns, start_ns + READOUT_NS, start_ns + self.exposure_of(frame).exposure_us * 1000)

    def first_from(self, t_ns: int) -> int:
        """The first frame that begins at or after this moment."""
        control = next((c for c in reversed(self._controls) if c.start_ns <= t_ns), self._controls[0])
        frame = control.first + max(-(-(t_ns - control.start_ns) // control.period_ns), 0)
        later = [c.first for c in self._controls if c.first > control.first]
        return min([frame, *later])  # a later control may begin before this grid's next frame

    def newest_ready(self, t_ns: int) -> int:
        """The newest frame that can be handed out at this moment; -1 before there is one."""
        frame = self.first_from(t_ns)
        while frame >= 0 and self.ready_at(frame) > t_ns:
            frame -= 1
        return frame

    def exposure_of(self, frame: int) -> Exposure:
        """Held settings, or what automatic control does on its way to the ideal ones."""
        control = self.control_of(frame)
        if control.held is not None:
            return control.held
        error = 0.6 ** (frame - control.first)  # each frame takes most of what is left
        flicker = 1 + 0.012 * ((frame * 7919) % 13 - 6) / 6  # mains light beats with the frames
        red, blue = self.ideal.colour_gains
        return quantise(
            Exposure(
                round(self.ideal.exposure_us * 2 ** (-1.4 * error) * flicker),
                self.ideal.gain,
                (red * (1 + 0.2 * error), blue * (1 - 0.15 * error)),
            )
        )

    def change(self, first: int, held: Exposure | None) -> None:
        """Take up other settings from this frame on."""
        start_ns = self.start_of(first)
        self._controls = [*self._controls[-7:], Control(first, start_ns, _period(held), held)]


def _period(held: Exposure | None) -> int:
    exposure_ns = 0 if held is None else held.exposure_us * 1000
    return max(FRAME_PERIOD_NS, exposure_ns + 1_000_000)

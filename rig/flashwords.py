"""What is to be told of a flash: that it was fired in vain, and that it gives too much or too little."""

from __future__ import annotations

from rig.devices.camera import Exposure, Frame, Limits
from rig.flashlight import Wrong, burnt
from rig.saying import Said, say


def too_much_or_little(frame: Frame, held: Exposure, limits: Limits) -> list[Said]:
    """What the gain can do nothing more about, by a test frame; nothing where it is well exposed."""
    stops = burnt(frame.luma_small, held.gain, limits)
    if stops is None:
        return []
    if stops > 0:
        return [
            say(
                "warning.flash_bright",
                "The flash burns out the highlights even at the least gain: turn it down, move it away or stop down.",
            )
        ]
    return [
        say(
            "warning.flash_weak",
            "The flash is too weak: the picture is {stops:.1f} stops dark even at gain {gain:.1f}; turn it up or move "
            "it nearer.",
            stops=-stops,
            gain=held.gain,
        )
    ]


def in_vain(wrong: Wrong, flashes: int) -> Said:
    """Why no frame was well lit, after so many flashes."""
    if wrong.what == "missed":
        return say(
            "flash.missed",
            "the flash gives no light: it was fired {n} times and the frame stays dark; check its wires, its battery "
            "and that it is ready",
            n=flashes,
        )
    if wrong.what in ("early", "late"):
        early = say("flash.too_early", "too early: flash.delay_ms must be less")
        late = say(
            "flash.too_late", "too late: flash.delay_ms must be more, the time from its trigger to its light"
        )
        return say(
            "flash.part",
            "the flash lights only a part of the frame, {n} times in a row, for its light comes {when}",
            n=flashes,
            when=early if wrong.what == "early" else late,
        )
    if wrong.what == "dropped":
        return say(
            "flash.dropped",
            "the camera left out the frame that was flashed, {n} times in a row: give it more memory, see "
            "camera.buffers",
            n=flashes,
        )
    return say(
        "flash.uneven",
        "the flash gave {percent:.0f}% of the light it gave before, {n} times in a row: check its battery, and set "
        "flash.recycle_s longer",
        percent=100 * wrong.share,
        n=flashes,
    )

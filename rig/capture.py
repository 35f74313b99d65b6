"""The loop that shoots a bracket: move, settle, expose, check, hand over. Stop and pause between frames."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from itertools import pairwise

from rig.brightness import LightWatch
from rig.bump import Framing, bend, is_better, is_dip
from rig.byhand import off_sentence, with_settings
from rig.capturereport import (
    CaptureReport,
    FrameFacts,
    bracket_warnings,
    kept_sentence,
    moved_sentence,
    rows,
)
from rig.config import Settings
from rig.devices.camera import Camera, Exposure, Frame
from rig.devices.clock import Clock
from rig.devices.flash import Flash
from rig.drivewatch import DriveWatch
from rig.errors import MotorStillError, RigError
from rig.flash import FlashedCamera, Flasher, StoppedError
from rig.flashtime import flash_exposure
from rig.focuser import Focuser, never
from rig.lockedcamera import LockedCamera
from rig.metering import dark_sentence, metered
from rig.plan import BracketPlan
from rig.saying import Said, say
from rig.settle import Settled, Settler
from rig.sharpness import box_sharpness, clipped_share, sharpness, tile_sharpness
from rig.status import Outcome, Step
from rig.sway import shortened, sway_sentence, watch_sway

PAUSE_POLL_S = 0.1
MOST_AGAIN = 6  # frames of one bracket shot again because they were blurred
NEIGHBOURS = 2.5  # focus steps between frames that can be compared; those added later may lie anywhere
SAME_PLACE = 0.25  # of a bump: two frames so near to each other lie where the rig is now

Lit = Callable[[], AbstractContextManager[object]]
Sink = Callable[[Frame, FrameFacts], None]
Progress = Callable[[int, int, Step], None]


def capture_bracket(
    camera: Camera,
    focuser: Focuser,
    plan: BracketPlan,
    settings: Settings,
    sink: Sink,
    *,
    clock: Clock,
    progress: Progress = lambda done, total, what: None,
    cancelled: Callable[[], bool] = never,
    paused: Callable[[], bool] = never,
    start: int = 0,
    exposure: Exposure | None = None,
    lit: Lit = nullcontext,
    lamp: Lit | None = None,
    flash: Flash | None = None,
    final: Callable[[int], None] = lambda index: None,
) -> CaptureReport:
    """Shoot the plan's frames from index start on; each goes to the sink before the next move.

    A fault of camera, motor or sink ends the bracket with outcome FAILED and the error in the report; the
    motor is released on every way out. cancelled stops a move within one step and is asked before every
    exposure. To resume: start is the first missing frame, exposure that of the frames already there.
    lit: light while it is entered, for every exposure and as long as previews are watched. lamp: the rig's own
    light, where it may be switched to see whether it burns. flash: fired for every frame; lit then only serves to look
    by, and a wait of settings.capture.settle_s stands for watching. final: told, in order, of each frame that is not
    going to be shot again; a blurred one goes to the sink twice, when its neighbours show that it is. After a
    fault or a stop the last frame handed over is final too, without a word.
    """

    def halted() -> bool:
        return cancelled() or focuser.stopped

    flasher = None if flash is None else Flasher(flash, settings.flash, clock, halted)
    shoot = _Shoot(camera, focuser, plan, settings, clock, halted, lit, lamp, flasher)
    try:
        outcome = shoot.run(sink, start, exposure, progress, paused, final)
        return shoot.report(outcome)
    except StoppedError:
        return shoot.report(Outcome.STOPPED)
    except RigError as error:
        again_from = error.again_from if isinstance(error, MotorStillError) else None
        error.kept = kept_sentence(start + len(shoot.frames), len(plan.positions_steps), again_from)
        return replace(shoot.report(Outcome.FAILED, error), again_from=again_from)
    finally:
        # Whatever happened: no holding current, no exposure held. A broken device may refuse either.
        with contextlib.suppress(RigError):
            focuser.release()
        with contextlib.suppress(RigError):
            camera.unlock()


@dataclass
class _Shoot:
    """One bracket being shot."""

    camera: Camera
    focuser: Focuser
    plan: BracketPlan
    settings: Settings
    clock: Clock
    halted: Callable[[], bool]
    lit: Lit
    lamp: Lit | None
    flasher: Flasher | None = None
    frames: list[FrameFacts] = field(default_factory=list)
    warnings: list[Said] = field(default_factory=list)
    measured: Exposure | None = None  # for all of the bracket
    exposure: Exposure | None = None
    again: int = 0  # blurred frames shot again
    sizes: dict[int, int] = field(default_factory=dict)  # of the JPEGs by index, in bytes
    bends: list[float] = field(default_factory=list)  # of the sizes over the focus
    framing: Framing = field(init=False)

    def __post_init__(self) -> None:
        self.reach_steps = NEIGHBOURS * self.plan.step_steps
        self.framing = Framing(self.reach_steps)
        self.lit_for_frames = self.lit if self.flasher is None else nullcontext

    def run(
        self,
        sink: Sink,
        start: int,
        exposure: Exposure | None,
        progress: Progress,
        paused: Callable[[], bool],
        final: Callable[[int], None],
    ) -> Outcome:
        """The loop itself."""
        total = len(self.plan.positions_steps)
        light: LightWatch | None = None
        if self.flasher is not None:
            locked, settler = self._begun_by_flash(self.flasher, exposure)
        else:
            with self.lit():
                begun = exposure or self._metered()
                if self.halted():
                    return Outcome.STOPPED
                locked, settler = self._locked(begun)
                self._tell(locked.warning)
                if self.measured is not None:
                    self._tell(off_sentence(self.measured, locked.exposure, self.settings.camera))
                if begun is not exposure and settler.watches:
                    locked, settler = self._kept_short(locked, settler)
            light = LightWatch(locked, self.lamp)
            light.begin()
        drive = DriveWatch(
            locked, self.focuser, self.settings, lambda: settler.wait(self.halted), self.lit, self.halted
        )
        for index in range(start, total):
            if not self._may_go_on(paused):
                return Outcome.STOPPED
            progress(index, total, Step.MOVING)
            # The first approach is always whole: nobody knows how the drive came to where it is.
            self.focuser.goto(self.plan.positions_steps[index], self.halted, fresh=index == start)
            progress(index, total, Step.SETTLING)
            settled = None if settler.watches else settler.wait(self.halted)
            with self.lit_for_frames():
                settled = settled or settler.wait(self.halted)
                if self.halted():
                    return Outcome.STOPPED
                progress(index, total, Step.EXPOSING)
                frame, settled, retaken = self._expose(locked, settler, settled, index)
            if light is not None:
                self._tell(light.look(frame.luma_small, index + 1))
            progress(index, total, Step.SAVING)
            facts = self._facts(index, frame, settled, retaken)
            sink(frame, facts)
            self.frames.append(facts)
            self.sizes[index] = len(frame.jpeg)
            progress(index + 1, total, Step.SAVING)
            self._shoot_blurred_again(locked, settler, sink)
            for facts in self.frames[-2:-1]:
                final(facts.index)
            drive.check(self.frames, last=index == total - 1)
        for facts in self.frames[-1:]:
            final(facts.index)
        self._after_last(locked)
        return Outcome.COMPLETE

    def report(self, outcome: Outcome, error: RigError | None = None) -> CaptureReport:
        """What has happened so far, as a value."""
        warnings = tuple(self.warnings) + bracket_warnings(self.frames, self.settings.capture.still_px)
        return CaptureReport(outcome, tuple(self.frames), self.exposure, warnings, error)

    def _metered(self) -> Exposure | None:
        """The exposure for all of the bracket; None: as automatic control has it when it is locked."""
        camera = self.settings.camera
        found = metered(self.camera, self.focuser, self.plan.positions_steps, camera, self.halted)
        if found is None:
            return None
        self._tell(dark_sentence(found, camera))
        self.measured = found.exposure
        return with_settings(self.measured, camera, self.camera.limits)

    def _locked(self, exposure: Exposure | None) -> tuple[LockedCamera, Settler]:
        locked = LockedCamera(self.camera, self.settings.camera, exposure)
        self.exposure = locked.exposure
        settler = Settler(locked, self.settings.capture, self.clock)
        settler.learn()
        return locked, settler

    def _begun_by_flash(self, flasher: Flasher, exposure: Exposure | None) -> tuple[LockedCamera, Settler]:
        """The camera locked for flashed frames, measured by test flashes in the middle of the bracket.

        exposure: that of the frames already there. In the dark nothing can be watched: settling is a fixed wait.
        """
        asked, places = self.settings.camera, self.plan.positions_steps
        self.focuser.goto(places[len(places) // 2], self.halted)
        if exposure is None:
            with self.lit():
                gains = self.camera.lock(None).colour_gains
            begun = flash_exposure(asked, self.settings.flash, self.camera.limits, gains)
        locked = FlashedCamera(self.camera, asked, exposure or begun, flasher)
        self.warnings += locked.measure(fixed=exposure is not None or bool(asked.gain))
        self.exposure = locked.exposure
        waits = replace(self.settings.capture, settle_mode="fixed")
        return locked, Settler(locked, waits, self.clock)

    def _kept_short(self, locked: LockedCamera, settler: Settler) -> tuple[LockedCamera, Settler]:
        """The same, or locked at a shorter exposure where the picture sways although the rig stands still."""
        settler.wait(self.halted)
        before = locked.exposure
        sway = watch_sway(locked, self.camera.size[0], self.halted)
        short = before if sway is None else shortened(before, self.settings.camera, sway)
        if sway is None or short is before:
            return locked, settler
        locked, settler = self._locked(short)
        self._tell(sway_sentence(sway, before, locked.exposure))
        return locked, settler

    def _may_go_on(self, paused: Callable[[], bool]) -> bool:
        while paused() and not self.halted():
            self.clock.sleep(PAUSE_POLL_S)
        return not self.halted()

    def _expose(
        self, locked: LockedCamera, settler: Settler, settled: Settled, index: int
    ) -> tuple[Frame, Settled, bool]:
        """A frame at the locked exposure that nothing shook or bumped; after settings.capture.retries as it comes."""
        off: tuple[float, float] | None = None
        for attempt in range(self.settings.capture.retries + 1):
            # the one exposed while the last preview was processed will do
            frame = locked.capture(settled.since_ns)
            fault = self._fault(settler, settled, frame)
            before, off = off, self._off_px(frame) if settled.still else None
            if fault is None and off is not None:
                if before is not None and math.dist(before, off) < SAME_PLACE * math.hypot(*off):
                    self._tell(moved_sentence(index, off))
                    self.framing.keep(frame.luma_small, self.focuser.position_steps, moved=True)
                    return frame, settled, True
                fault = say(
                    "warning.bumped",
                    "was bumped: it lies {px:.0f} pixels beside the one before",
                    px=math.hypot(*off),
                )
            if fault is None:
                self.framing.keep(frame.luma_small, self.focuser.position_steps)
                return frame, settled, attempt > 0
            if attempt == self.settings.capture.retries or self.halted():
                break
            settled = settler.wait(self.halted)
        self.warnings.append(say("warning.frame", "Frame {n} {fault}.", n=index + 1, fault=fault))
        self.framing.keep(frame.luma_small, self.focuser.position_steps, moved=off is not None)
        return frame, settled, attempt > 0

    def _off_px(self, frame: Frame) -> tuple[float, float] | None:
        return self.framing.off_px(frame.luma_small, self.focuser.position_steps)

    def _shoot_blurred_again(self, locked: LockedCamera, settler: Settler, sink: Sink) -> None:
        """The last frame but one once more, where it has less detail than its neighbours let expect.

        Shaken while it was exposed, it may lie where it should, and no picture before or after shows anything.
        """
        if len(self.frames) < 3 or not self.settings.capture.retries or self.again == MOST_AGAIN:
            return
        three = self.frames[-3:]
        places = [one.position_steps for one in three]
        if not all(0 < b - a <= self.reach_steps for a, b in pairwise(places)):
            return
        blurred, size = three[1], self.sizes[three[1].index]
        bent = bend([self.sizes[one.index] for one in three], places)
        if not is_dip(bent, self.bends):
            self.bends.append(bent)
            return
        self.again += 1
        self.focuser.goto(blurred.position_steps, self.halted)
        with self.lit_for_frames():
            settled = settler.wait(self.halted)
            if self.halted():
                return
            frame = locked.capture(settled.since_ns)
            fault = self._fault(settler, settled, frame)
        if fault is None and is_better(len(frame.jpeg), size):
            self.frames[-2] = self._facts(blurred.index, frame, settled, retaken=True)
            self.sizes[blurred.index] = len(frame.jpeg)
            sink(frame, self.frames[-2])

    def _fault(self, settler: Settler, settled: Settled, frame: Frame) -> Said | None:
        """What is wrong with a frame just exposed. Motion in lasting wind is none: it would only repeat."""
        ended_ns = frame.timestamp_ns + frame.exposure.exposure_us * 1000
        moved_px = settler.motion_since(settled, ended_ns) if settled.still else 0.0
        if moved_px > self.settings.capture.shaken_px:
            return say(
                "warning.shaken",
                "was shaken: the picture moved by {px:.1f} preview pixels while it was exposed",
                px=moved_px,
            )
        return None

    def _tell(self, warning: Said | None) -> None:
        if warning is not None:
            self.warnings.append(warning)

    def _facts(self, index: int, frame: Frame, settled: Settled, retaken: bool) -> FrameFacts:
        luma, box = frame.luma_small, self.plan.box
        return FrameFacts(
            index=index,
            position_steps=self.focuser.position_steps,
            position_um=self.focuser.position_um,
            exposure=frame.exposure,
            sharpness=sharpness(luma),
            timestamp_ns=frame.timestamp_ns,
            settle_s=settled.waited_s,
            tile_sharpness=rows(tile_sharpness(luma)),
            box_sharpness=None if box is None else rows(box_sharpness(luma, box)),
            motion_px=settled.motion_px,
            clipped_share=clipped_share(luma),
            retaken=retaken,
        )

    def _after_last(self, locked: LockedCamera) -> None:
        if locked.restarts:
            self.warnings.append(
                say(
                    "warning.camera_hung",
                    "The camera hung and was restarted: check its ribbon cable and the supply.",
                )
            )

"""Workflow: the only class that phone, button and command line call."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from rig.box import Box
from rig.brackets import BracketDetail, BracketSummary
from rig.byhand import ASKING
from rig.cardbybutton import CardByButton
from rig.comeback import Comeback
from rig.config import Settings
from rig.control import Control
from rig.copydesk import CopyDesk
from rig.dating import date_later
from rig.devices.build import Suggestion, build_devices
from rig.devices.panel import Press, Signal
from rig.durable import FreeBytes, free_bytes
from rig.errors import BusyError, ConfigError, LineBusyError, NotAllowedError, PowerError, RigError
from rig.focusing import Focusing
from rig.importdesk import ImportDesk
from rig.importshelf import RigShelf
from rig.liveness import Liveness
from rig.machine import Build, Machine
from rig.pictures import encode_jpeg, focus_score, shrink
from rig.power import power_off
from rig.recipe import load_recipe
from rig.repair import End
from rig.saying import say
from rig.selftimer import SelfTimer
from rig.settingsfile import keep_changes
from rig.shooter import Shooter
from rig.sources import Mounts, Sources
from rig.stackjob import WORKER
from rig.stackorders import TIFF_BYTES, chosen_frames, stacker_settings
from rig.stackqueue import StackQueue, StackTask
from rig.status import Phase, PreviewJpeg, StackProgress, Status
from rig.store import Store, empty
from rig.targets import Targets
from rig.timeofday import TimeOfDay, is_plausible
from rig.travel import home_kept, travel_changes
from rig.words import checked_words
from rig.worthkeeping import What, kept_files

SAFE_TO_UNPLUG = say(
    "power.safe_to_unplug", "The rig is switching off: unplug it when the green light of the Pi is dark."
)
A_TIFF = say("store.a_tiff", "a TIFF")

BUSY_S = 0.05  # the camera is looked for again after so long


class Workflow:
    """One rig, one job at a time; every method may be called from any thread.

    Every refusal is a RigError with one clear sentence:
    BusyError (a job runs), NotAllowedError (action not in status().allowed), NoSuchBracketError, ...
    """

    def __init__(
        self,
        settings: Settings,
        data_folder: Path,
        *,
        build: Build = build_devices,
        free: FreeBytes = free_bytes,
        stacker: Sequence[str] = WORKER,
        press_taken: Callable[[], bool] = lambda: False,
        settings_file: Path | None = None,
        time: TimeOfDay | None = None,
        mounts: Mounts | None = None,
    ) -> None:
        """free: room on a folder's card. stacker: the command that starts the stacker process.

        mounts: where cards are mounted; None: what the kernel says.

        settings_file: where changed settings are kept for the next start; None: nowhere.
        time: who knows the time of day; None: this computer, or a phone that tells it.
        press_taken: asked first at a short press of the button; True when it meant something else.
        """
        self._press_taken = press_taken
        self._settings_file = settings_file
        self._closed = False
        self._machine = Machine(settings, build)
        self._store = Store(data_folder, settings.store.reserve_mb * 1_000_000, free)
        self._control = Control(self._machine, self._store, time or TimeOfDay())
        self._liveness = Liveness(self._control)
        self._stacks = StackQueue(self._show_stack, stacker)
        self._focusing = Focusing(self._control)
        self._shooter = Shooter(self._control, self._stacks)
        self._comeback = Comeback(self._control, self._start_again)
        self._timer = SelfTimer(self._control, self._shoot_if_planned)
        # What other cameras have shot: `workflow.imports.scan(...)` and the like, see ImportDesk.
        mounts, shelf = mounts or Mounts(), RigShelf(self._control, self._stacks)
        self.imports = ImportDesk(Sources(settings.sources, mounts), data_folder, shelf)
        # Brackets on their way to a stick: `workflow.copies.order(...)`, see CopyDesk.
        self.copies = CopyDesk(Targets(settings, mounts), self._control)
        self._card = CardByButton(self._control, shelf, self.imports, self.copies, mounts)

    @property
    def settings(self) -> Settings:
        """The settings in force; a simulated rig brings its own lens and travel."""
        return self._machine.settings

    @property
    def suggestion(self) -> Suggestion | None:
        """Near and far that suit the simulated subject; None on a real rig."""
        return self._machine.devices.suggestion

    # --- life -----------------------------------------------------------------------------------
    def open(self, wait: bool = True) -> None:
        """Start the devices, home, recover what a power cut left; status is IDLE or FAULT after.

        wait: until that is so; else it goes on by itself (BOOT, HOMING).
        Raises StoreError when the brackets' folder cannot be used or another process uses it.
        """
        self._store.open()
        self._control.recipe = load_recipe(self._store.folder)
        self._shooter.look_back()
        self._control.jobs.start()
        self._control.previews.start()
        self._stacks.start()
        if wait:
            self._control.jobs.run(self._start_devices)
        else:
            self._control.jobs.put(self._start_devices)

    def close(self) -> None:
        """Stop what runs, keep what is captured, motor safe, stacker ended. Safe to call twice."""
        with self._control.guard:
            if self._closed:
                return
            self._closed = True
            self._halt()
            self._control.board.change(state=Phase.SHUTTING_DOWN)
        self._comeback.close()
        self._control.jobs.close()
        self._control.keeper.close()
        self.imports.close()
        self.copies.close()
        self._card.close()
        self._stacks.close()
        self._control.previews.close()
        self._machine.close()
        self._store.close()

    # --- looking --------------------------------------------------------------------------------
    def is_alive(self) -> bool:
        """Whether the rig still answers and gets on; for a watchdog that asks now and then, from one thread."""
        return self._liveness.is_alive()

    def status(self) -> Status:
        """The present snapshot."""
        self._control.look()
        return self._control.board.now()

    def wait_status(self, after_rev: int, timeout_s: float) -> Status:
        """The first snapshot with rev > after_rev, or the present one at the time limit."""
        return self._control.board.wait(after_rev, timeout_s, self._control.look)

    def preview(
        self,
        after_seq: int,
        width: int,
        timeout_s: float,
        roi: tuple[float, float, float, float] | None = None,
    ) -> PreviewJpeg | None:
        """The next live picture (seq > after_seq) as JPEG no wider than width, None at the time limit.

        Encoded once per (width, roi) and picture; nothing is read from the camera while nobody asks.
        roi: x, y, w, h as fractions of the picture. While capturing, answers with the last frame's thumbnail.
        """
        return self._control.previews.get(after_seq, width, timeout_s, roi)

    def loupe(
        self, width: int, timeout_s: float, roi: tuple[float, float, float, float]
    ) -> PreviewJpeg | None:
        """The next live picture of a part by the sensor's own pixels, no wider than width; None at the time limit.

        roi: as for preview. Not while the rig is busy with the camera.
        """
        end = time.monotonic() + timeout_s
        while (read := self._control.loupe(roi)) is None:
            if time.monotonic() > end:
                return None
            time.sleep(BUSY_S)
        preview, age_ms = read
        part = shrink(preview.image, width)
        pixels = preview.image.shape[1] / part.shape[1]
        return PreviewJpeg(encode_jpeg(part), 0, age_ms, focus_score(part), pixels)

    # --- focusing -------------------------------------------------------------------------------
    def jog(self, steps: int) -> None:
        """Move by a signed number of steps, clamped to the soft limits; returns at once.

        While the focus is still moving, the steps are added to where it is going.
        """
        self._focusing.jog(steps)

    def goto(self, position_steps: int) -> None:
        """Move to a position; returns at once. Raises FocusRangeError outside the soft limits."""
        self._focusing.goto(position_steps)

    def set_near(self, position_steps: int | None = None) -> None:
        """Make the present (or given) position the near limit. Swaps with far when beyond it."""
        self._focusing.set_near(position_steps)

    def set_far(self, position_steps: int | None = None) -> None:
        """Make the present (or given) position the far limit. Swaps with near when before it."""
        self._focusing.set_far(position_steps)

    def set_step(self, step_steps: int | None) -> None:
        """Take this step between frames, in motor steps; None: from the optics. Raises PlanError."""
        self._focusing.set_step(step_steps)

    def clear_limits(self) -> None:
        """Forget near and far."""
        self._focusing.clear_limits()

    def auto_range(self, then_shoot: bool = False, box: Box | None = None) -> None:
        """Find near and far by one sweep over the travel; returns at once. then_shoot: and shoot.

        box: take in only what is in this part of the picture. Raises NotAllowedError where it is none, ConfigError as
        check_exposure does where it is to be shot.
        """
        if then_shoot:
            self.check_exposure()
        self._focusing.auto_range(self._shoot_if_planned if then_shoot else lambda: None, box)

    def touch(self, x: float, y: float, role: str = "goto") -> None:
        """Focus on the spot at x, y (fractions of the picture); returns at once.

        role: "near" or "far" also makes the position found that limit.
        """
        self._focusing.touch(x, y, role)

    def calibrate_backlash(self) -> None:
        """Measure what the drive loses on reversing; returns at once, the answer is status().proposal.

        Aim at something with detail first. Takes about a minute; take it over with change_settings.
        """
        self._focusing.calibrate_backlash()

    def calibrate_scale(self, first_steps: int, second_steps: int, distance_um: float) -> float:
        """Steps for one µm from two focus positions so far apart at the subject; also in status().proposal.

        Raises ConfigError when the two points say nothing.
        """
        return self._focusing.calibrate_scale(first_steps, second_steps, distance_um)

    def home(self) -> None:
        """Look for the endstop again; returns at once. Raises NotAllowedError where there is none."""
        self._focusing.home()

    def set_travel(self, end: End, position_steps: int | None = None) -> None:
        """Make the present (or given) position an end of the travel, and keep that as a setting.

        It may lie beyond the present end, to give the drive more room. Raises ConfigError where it cannot be.
        """
        with self._control.guard:
            self._control.require("set_travel")
            position = self._machine.focuser.position_steps if position_steps is None else position_steps
            self.change_settings(travel_changes(self.settings.motor, end, position))

    # --- shooting -------------------------------------------------------------------------------
    def start_bracket(self, key: str | None = None) -> str:
        """Shoot (and stack live, when the settings say so) the planned bracket; returns its id at once.

        key: idempotency key; the same key again answers with the same id and shoots nothing.
        Raises PlanError when near and far cannot be shot, StorageFullError when there is no room.
        """
        return self._shooter.start(key)

    def check_exposure(self) -> None:
        """Raise ConfigError where the settings name a time or gain that the camera cannot do: see start_bracket."""
        self._machine.check_by_hand(self.settings)

    def start_timer(self, seconds: int, key: str | None = None) -> None:
        """As start_bracket, after so many seconds (1 to 60); stop() calls it off. Returns at once.

        The same key again, while it counts or afterwards, begins nothing.
        """
        if not self._shooter.knows(key):
            self._timer.start(seconds, key)

    def pause(self) -> None:
        """Finish the current frame, then wait; the live picture is back meanwhile."""
        self._shooter.pause()

    def resume(self, bracket_id: str | None = None) -> None:
        """Go on after a pause, or with a stopped or interrupted bracket's missing frames.

        bracket_id: which one; None: the paused one, else the last one.
        """
        self._shooter.resume(bracket_id)

    def extend(
        self, bracket_id: str | None = None, frames: int | None = None, end: End | None = None
    ) -> None:
        """Shoot more frames beyond the ends of a bracket that is complete, at its own step and exposure.

        bracket_id: which one; None: the last one. end: "near" or "far"; None: whichever the verdict calls
        cut. frames: how many; None: as the verdict says. Returns at once. Raises NotAllowedError when
        nothing is cut, or the travel ends there.
        """
        self._shooter.extend(bracket_id, frames, end)

    def fill_gaps(self, bracket_id: str | None = None) -> None:
        """Shoot between frames of a complete bracket that are further apart than its step; returns at once.

        Raises NotAllowedError when there is no such gap.
        """
        self._shooter.fill_gaps(bracket_id)

    def stop(self) -> None:
        """At once and harmless: frames are kept, the bracket can be resumed or stacked."""
        with self._control.guard:
            self._control.require("stop")
            self._halt()

    def power_off(self) -> None:
        """Stop what runs and switch the computer off; what is captured is safe. Only on a real rig.

        Raises NotAllowedError where nothing is to be switched off, PowerError when that fails.
        """
        control = self._control
        with control.guard:
            control.require("power_off")
            command = self.settings.panel.power_off_command
            if not command:
                raise NotAllowedError(
                    say("power.no_command", "panel.power_off_command is empty: nothing switches this rig off")
                )
            self._machine.go_off()  # first: what is stopped may end at once
            self._halt()
        try:
            power_off(command)
        except PowerError:
            self._machine.stay_on()
            raise
        control.board.change(state=Phase.SHUTTING_DOWN, message=SAFE_TO_UNPLUG)

    def recover(self) -> None:
        """Leave FAULT by reopening the devices."""
        with self._control.guard:
            self._control.require("recover")
            self._start_again()

    def change_settings(self, changes: Mapping[str, Any]) -> None:
        """Change settings by dotted name, {"capture.settle_s": 0.5}, and keep them for the next start.

        In force at once; those that drivers are made from start the devices again (HOMING). What would move
        the zero of all positions takes the margin before the endstop along.
        Raises ConfigError, and nothing has changed then; StoreError when they cannot be kept.
        """
        control = self._control
        with control.guard:
            control.require("change_settings")
            wanted = self.settings.changed(changes)
            if self._machine.has_endstop:
                changes = {**changes, **home_kept(self.settings.motor, wanted.motor)}
                wanted = self.settings.changed(changes)
            if ASKING & changes.keys():  # what was impossible before hinders no other change
                self._machine.check_by_hand(wanted)
            values = {name: wanted.value(name) for name in changes}
            if self._settings_file is not None:
                keep_changes(self._settings_file, values)
            again = self._machine.adopt(changes)
            if control.state is Phase.IDLE and again:
                self._start_again()
            elif control.state is Phase.IDLE:
                control.show_plan(message=None)

    def _start_again(self) -> None:
        self._control.begin(Phase.HOMING, self._start_devices)

    def _start_devices(self) -> None:
        """On the rig's thread. A busy line is waited for: the button may be on it, or behind it."""
        try:
            self._control.start_devices(self._on_press, self._card.held)
        except LineBusyError:
            self._comeback.begin()
            raise

    # --- stacking -------------------------------------------------------------------------------
    def stack(
        self, bracket_id: str, settings: dict[str, Any] | None = None, frames: Collection[int] | None = None
    ) -> str:
        """Stack (again) what is there of a bracket; returns the result id ("r02") at once.

        Queued behind a running job. settings: what differs from the rig's own, see rig.stackorders.
        frames: indices of those to take; None: all. Raises ConfigError when one of them is wrong, StorageFullError
        when a TIFF that is asked for does not fit.
        """
        with self._control.guard:
            self._control.require("stack")
            order = stacker_settings(self.settings.stacking, settings)
            detail = self._store.detail(bracket_id)
            if bracket_id == self._store.active_id:
                raise BusyError(
                    say("action.being_shot", "bracket {id} is being shot: stack it afterwards", id=bracket_id)
                )
            if not detail.frames:
                raise NotAllowedError(
                    say("action.no_frame_to_stack", "bracket {id} has no frame to stack", id=bracket_id)
                )
            if order["tiff"]:
                frame = detail.frames[0]
                self._store.need_room(TIFF_BYTES * frame.width * frame.height, A_TIFF)
            folder = self._store.folder_of(bracket_id)
            paths = [folder.frame_path(index) for index in chosen_frames(detail, frames)]
            task = StackTask(folder, paths, order, self.settings.stacking.depth_map)
            self._stacks.put(task)
            return task.result_id

    def cancel_stack(self) -> None:
        """End the stack at work, or the one that waits first, without a result; frames are kept."""
        self._control.require("cancel_stack")
        self._stacks.cancel()

    def stack_preview(self) -> Path | None:
        """JPEG of the growing stack, see StackProgress.preview_rev; of the result once it is there."""
        return self._stacks.picture()

    def stack_depth(self) -> Path | None:
        """Grey PNG of what of the growing stack is sharp already: 1 nearest, 255 farthest of the plan, 0 not yet."""
        return self._stacks.depth()

    def wait_stacked(self, timeout_s: float | None = None) -> bool:
        """Wait until nothing is being stacked; False at the time limit."""
        return self._stacks.wait_idle(timeout_s)

    # --- what is on the card --------------------------------------------------------------------
    def brackets(self) -> tuple[BracketSummary, ...]:
        """Every bracket, newest first."""
        return self._store.summaries()

    def bracket(self, bracket_id: str) -> BracketDetail:
        """One bracket with its frames and results, reports included."""
        return self._store.with_reports(self._store.detail(bracket_id))

    def folder(self, bracket_id: str) -> Path:
        """Folder of a bracket. Raises NoSuchBracketError."""
        return self._store.folder_of(bracket_id).path

    def file(
        self, bracket_id: str, kind: str, *, frame: int | None = None, result: str | None = None
    ) -> Path:
        """Path of a file of a bracket.

        kind: "frame", "frame_shown", "frame_screen", "frame_thumb" (with frame), "fused", "screen", "thumb",
        "depth", "report" (of a result, the newest when None). "thumb" of a bracket without result is its middle
        frame's.
        Raises NoSuchBracketError when bracket or file does not exist; ids are checked, never joined unseen.
        """
        return self._store.file(bracket_id, kind, frame=frame, result=result)

    def tile(self, bracket_id: str, result: str, column: int, row: int) -> Path:
        """A tile of a result at 100 %, see rig.tiles. Raises NoSuchBracketError, StoreError."""
        return self._store.tile(bracket_id, result, column, row)

    def frame_tile(self, bracket_id: str, frame: int, column: int, row: int) -> Path:
        """The same of a frame."""
        return self._store.frame_tile(bracket_id, frame, column, row)

    def kept_files(self, bracket_id: str, what: What) -> list[tuple[Path, tuple[str, ...]]]:
        """The files of a bracket worth giving away, and where they belong in it; see rig.worthkeeping."""
        return list(kept_files(self._store.folder_of(bracket_id), self._store.detail(bracket_id), what))

    def delete(self, bracket_id: str) -> None:
        """Remove a bracket with everything in it. Raises BusyError while it is being shot or stacked."""
        with self._control.guard:
            self._control.require("delete")
            busy = self._stacks.busy_with(bracket_id) or self.copies.busy_with(bracket_id)
            if bracket_id == self._store.active_id or busy:
                raise BusyError(
                    say(
                        "action.being_worked_on",
                        "bracket {id} is being worked on: stop that first",
                        id=bracket_id,
                    )
                )
            trash = self._store.take_out(bracket_id)
            shown = self._control.board.now().bracket
            if shown is not None and shown.id == bracket_id:
                self._control.board.change(bracket=None)
        empty(trash)  # Stop does not wait for that
        with self._control.guard:
            self._control.show_plan()

    def describe(self, bracket_id: str, words: Mapping[str, Any]) -> BracketDetail:
        """Note a title, tags or a rating of a bracket, see rig.words; the bracket with them.

        Raises ConfigError naming the wrong one.
        """
        with self._control.guard:
            self._control.require("describe")
            self._store.folder_of(bracket_id).note("words", **checked_words(words))
            return self._store.detail(bracket_id)

    # --- the time of day ------------------------------------------------------------------------
    @property
    def time(self) -> TimeOfDay:
        """The rig's idea of the time of day, and who vouches for it."""
        return self._control.time

    def tell_time(self, now_s: float, zone: str | None = None) -> tuple[bool, int]:
        """A phone tells the time: whether it was taken, and how many brackets were dated by it.

        Not taken when this computer's clock is synchronised or agrees, nor while a bracket is shot: its frames
        belong to one time. now_s: seconds since 1970. Raises ConfigError for a time that cannot be one.
        """
        if not is_plausible(now_s):
            raise ConfigError(
                say(
                    "clock.no_such_time",
                    "{time:.0f} s since 1970 is no time that it could be now",
                    time=now_s,
                )
            )
        with self._control.guard:
            if self._control.state in (Phase.BOOT, Phase.CAPTURING, Phase.PAUSED, Phase.SHUTTING_DOWN):
                return False, 0
            taken = self.time.tell(now_s, zone)
            return taken, date_later(self._store, self.time)

    # --- called by the other threads ------------------------------------------------------------
    def _halt(self) -> None:
        self._control.halt()
        self._shooter.wake()

    def _shoot_if_planned(self, key: str | None = None) -> None:
        """After a sweep or the self-timer; when the range cannot be shot the message says why, and the panel too."""
        try:
            self._shooter.start(key)
        except RigError as error:
            self._control.board.change(message=error.said)
            self._machine.show(Signal.WARNING)

    def _show_stack(self, progress: StackProgress) -> None:
        control = self._control
        control.board.change(stack=progress)
        if not progress.running and control.state is Phase.IDLE:
            with control.guard:
                control.show_plan()
            if self._card.busy:  # with more than this stack; it tells the end of all
                return
            good = progress.stage == "done" and self._shooter.is_well(progress.bracket_id)
            self._machine.show(Signal.DONE if good else Signal.WARNING)

    def _on_press(self, press: Press) -> None:
        """The rig's own button, as docs/button-and-led.md tells it."""
        if press is Press.SHORT and self._press_taken():
            return
        control = self._control
        try:
            if press is Press.VERY_LONG:
                self.power_off()
            elif press is Press.LONG:
                if "stop" in control.board.now().allowed:  # else it may be on its way to 6 s
                    self.stop()
            elif control.state is Phase.PAUSED:
                self.resume()
            elif control.state is Phase.FAULT:
                self.recover()
            elif press is Press.DOUBLE or control.recipe.limits() is None:
                self.auto_range(then_shoot=True)
            else:
                self.start_bracket()
        except RigError as error:
            control.board.change(message=error.said)
            if (answer := self._answer_to(error)) is not None:
                self._machine.show(answer)

    def _answer_to(self, error: RigError) -> Signal | None:
        """What the panel shows when a press was in vain; a job or a fault that it did not change goes on showing."""
        state = self._control.state
        if isinstance(error, PowerError):
            return None if state is Phase.FAULT else Signal.WARNING
        return Signal.WARNING if state is Phase.IDLE else Signal.REFUSED

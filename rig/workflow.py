"""Workflow: the only class that phone, button and command line call."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rig.brackets import BracketDetail, BracketSummary
from rig.status import PreviewJpeg, Status


class Workflow:
    """One rig, one job at a time; every method may be called from any thread.

    Every refusal is a RigError with one clear sentence:
    BusyError (a job runs), NotAllowedError (action not in status().allowed), NoSuchBracketError, ...
    """

    # --- life -----------------------------------------------------------------------------------
    def open(self) -> None:
        """Start the devices, home, recover what a power cut left; status is IDLE or FAULT after."""

    def close(self) -> None:
        """Stop what runs, keep what is captured, motor safe, stacker ended."""

    # --- looking --------------------------------------------------------------------------------
    def status(self) -> Status: ...
    def wait_status(self, after_rev: int, timeout_s: float) -> Status:
        """The first snapshot with rev > after_rev, or the present one at the time limit."""

    def preview(self, after_seq: int, width: int, timeout_s: float, roi: tuple[float, float, float, float] | None = None) -> PreviewJpeg | None:
        """The next live picture (seq > after_seq) as JPEG no wider than width, None at the time limit.

        Encoded once per (width, roi) and picture; nothing is read from the camera while nobody asks.
        roi: x, y, w, h as fractions of the picture. While capturing, answers with the last frame's thumbnail.
        PreviewJpeg: jpeg: bytes, seq: int, age_ms: int, focus_score: float.
        """

    # --- focusing -------------------------------------------------------------------------------
    def jog(self, steps: int) -> None:
        """Move by a signed number of steps, clamped to the soft limits; returns at once."""

    def goto(self, position_steps: int) -> None: ...
    def set_near(self, position_steps: int | None = None) -> None:
        """Make the present (or given) position the near limit. Swaps with far when beyond it."""

    def set_far(self, position_steps: int | None = None) -> None: ...
    def clear_limits(self) -> None: ...

    # --- shooting -------------------------------------------------------------------------------
    def start_bracket(self, key: str | None = None) -> str:
        """Shoot (and stack live, when the settings say so) the planned bracket; returns its id at once.

        key: idempotency key; the same key again answers with the same id and shoots nothing.
        """

    def pause(self) -> None: ...
    def resume(self, bracket_id: str | None = None) -> None:
        """Go on after a pause, or with a stopped or interrupted bracket's missing frames."""

    def stop(self) -> None:
        """At once and harmless: frames are kept, the bracket can be resumed or stacked."""

    def recover(self) -> None:
        """Leave FAULT by reopening the devices."""

    # --- stacking -------------------------------------------------------------------------------
    def stack(self, bracket_id: str, settings: dict[str, Any] | None = None) -> str:
        """Stack (again) what is there of a bracket; returns the result id ("r02"). Queued behind a running job."""

    def cancel_stack(self) -> None: ...
    def stack_preview(self) -> Path | None:
        """JPEG of the growing stack, see StackProgress.preview_rev."""

    # --- what is on the card -----------------------------------------------------------------------
    def brackets(self) -> tuple[BracketSummary, ...]:
        """Newest first. BracketSummary: id, created (ISO 8601 or None), outcome, frames_done, frames_planned,
        bytes, results (ids), thumb available or not, simulated."""

    def bracket(self, bracket_id: str) -> BracketDetail:
        """BracketSummary + plan, frames (index, position_steps, position_um, exposure, sharpness, size_bytes),
        results (id, method, size, used frames, warnings, report)."""

    def file(self, bracket_id: str, kind: str, *, frame: int | None = None, result: str | None = None) -> Path:
        """Path of a file of a bracket. kind: "frame", "frame_thumb", "fused", "screen", "thumb", "depth", "report".

        Raises NoSuchBracketError when bracket or file does not exist; ids are checked, never joined unseen.
        """

    def delete(self, bracket_id: str) -> None: ...

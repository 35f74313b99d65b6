"""One bracket of a card on its way to a stack, and how its jobs are shown."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from secrets import token_hex
from typing import Any

from rig.copying import expected_bytes
from rig.saying import Said
from rig.scan import CardFrame, Scan
from rig.sources import Source
from rig.stackqueue import StackTask

COPYING_SHARE = 0.1  # of the time that an import takes, about


@dataclass(frozen=True)
class JobView:
    """A job of the desk, as it is now."""

    id: str  # "j0123abcd"
    kind: str  # "scan", "import"
    source: str
    name: str  # of the source
    state: (
        str  # "waiting", "reading", "looking"; "copying", "copied", "stacking"; "done", "failed", "cancelled"
    )
    done: int
    total: int
    place: int = 0  # in the queue, 1 = next or at work, 0 = over
    eta_s: float | None = None  # until it is done, None while that cannot be told
    bracket: str | None = None  # id, once its frames are safe
    result: str | None = None
    first: int | None = None  # frames of the scan
    last: int | None = None
    scan: str | None = None  # that numbered them
    error: Said | None = None

    @property
    def over(self) -> bool:
        """Nothing more will happen."""
        return self.state in ("done", "failed", "cancelled")


class ImportJob:
    """Some frames of a card on their way to a stack."""

    def __init__(
        self,
        source: Source,
        scan: Scan,
        ends: tuple[int, int],
        frames: Sequence[CardFrame],
        settings: dict[str, Any],
    ) -> None:
        self.id = f"j{token_hex(4)}"
        self.source, self.scan, self.frames, self.settings = source, scan, frames, settings
        self.bytes = expected_bytes(frames)
        self.task: StackTask | None = None
        self.cancelled = threading.Event()
        self.preferred = False
        self._view = JobView(
            self.id,
            "import",
            source.id,
            source.name,
            "waiting",
            0,
            len(frames),
            first=ends[0],
            last=ends[1],
            scan=scan.id,
        )

    def view(self) -> JobView:
        """As it is now: once stacking, what the stacker tells."""
        if self.task is None:
            return self._view
        told = self.task.progress
        state = {"waiting": "copied"}.get(told.stage, told.stage if not told.running else "stacking")
        return replace(
            self._view, state=state, done=told.done, total=told.total, error=told.error, result=told.result_id
        )

    def change(self, **values: Any) -> None:
        """Replace some of what is shown."""
        self._view = replace(self._view, **values)

    def share_done(self) -> float:
        """How much of the whole work is behind it, 0..1, roughly."""
        view = self.view()
        share = view.done / max(1, view.total)
        if view.state == "copying":
            return COPYING_SHARE * share
        if view.state != "stacking" or self.task is None:
            return COPYING_SHARE if view.state == "copied" else 0.0
        # the first pass over the frames is cheaper than the second
        stage, each = (0.0, 0.4) if self.task.progress.stage == "aligning" else (0.4, 0.6)
        return COPYING_SHARE + (1 - COPYING_SHARE) * (stage + each * share)

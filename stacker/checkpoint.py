"""Checkpoints: the standing of a stack on disk, so that a power cut costs seconds and not the whole work.

One file beside the result, OUT.fieldstack-state, replaced atomically now and then and gone when the result is there.
It fits only the very same job: the same frames, unchanged, and the same settings.
"""

from __future__ import annotations

import json
import time
import zipfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stacker.alignment import Alignment
from stacker.atomic import PART_SUFFIX, writing_atomically
from stacker.errors import OutputError
from stacker.focusmap import FocusMap
from stacker.focussteps import FocusSteps
from stacker.formats.metadata import software_name
from stacker.hotpixels import Defects
from stacker.job import STATE_SUFFIX
from stacker.looked import Looked
from stacker.pieces import Pieces
from stacker.planes import Planes
from stacker.secondpass import SecondPass, Standing
from stacker.settings import StackSettings
from stacker.state import RunningFusion
from stacker.survey import Surveyed

Array = NDArray[Any]

EVERY_S = 20.0
_SHARE = 0.05  # of the time, at most, goes into saving
_WORTH_S = 5.0  # of work; what is interrupted earlier is done again as fast
_SCHEMA = "fieldstack.state/3"


def state_path(out: Path) -> Path:
    """Where the checkpoint of a result lies."""
    return out.with_name(out.name + STATE_SUFFIX)


def state_files(out: Path) -> tuple[Path, Path]:
    """The checkpoint, and what a kill while it was written may leave."""
    path = state_path(out)
    return path, path.with_name(path.name + PART_SUFFIX)


def fingerprint(frames: Sequence[Path], settings: StackSettings, others: Sequence[Path] = ()) -> str:
    """What tells one job from another: the frames and other inputs as they are now, and how they are fused.

    Threads and memory do not matter: the result does not depend on them.
    """
    files = []
    for path in (*frames, *others):
        try:
            status = path.stat()
        except OSError:
            files.append((path.name, 0, 0))
        else:
            files.append((path.name, status.st_size, status.st_mtime_ns))
    how = asdict(settings) | {"threads": 0, "memory_limit_mb": 0}
    return json.dumps([_SCHEMA, software_name(), files, how], sort_keys=True)


@dataclass(frozen=True)
class Survived:
    """What a checkpoint says: everything the survey found, and how far the fusion had come."""

    slots: list[int | None]  # of the frames, in shot order
    reasons: list[str | None]
    reference: int
    found: Surveyed
    defects: Defects
    bands: int  # see Standing
    order: list[int] | None  # that the frames were taken in, if not as given
    standing: Callable[[SecondPass], Standing]


@dataclass
class Checkpoint:
    """Keeps the standing of one job. See stacker.secondpass.Keeper."""

    path: Path
    fingerprint: str
    every_s: float = EVERY_S
    clock: Callable[[], float] = time.monotonic
    warn: Callable[[str], None] = lambda sentence: None
    saved: bool = False
    order: list[int] | None = None  # that the frames were taken in, if not as given
    _facts: dict[str, Any] = field(default_factory=dict)
    _maps: dict[str, Array] = field(default_factory=dict)
    _began: float = field(init=False)
    _last: float = field(init=False)
    _took: float = 0.0

    def __post_init__(self) -> None:
        self._began = self._last = self.clock()

    def know(self, frames: Sequence[Looked], reference: Looked, found: Surveyed, defects: Defects) -> None:
        """Take note of what the survey found: it is part of every checkpoint."""
        self._facts = {
            "slots": [frame.slot for frame in frames],
            "reasons": [frame.reason for frame in frames],
            "reference": next(index for index, frame in enumerate(frames) if frame is reference),
            "alignments": [_plain(alignment) for alignment in found.alignments],
            "fitting": list(found.fitting),
            "sharpness": list(found.sharpness),
            "grid_level": found.grid_level,
            "steps": asdict(found.steps),
        }
        self._maps = {f"focus.{name}": plane for name, plane in vars(found.focus).items()}
        self._maps |= {"defects.rows": defects.rows, "defects.columns": defects.columns}

    def keep(self, standing: Standing, at_once: bool = False) -> None:
        """Save, if it is time to. A disk that is full costs the checkpoint, not the stack."""
        now = self.clock()
        if at_once:
            if now - self._began < min(_WORTH_S, self.every_s):
                return
        elif now - self._last < max(self.every_s, self._took / _SHARE):
            return
        try:
            self._save(standing)
        except OutputError as error:
            self.warn(f"no checkpoint: {error}")
            self.every_s = float("inf")
        self._last = self.clock()
        self._took = self._last - now

    def remove(self) -> None:
        """The result is there: nothing is to be resumed any more."""
        for path in (self.path, self.path.with_name(self.path.name + PART_SUFFIX)):
            with suppress(OSError):
                path.unlink()

    def _save(self, standing: Standing) -> None:
        running = standing.running
        facts = self._facts | {
            "schema": _SCHEMA,
            "fingerprint": self.fingerprint,
            "order": self.order,
            "shape": running.shape,
            "chroma_shift": running.chroma_shift,
            "exact": running.exact,
            "rows": running.rows,
            "frames": running.frames,
            "bands": standing.bands,
            "part": standing.part,
            "done": standing.done,
            "damaged": list(standing.damaged.items()),
            "pieces": len(standing.pieces),
        }
        with (
            writing_atomically(self.path) as file,
            zipfile.ZipFile(file, "w", zipfile.ZIP_STORED, allowZip64=True) as archive,
        ):
            archive.writestr("facts.json", json.dumps(facts))
            for name, array in self._maps.items():
                _write(archive, name, array)
            for level, band in enumerate(running.bands):
                for number, array in enumerate(band.arrays):
                    _write(archive, f"band.{level}.{number}", array)
            for index, piece in enumerate(standing.pieces):
                for number, plane in enumerate(piece):
                    _write(archive, f"piece.{index}.{number}", plane)
        self.saved = True

    def load(self) -> Survived | None:
        """What was saved for this very job; None when there is nothing, or it is of another job, or damaged."""
        try:
            with zipfile.ZipFile(self.path) as archive:
                facts = json.loads(archive.read("facts.json"))
                if facts["schema"] != _SCHEMA or facts["fingerprint"] != self.fingerprint:
                    return None
                if archive.testzip() is not None:
                    return None
                defects = Defects(_read(archive, "defects.rows"), _read(archive, "defects.columns"))
                focus = FocusMap(
                    **{
                        name.removeprefix("focus."): _read(archive, name)
                        for name in archive.namelist()
                        if name.startswith("focus.")
                    }
                )
        except (OSError, zipfile.BadZipFile, KeyError, ValueError, TypeError):
            return None
        found = Surveyed(
            tuple(_alignment(alignment) for alignment in facts["alignments"]),
            tuple(facts["fitting"]),
            focus,
            facts["grid_level"],
            tuple(facts["sharpness"]),
            FocusSteps(**facts["steps"]),
        )
        return Survived(
            facts["slots"],
            facts["reasons"],
            facts["reference"],
            found,
            defects,
            facts["bands"],
            facts["order"],
            lambda second: self._standing(facts, second),
        )

    def _standing(self, facts: dict[str, Any], second: SecondPass) -> Standing:
        """The standing itself, read late: when the memory for it is free."""
        rows = tuple(facts["rows"])
        running = RunningFusion(
            tuple(facts["shape"]), facts["chroma_shift"], facts["exact"], (int(rows[0]), int(rows[1]))
        )
        running.frames = facts["frames"]
        pieces: Pieces = second.room(facts["bands"])
        with zipfile.ZipFile(self.path) as archive:
            for level, band in enumerate(running.bands):
                for number, array in enumerate(band.arrays):
                    array[...] = _read(archive, f"band.{level}.{number}")
            for index in range(facts["pieces"]):
                y, cb, cr = (_read(archive, f"piece.{index}.{number}") for number in range(3))
                pieces.append(Planes(y, cb, cr, facts["chroma_shift"]))
        return Standing(running, facts["bands"], facts["part"], facts["done"], pieces, dict(facts["damaged"]))


def _write(archive: zipfile.ZipFile, name: str, array: Array) -> None:
    with archive.open(name, "w", force_zip64=True) as file:
        array = np.ascontiguousarray(array)
        np.lib.format.write_array_header_1_0(file, np.lib.format.header_data_from_array_1_0(array))
        if array.size:
            file.write(array.data)  # write_array would copy it in blocks of 16 MB


def _read(archive: zipfile.ZipFile, name: str) -> Array:
    with archive.open(name) as file:
        return np.asarray(np.lib.format.read_array(file, allow_pickle=False))


def _plain(alignment: Alignment) -> dict[str, Any]:
    return {
        "index": alignment.index,
        "transform": alignment.transform.tolist(),
        "gain": list(map(float, alignment.gain)),
        "used": alignment.used,
        "reason": alignment.reason,
        "residual": alignment.residual,
    }


def _alignment(facts: dict[str, Any]) -> Alignment:
    return Alignment(
        facts["index"],
        np.array(facts["transform"]),
        np.array(facts["gain"]),
        facts["used"],
        facts["reason"],
        facts["residual"],
    )

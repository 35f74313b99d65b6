"""One bracket's folder: where its files are, what its facts say, and how more is added.

b000123/
  bracket.jsonl           the facts, append-only: plan and devices, each frame, how it ended, each result
  frames/000.jpg          as the camera encoded them (and 000.dng when asked for); imported ones may be 000.tif or raws
  thumbs/000.jpg          can be made again from the frames; 000-shown.jpg is a whole JPEG of one that is none
  results/r01/            fused.jpg, screen.jpg, thumb.jpg, depth.png, report.json, fused.tif
  results/r01/tiles/      0-0.jpg (column, row), cut from a large fused.jpg when it is looked at; can be made again
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from rig.brackets import BracketDetail, BracketSummary, Copied, FrameInfo, ResultInfo
from rig.cardfiles import PNGS, RAWS, TIFFS
from rig.durable import (
    PART,
    FreeBytes,
    as_store_error,
    sync_file,
    sync_folder,
    write_derived,
    write_whole,
)
from rig.errors import NoSuchBracketError, StorageFullError, StoreError
from rig.facts import Fact, append_fact, read_facts
from rig.saying import Room, all_told, say, with_codes
from rig.status import Outcome
from rig.words import words_of

BRACKET_ID = re.compile(r"b\d{6,9}")
RESULT_ID = re.compile(r"r\d{2,4}")
FACTS = "bracket.jsonl"
FORMAT = 1  # of the facts; readers refuse a larger one rather than misread it
# Room kept beyond a frame, so that its fact, the next status file and the log still fit.
MARGIN_BYTES = 4_000_000

RESULT_FILES = {
    "fused": "fused.jpg",
    "screen": "screen.jpg",
    "thumb": "thumb.jpg",
    "depth": "depth.png",
    "report": "report.json",
    "tiff": "fused.tif",
}


def create_folder(path: Path, head: Fact, free_bytes: FreeBytes) -> BracketFolder:
    """A new bracket with its first fact; there as a whole or not at all."""
    return finish_folder(begin_folder(path, head, free_bytes))


def begin_folder(path: Path, head: Fact, free_bytes: FreeBytes) -> BracketFolder:
    """A new bracket that has no final name yet: after a power cut it is gone."""
    part = path.with_name(path.name + PART)
    try:
        for name in ("frames", "thumbs", "results"):
            (part / name).mkdir(parents=True)
    except OSError as error:
        raise as_store_error(error, part, 0) from error
    append_fact(part / FACTS, {"fact": "bracket", "format": FORMAT, "id": path.name, **head})
    return BracketFolder(part, free_bytes)


def finish_folder(begun: BracketFolder) -> BracketFolder:
    """Give a begun bracket its name, with everything that is in it by now."""
    path = begun.path.with_name(begun.path.name.removesuffix(PART))
    begun.path.rename(path)
    sync_folder(path.parent)
    return BracketFolder(path, begun.free_bytes)


OTHER_KINDS = TIFFS | PNGS | RAWS  # that an imported frame may be


def frame_name(index: int) -> str:
    """File name of a frame: "000.jpg"."""
    return f"{index:03d}.jpg"


class BracketFolder:
    """The files and facts of one bracket. Reading needs no lock; one process at a time may write."""

    def __init__(self, path: Path, free_bytes: FreeBytes) -> None:
        self.path = path
        self.id = path.name
        self.free_bytes = free_bytes

    # --- where things are -----------------------------------------------------------------------
    @property
    def facts_path(self) -> Path:
        """The append-only facts."""
        return self.path / FACTS

    def frame_path(self, index: int) -> Path:
        """A frame's file: its JPEG, whether it is there or not, or what another camera wrote instead of one."""
        jpeg = self.new_frame_path(index, ".jpg")
        if jpeg.is_file():
            return jpeg
        others = (path for path in sorted(jpeg.parent.glob(f"{jpeg.stem}.*")) if path.suffix in OTHER_KINDS)
        return next(others, jpeg)

    def new_frame_path(self, index: int, suffix: str) -> Path:
        """Where a frame of this kind belongs."""
        return (self.path / "frames" / frame_name(index)).with_suffix(suffix)

    def present(self, path: Path) -> Path:
        """The same path, of a file of this bracket that is there. Raises NoSuchBracketError."""
        if not path.is_file():
            raise NoSuchBracketError(
                say(
                    "store.no_file",
                    "bracket {id} has no {file}",
                    id=self.id,
                    file=path.relative_to(self.path),
                )
            )
        return path

    def shown_path(self, index: int) -> Path:
        """A JPEG made of a frame that is none, whether it is there or not."""
        return self.path / "thumbs" / f"{index:03d}-shown.jpg"

    def frame_tiles_path(self, index: int) -> Path:
        """Folder of the tiles that a frame was cut into to be looked at; there or not."""
        return self.path / "frame-tiles" / f"{index:03d}"

    def screen_path(self, index: int) -> Path:
        """A copy of a frame that fits a screen, whether it is there or not."""
        return self.path / "thumbs" / f"{index:03d}-screen.jpg"

    def thumb_path(self, index: int) -> Path:
        """A frame's thumbnail, whether it is there or not."""
        return self.path / "thumbs" / frame_name(index)

    def result_path(self, result_id: str) -> Path:
        """A result's folder, whether it is there or not. Raises NoSuchBracketError for an odd id."""
        if not RESULT_ID.fullmatch(result_id):
            raise NoSuchBracketError(
                say("store.no_result_id", "{id} is not the id of a result, such as r01", id=repr(result_id))
            )
        return self.path / "results" / result_id

    # --- reading --------------------------------------------------------------------------------
    def facts(self) -> list[Fact]:
        """Every whole fact. Raises StoreError when there are none or they are of a newer program."""
        facts = read_facts(self.facts_path)
        if not facts or facts[0]["fact"] != "bracket":
            raise StoreError(
                say(
                    "store.no_bracket_file",
                    "{path} does not begin with the facts of a bracket",
                    path=self.facts_path,
                )
            )
        if facts[0].get("format", 0) > FORMAT:
            raise StoreError(
                say(
                    "store.newer_format",
                    "{id} was written by a newer fieldstack (format {format})",
                    id=self.id,
                    format=facts[0]["format"],
                )
            )
        return facts

    def detail(self, active: bool = False) -> BracketDetail:
        """Everything noted. active: it is being shot now, so that it has no outcome yet.

        Raises StoreError when the facts cannot be understood.
        """
        try:
            return self._detail(self.facts(), active)
        except (KeyError, TypeError, ValueError) as error:
            raise StoreError(
                say("store.damaged", "{path} is damaged: {error}", path=self.facts_path, error=repr(error))
            ) from error

    def _detail(self, facts: list[Fact], active: bool) -> BracketDetail:
        head = facts[0]
        frames = frames_of(facts)
        results = tuple(_result(fact) for fact in facts if fact["fact"] == "result")
        plan, added = dict(head.get("plan", {})), added_positions(facts)
        if added:
            plan["positions_steps"] = [*plan.get("positions_steps", ()), *added]
            plan["frames"] = len(plan["positions_steps"])
        again = again_of(facts)
        findings, dated = findings_of(facts), [fact for fact in facts if fact["fact"] == "dated"]
        summary = BracketSummary(
            id=self.id,
            created=dated[-1]["created"] if dated else head.get("created"),
            dated_later=bool(dated),
            outcome=None if active else outcome_of(facts),
            frames_done=len(frames) - len(again),
            frames_planned=int(head.get("frames_planned", len(frames))) + len(added),
            bytes=sum(f.size_bytes for f in frames) + sum(r.size_bytes for r in results),
            results=tuple(result.id for result in results),
            thumb=bool(frames),
            simulated=head.get("simulated"),
            words=words_of(facts),
            verdict=findings[0]["verdict"] if findings else None,
            imported=head.get("imported"),
            copied=_copied(facts, frames, results),
        )
        return BracketDetail(summary, plan, head.get("devices", {}), frames, results, findings, again)

    def damaged_frames(self) -> tuple[FrameInfo, ...]:
        """Noted frames that are missing or differ from their checksum. Reads every frame."""
        return tuple(frame for frame in frames_of(self.facts()) if not self._is_whole(frame))

    def _is_whole(self, frame: FrameInfo) -> bool:
        try:
            data = self.frame_path(frame.index).read_bytes()
        except OSError:
            return False
        return hashlib.sha256(data).hexdigest() == frame.sha256

    # --- adding ---------------------------------------------------------------------------------
    def note(self, kind: str, **values: Any) -> None:
        """Append one fact; on the card when this returns."""
        append_fact(self.facts_path, {"fact": kind, **values})

    def add_frame(
        self, index: int, jpeg: bytes, dng: bytes | None = None, thumb: bytes | None = None, **about: Any
    ) -> FrameInfo:
        """Keep a frame: files first, then the fact that they are there.

        about: position_steps, position_um, exposure_us, gain, sharpness, width, height, what else is known.
        A frame with the same index noted before is replaced. Raises StorageFullError before the disk is full.
        """
        self._need_room(len(jpeg) + len(dng or b""))
        path = self.frame_path(index)
        write_whole(path, jpeg)
        if dng is not None:
            write_whole(path.with_suffix(".dng"), dng)
        if thumb is not None:
            write_derived(self.thumb_path(index), thumb)
        fact = {
            "fact": "frame",
            "index": index,
            "name": path.name,
            **about,
            "size_bytes": len(jpeg),
            "sha256": hashlib.sha256(jpeg).hexdigest(),
            "dng_sha256": hashlib.sha256(dng).hexdigest() if dng is not None else None,
        }
        append_fact(self.facts_path, fact)
        return _frame(fact)

    def _need_room(self, size: int) -> None:
        free = self.free_bytes(self.path)
        if free < size + MARGIN_BYTES:
            raise StorageFullError(
                say(
                    "store.card_full",
                    "the card is full: the next frame needs {size}, {free} are free",
                    size=Room(size),
                    free=Room(free),
                )
            )

    def begin_result(self) -> tuple[str, Path]:
        """A new result's id and the folder to build it in; the folder has no final name yet."""
        results = self.path / "results"
        try:
            results.mkdir(exist_ok=True)
            names = [entry.name.removesuffix(PART) for entry in results.iterdir()]
            taken = [int(name[1:]) for name in names if RESULT_ID.fullmatch(name)]
            result_id = f"r{max(taken, default=0) + 1:02d}"
            part = results / (result_id + PART)
            part.mkdir()
        except OSError as error:
            raise as_store_error(error, results, 0) from error
        return result_id, part

    def finish_result(self, result_id: str, part: Path, about: dict[str, Any]) -> ResultInfo:
        """Give a built result its name, then note it."""
        final = self.result_path(result_id)
        for file in part.iterdir():
            sync_file(file)
        part.rename(final)
        sync_folder(final.parent)
        fact = {
            "fact": "result",
            "id": result_id,
            **with_codes(about),
            "size_bytes": (final / RESULT_FILES["fused"]).stat().st_size,
            "has_depth": (final / RESULT_FILES["depth"]).exists(),
            "has_tiff": (tiff := final / RESULT_FILES["tiff"]).exists(),
            "tiff_bytes": tiff.stat().st_size if tiff.exists() else 0,
        }
        append_fact(self.facts_path, fact)
        return _result(fact)


def frames_of(facts: Iterable[Fact]) -> tuple[FrameInfo, ...]:
    """The frames noted, by index; a frame shot again counts as it was shot last."""
    noted = {fact["index"]: _frame(fact) for fact in facts if fact["fact"] == "frame"}
    return tuple(noted[index] for index in sorted(noted))


def again_of(facts: Iterable[Fact]) -> tuple[int, ...]:
    """Indices of the frames shot while the drive stood still, and not again since."""
    noted: set[int] = set()
    again: set[int] = set()
    for fact in facts:
        if fact["fact"] == "frame":
            noted.add(fact["index"])
            again.discard(fact["index"])
        elif fact["fact"] == "ended" and fact.get("again_from") is not None:
            again |= {index for index in noted if index >= fact["again_from"]}
    return tuple(sorted(again))


def added_positions(facts: Iterable[Fact]) -> list[int]:
    """Focus positions that the bracket was extended by, in the order shot."""
    return [int(place) for fact in facts if fact["fact"] == "extended" for place in fact["positions_steps"]]


def outcome_of(facts: Iterable[Fact]) -> Outcome:
    """How the bracket ended last; INTERRUPTED when it was begun or gone on with and nothing noted its end."""
    outcome = Outcome.INTERRUPTED
    for fact in facts:
        if fact["fact"] in ("resumed", "extended"):
            outcome = Outcome.INTERRUPTED
        elif fact["fact"] == "ended":
            outcome = Outcome(fact["outcome"])
    return outcome


def findings_of(facts: Iterable[Fact]) -> tuple[dict[str, Any], ...]:
    """What the check of coverage found when the bracket ended last; empty when it did not end complete."""
    ends = [fact for fact in facts if fact["fact"] in ("ended", "resumed", "extended")]
    coverage = ends[-1].get("coverage") if ends else None
    return tuple(coverage["findings"]) if coverage else ()


def contents_of(
    frames: Iterable[FrameInfo], results: Iterable[ResultInfo], with_frames: bool = True
) -> dict[str, Any]:
    """What a copy made of these holds, to be compared later: ids of results, and a mark for the frames."""
    mark = hashlib.sha256("".join(frame.sha256 for frame in frames).encode()).hexdigest()[:16]
    return {"results": [result.id for result in results], "frames": mark if with_frames else None}


def _copied(
    facts: Sequence[Fact], frames: Iterable[FrameInfo], results: Iterable[ResultInfo]
) -> Copied | None:
    """The last checked copy; None when there is none, or it lacks something of what there is now."""
    last = next((fact for fact in reversed(facts) if fact["fact"] == "copied"), None)
    if last is None:
        return None
    now = contents_of(frames, results)
    if not {*now["results"]} <= {*last["results"]} or last["frames"] not in (None, now["frames"]):
        return None
    return Copied(str(last["to"]), last.get("at"), last["frames"] is not None)


def _frame(fact: Fact) -> FrameInfo:
    return FrameInfo(
        index=int(fact["index"]),
        name=str(fact["name"]),
        position_steps=int(fact["position_steps"]),
        position_um=float(fact["position_um"]),
        exposure_us=int(fact["exposure_us"]),
        gain=float(fact["gain"]),
        colour_gains=_pair(fact.get("colour_gains", (1.0, 1.0))),
        sharpness=float(fact["sharpness"]),
        size_bytes=int(fact["size_bytes"]),
        width=int(fact["width"]),
        height=int(fact["height"]),
        sha256=str(fact["sha256"]),
        has_dng=fact.get("dng_sha256") is not None,
    )


def _pair(values: Sequence[float]) -> tuple[float, float]:
    first, second = values
    return float(first), float(second)


def _result(fact: Fact) -> ResultInfo:
    return ResultInfo(
        id=str(fact["id"]),
        method=str(fact["method"]),
        width=int(fact["width"]),
        height=int(fact["height"]),
        used=int(fact["used"]),
        frames=int(fact["frames"]),
        warnings=all_told(fact.get("warnings", ()), fact.get("warnings_said")),
        settings=dict(fact.get("settings", {})),
        report=dict(fact.get("report", {})),
        size_bytes=int(fact["size_bytes"]),
        has_depth=bool(fact.get("has_depth")),
        has_tiff=bool(fact.get("has_tiff")),
        tiff_bytes=int(fact.get("tiff_bytes", 0)),
    )

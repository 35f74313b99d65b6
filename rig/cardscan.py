"""Looks through a card in a process of its own: `python -m rig.cardscan`. JSON lines in and out.

A process, because the files are a stranger's: what breaks a decoder or eats the memory costs the scan, never the rig;
and it can be stopped dead while a bracket is being shot.

In, one line: {"root", "thumbs": folder for small pictures, "leave_out": [[device, inode]...], "look_s": CPU seconds}.
Out: "progress" (stage "reading", "looking"), then once "frames" (in pieces, in the order they were shot), "groups" as
they become known, "looked" for each frame, and at last "done" or "failed".
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TextIO

from rig.cardfiles import CardFile, list_pictures, opened_file, suffix_of
from rig.durable import write_derived
from rig.errors import StoreError
from rig.pictures import encode_jpeg, shrink
from stacker.bracketfinder import FoundFrame, Group, find_groups, shot_order
from stacker.errors import FrameError
from stacker.formats.header import Header
from stacker.glance import focus_signature, found_frame, low_copy
from stacker.sequence import Signature

THUMB_PX = 320
THUMB_QUALITY = 75
LARGEST_PX = 200_000_000  # twice the largest sensor; a few bytes can promise a picture that eats all memory
PIECE = 200  # frames in one line
NEWS_EVERY = 10  # files
SELDOM = 10  # so many times as long as grouping takes is spent on looking: a full card has hundreds of groups


@dataclass(frozen=True)
class OnCard:
    """A frame: its file, and what it says of itself."""

    file: CardFile
    found: FoundFrame
    header: Header


@contextmanager
def path_of(root: Path, file: CardFile) -> Iterator[Path]:
    """A path that leads to the opened file and nowhere else, and ends as its name does: raws are known by that."""
    with opened_file(root, file) as handle, TemporaryDirectory() as folder:
        path = Path(folder) / f"frame{suffix_of(file.path)}"
        path.symlink_to(f"/proc/self/fd/{handle}")
        yield path


class CardScan:
    """One look through a card."""

    def __init__(self, root: Path, thumbs: Path, look_s: float, outgoing: TextIO) -> None:
        self._root = root
        self._thumbs = thumbs
        self._look_s = look_s
        self._outgoing = outgoing
        self._signatures: dict[int, Signature] = {}
        self._told: Sequence[Group] = ()
        self._regroup_at = 0.0  # CPU seconds of this process

    def run(self, leave_out: Sequence[tuple[int, int]]) -> None:
        """List, read, look; the outcome is told. Raises OSError when the card cannot be read."""
        listing = list_pictures(self._root, leave_out, raws=find_spec("rawpy") is not None)
        passed_over = listing.passed_over
        frames = self._read(listing.files, passed_over)
        found = [frame.found for frame in frames]
        for start in range(0, len(frames), PIECE):
            self._tell("frames", frames=[about(frame) for frame in frames[start : start + PIECE]])
        groups = find_groups(found, {})
        self._tell_groups(groups)
        complete = self._look(frames, found, groups)
        self._tell("done", passed_over=dict(+passed_over), complete=complete)

    def _read(self, files: Sequence[CardFile], passed_over: Counter[str]) -> list[OnCard]:
        frames = []
        for number, file in enumerate(files, start=1):
            folder, _, name = file.path.rpartition("/")
            try:
                with path_of(self._root, file) as path:
                    found, header = found_frame(path, folder, name)
            except (FrameError, OSError):
                passed_over["damaged"] += 1
                continue
            finally:
                if number % NEWS_EVERY == 0 or number == len(files):
                    self._tell("progress", stage="reading", done=number, total=len(files))
            if header.height * header.width > LARGEST_PX:
                passed_over["large"] += 1
            else:
                frames.append(OnCard(file, found, header))
        return [frames[index] for index in shot_order([frame.found for frame in frames])]

    def _look(self, frames: Sequence[OnCard], found: Sequence[FoundFrame], groups: Sequence[Group]) -> bool:
        """Small pictures and signatures; False when the time is up before all are there."""
        begun = time.process_time()
        ends = {group.last for group in groups if group.bracket}
        for number, index in enumerate(order_of_looking(groups), start=1):
            if time.process_time() - begun > self._look_s:
                self._tell_groups(find_groups(found, self._signatures))
                return False
            sharpness = self._look_at(frames[index], index)
            self._tell("looked", index=index, sharpness=sharpness)
            if number % NEWS_EVERY == 0 or number == len(frames):
                self._tell("progress", stage="looking", done=number, total=len(frames))
            if index in ends and time.process_time() > self._regroup_at:
                started = time.process_time()
                self._tell_groups(find_groups(found, self._signatures))
                self._regroup_at = started + SELDOM * (time.process_time() - started)
        self._tell_groups(find_groups(found, self._signatures))
        return True

    def _look_at(self, frame: OnCard, index: int) -> float | None:
        if index in self._signatures:
            return None
        try:
            with path_of(self._root, frame.file) as path:
                low = low_copy(path, frame.header)
        except (FrameError, OSError):
            return None  # damaged; told when it is stacked
        signature = self._signatures[index] = focus_signature(low)
        try:
            small = encode_jpeg(shrink(low, THUMB_PX), THUMB_QUALITY)
            write_derived(self._thumbs / f"{index}.jpg", small)
        except StoreError:
            pass  # no room for small pictures; the brackets can be found all the same
        return float(signature.mean())

    def _tell_groups(self, groups: Sequence[Group]) -> None:
        if groups == self._told:
            return
        self._told = groups
        self._tell("groups", groups=[[group.first, group.last, group.bracket] for group in groups])

    def _tell(self, event: str, **facts: Any) -> None:
        self._outgoing.write(json.dumps({"event": event, **facts}) + "\n")
        self._outgoing.flush()


def order_of_looking(groups: Sequence[Group]) -> list[int]:
    """First what a bracket is recognised by: its first, middle and last frame; single pictures at the end."""
    brackets = [group for group in groups if group.bracket]
    faces = [at for g in brackets for at in (g.first, (g.first + g.last) // 2, g.last)]
    rest = [at for g in brackets for at in range(g.first, g.last + 1)]
    others = [at for g in groups if not g.bracket for at in range(g.first, g.last + 1)]
    return [*dict.fromkeys(faces), *(at for at in rest if at not in set(faces)), *others]


def about(frame: OnCard) -> dict[str, Any]:
    """A frame as the rig is told of it."""
    facts = frame.found.facts
    return {
        "path": frame.file.path,
        "size": frame.file.size,
        "mtime_ns": frame.file.mtime_ns,
        "width": frame.found.shape[1],
        "height": frame.found.shape[0],
        "taken": facts.taken if facts.taken_s is not None else None,
        "camera": facts.camera,
        "body": facts.body,
        "lens": facts.lens,
        "f_number": facts.f_number,
        "exposure_s": facts.exposure_s,
        "iso": facts.iso,
    }


def main() -> int:
    """Do what the first line asks for."""
    order = json.loads(sys.stdin.readline())
    scan = CardScan(Path(order["root"]), Path(order["thumbs"]), float(order["look_s"]), sys.stdout)
    try:
        scan.run([(int(device), int(inode)) for device, inode in order["leave_out"]])
    except OSError as error:
        print(json.dumps({"event": "failed", "error": error.strerror or str(error)}), flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

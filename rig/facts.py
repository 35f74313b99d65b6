"""Append-only facts: one JSON object a line, noted only once it is true and safe on the card.

A line counts when its newline is there. A power cut can tear the last line only; it is ignored when reading
and cut off before the next fact is added.
"""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path
from typing import Any

from rig.durable import as_store_error, sync_folder
from rig.errors import StoreError
from rig.saying import say

Fact = dict[str, Any]

# The shooting and the stacking thread may note facts of the same bracket.
_one_at_a_time = threading.Lock()


def read_facts(path: Path) -> list[Fact]:
    """Every whole fact, oldest first. A line that is no JSON object (a damaged sector) is passed over.

    Raises StoreError when the file cannot be read at all.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise StoreError(
            say("store.not_read", "{path} cannot be read: {why}", path=path, why=error.strerror)
        ) from error
    whole = data[: data.rfind(b"\n") + 1]
    return [fact for line in whole.split(b"\n") if (fact := parse_fact(line)) is not None]


def parse_fact(line: bytes) -> Fact | None:
    """One line as a fact, None when it is not one."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) and isinstance(value.get("fact"), str) else None


def append_fact(path: Path, fact: Fact) -> None:
    """Add one fact; it is on the card when this returns.

    A torn last line is cut off first. When the line does not fit, the file is as it was and
    StorageFullError is raised.
    """
    line = json.dumps(fact, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"
    new = not path.exists()
    try:
        with _one_at_a_time, path.open("ab+") as stream:
            end = _end_of_whole_lines(stream.fileno())
            os.ftruncate(stream.fileno(), end)
            try:
                _write_all(stream.fileno(), line)
                os.fsync(stream.fileno())
            except OSError:
                os.ftruncate(stream.fileno(), end)
                raise
        if new:
            sync_folder(path.parent)
    except OSError as error:
        raise as_store_error(error, path, len(line)) from error


def _write_all(handle: int, data: bytes) -> None:
    """os.write until all is written: near a full disk it writes less than asked without an error."""
    while data:
        data = data[os.write(handle, data) :]


def _end_of_whole_lines(handle: int, block: int = 65536) -> int:
    """Offset just after the last newline, 0 when there is none."""
    end = os.fstat(handle).st_size
    while end > 0:
        start = max(0, end - block)
        found = os.pread(handle, end - start, start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        end = start
    return 0

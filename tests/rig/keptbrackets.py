"""Brackets in a store, made of few bytes and without a camera."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from rig.bracketfolder import BracketFolder
from rig.status import Outcome
from rig.store import Store, opened

JPEG = cv2.imencode(".jpg", np.full((24, 32, 3), 90, np.uint8))[1].tobytes()


def put_brackets(data: Path, *results: int, frames: int = 2) -> list[str]:
    """A bracket for each number, with so many results; their ids. Before a rig opens the folder."""
    with opened(Store(data)) as store:
        return [put_bracket(store, count, frames).id for count in results]


def put_bracket(store: Store, results: int = 1, frames: int = 2) -> BracketFolder:
    """A bracket that was shot to its end."""
    folder = store.create(0, frames_planned=frames, plan={}, devices={}, created="2026-11-27T10:00:00+01:00")
    for index in range(frames):
        add_frame(folder, index)
    folder.note("ended", outcome=Outcome.COMPLETE.value)
    for _ in range(results):
        add_result(folder)
    return folder


def add_frame(folder: BracketFolder, index: int) -> None:
    about = {
        "position_steps": index,
        "position_um": 1.0 * index,
        "exposure_us": 9,
        "gain": 1.0,
        "sharpness": 1.0,
    }
    folder.add_frame(index, JPEG + bytes([index]) * 3000, width=32, height=24, **about)


def add_result(folder: BracketFolder) -> str:
    result, part = folder.begin_result()
    for name, data in {
        "fused.jpg": JPEG + result.encode(),
        "depth.png": b"depth",
        "report.json": b"{}",
    }.items():
        (part / name).write_bytes(data)
    about = {
        "method": "auto",
        "width": 32,
        "height": 24,
        "used": 2,
        "frames": 2,
        "warnings": [],
        "settings": {},
    }
    folder.finish_result(result, part, about)
    return result

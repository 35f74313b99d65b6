"""Which files of a bracket are worth giving away, and under which names: not those that can be made again."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from rig.bracketfolder import RESULT_FILES, BracketFolder
from rig.brackets import BracketDetail

What = Literal["all", "frames", "results"]
KEPT_OF_RESULT = ("fused", "depth", "report", "tiff")
LONGEST = 60  # characters of a folder's name
FORBIDDEN = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*]+')  # on FAT and exFAT


def kept_files(
    folder: BracketFolder, detail: BracketDetail, what: What
) -> Iterator[tuple[Path, tuple[str, ...]]]:
    """Each file with its place within the bracket's copy: ("frames", "000.jpg"), ("r01", "fused.jpg").

    Raises NoSuchBracketError for a frame that is noted and not there.
    """
    if what != "results":
        for frame in detail.frames:
            path = folder.frame_path(frame.index)
            for one in (path, path.with_suffix(".dng")) if frame.has_dng else (path,):
                yield folder.present(one), ("frames", one.name)
    if what != "frames":
        for result in detail.results:
            for kind in KEPT_OF_RESULT:
                path = folder.result_path(result.id) / RESULT_FILES[kind]
                if path.is_file():  # a result without depth map or report
                    yield path, (result.id, path.name)


def folder_name(detail: BracketDetail) -> str:
    """A name for the bracket's copy that every file system takes: "b000123 Wasp on ivy"."""
    title = FORBIDDEN.sub(" ", unicodedata.normalize("NFC", detail.summary.words.title))
    words = "".join(letter for letter in title if letter.isprintable()).split()
    return " ".join([detail.id, *words])[:LONGEST].rstrip(". ")

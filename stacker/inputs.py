"""Which files are meant by the inputs of a job: files in order, or the pictures of one folder."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from stacker.errors import InputError
from stacker.formats.raw import SUFFIXES as RAW_SUFFIXES
from stacker.imagefile import INPUT_SUFFIXES
from stacker.order import natural_key


def list_inputs(inputs: Sequence[Path], exclude: Collection[Path] = ()) -> tuple[list[Path], list[str]]:
    """The files that should be frames, and warnings about what was passed over in a folder.

    A folder is sorted by name; hidden files and those in `exclude` (the results of the job) are passed over
    silently. Raises InputError without any file, or when a folder is mixed with other inputs.
    """
    if not inputs:
        raise InputError("there are no frames: give picture files in order, or one folder")
    folders = [path for path in inputs if path.is_dir()]
    if folders and len(inputs) > 1:
        raise InputError(f"{folders[0]} is a folder among other inputs; give frames in order, or one folder")
    return _in_folder(inputs[0], exclude) if folders else (list(inputs), [])


def _in_folder(folder: Path, exclude: Collection[Path]) -> tuple[list[Path], list[str]]:
    results = {path.resolve() for path in exclude}
    try:
        files = sorted(
            (
                path for path in folder.iterdir() if path.is_file() or path.is_symlink()
            ),  # a broken link too: it is missed
            key=lambda path: natural_key(path.name),
        )
    except OSError as error:
        raise InputError(f"the folder {folder} cannot be read: {error.strerror or error}") from error
    files = [path for path in files if not path.name.startswith(".") and path.resolve() not in results]
    pictures = [path for path in files if path.suffix.lower() in INPUT_SUFFIXES]
    others = [path for path in files if path not in pictures]
    twins = _raws_with_a_twin(pictures)
    pictures = [path for path in pictures if path not in twins]
    strangers = _strangers(pictures)
    pictures = [path for path in pictures if path not in strangers]
    if not pictures:
        raise InputError(f"there are no pictures in the folder {folder}{_hint(folder, others)}")
    passed_over = {
        "no picture": others,
        "a raw beside a picture of the same name": twins,
        "no number in the name while the others have one": strangers,
    }
    return pictures, [f"passed over {_enumerated(each)}: {why}" for why, each in passed_over.items() if each]


def _hint(folder: Path, others: Sequence[Path]) -> str:
    """What may be meant by a folder without a picture."""
    if (folder / "frames").is_dir():
        return " (its subfolder 'frames' may be meant)"
    return f" (JPEG, PNG, TIFF, BMP or camera raw), only {_enumerated(others)}" if others else ""


def _raws_with_a_twin(pictures: Sequence[Path]) -> list[Path]:
    """Raws that the camera wrote beside a JPEG of the same exposure: one exposure is one frame."""
    ready = {path.stem for path in pictures if path.suffix.lower() not in RAW_SUFFIXES}
    return [path for path in pictures if path.suffix.lower() in RAW_SUFFIXES and path.stem in ready]


def _strangers(pictures: Sequence[Path]) -> list[Path]:
    """Pictures without a number among numbered ones: results of an earlier stack, most likely.

    An all-sharp picture taken for a frame would win everywhere and spoil the depth map.
    """
    unnumbered = [path for path in pictures if not any(letter.isdigit() for letter in path.stem)]
    return unnumbered if 2 * len(unnumbered) < len(pictures) else []


def _enumerated(paths: Sequence[Path], most: int = 3) -> str:
    names = [path.name for path in paths]
    listed = ", ".join(names[:most])
    return listed if len(names) <= most else f"{listed} and {len(names) - most} more"

"""The files of a bracket: frames, results, and all of it as one ZIP."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import get_args

from flask import Blueprint, Response, request

from rig.errors import NoSuchBracketError
from rig.saying import say
from rig.worthkeeping import What
from webui.api.answers import file_of, shareable_of
from webui.context import workflow
from webui.errors import BadRequestError
from webui.ids import BracketIdConverter
from webui.zipstream import Entry, archive_length, stream

api = Blueprint("files", __name__, url_prefix="/api/brackets/<bracket:bracket_id>")

many = Blueprint("archives", __name__)

ID = re.compile(BracketIdConverter.regex)
MOST_AT_ONCE = 200  # brackets in one archive; their ids still fit a request line
RESULT_KINDS = "fused,screen,thumb,depth,report,tiff"
WANTS: tuple[What, ...] = get_args(What)


@api.get("/thumb.jpg")
def thumb(bracket_id: str) -> Response:
    """A small picture of the bracket: its newest result, else a frame."""
    return file_of(workflow().file(bracket_id, "thumb"))


@api.get("/frames/<int(max=99999):frame>.jpg")
def frame(bracket_id: str, frame: int) -> Response:
    """A frame as it was shot, or a JPEG of one that is none: a TIFF, a PNG, a camera raw."""
    path = workflow().file(bracket_id, "frame_shown", frame=frame)
    return file_of(path, f"{bracket_id}-{path.name}")


@api.get("/frames/<int(max=99999):frame>/screen.jpg")
def frame_screen(bracket_id: str, frame: int) -> Response:
    """A copy of a frame that fits a screen."""
    return file_of(workflow().file(bracket_id, "frame_screen", frame=frame))


@api.get("/frames/<int(max=99999):frame>/thumb.jpg")
def frame_thumb(bracket_id: str, frame: int) -> Response:
    """A small picture of a frame."""
    return file_of(workflow().file(bracket_id, "frame_thumb", frame=frame))


@api.get(f"/results/<result:result_id>/<any({RESULT_KINDS}):kind>")
def result(bracket_id: str, result_id: str, kind: str) -> Response:
    """A file of a result: the fused image, a derivative for the screen, the depth map, the report."""
    path = workflow().file(bracket_id, kind, result=result_id)
    return file_of(path, f"{bracket_id}-{result_id}-{path.name}")


@api.get("/results/<result:result_id>/share")
def share(bracket_id: str, result_id: str) -> Response:
    """The fused image, pixel for pixel, without what the camera wrote about place, owner and itself."""
    path = workflow().file(bracket_id, "fused", result=result_id)
    return shareable_of(path, f"{bracket_id}-{result_id}.jpg")


@api.get("/results/<result:result_id>/tiles/<int(max=999):column>/<int(max=999):row>.jpg")
def tile(bracket_id: str, result_id: str, column: int, row: int) -> Response:
    """A part of 1024 pixels each way of the fused image, for what a phone cannot show whole."""
    return file_of(workflow().tile(bracket_id, result_id, column, row))


@api.get("/frames/<int(max=99999):frame>/tiles/<int(max=999):column>/<int(max=999):row>.jpg")
def frame_tile(bracket_id: str, frame: int, column: int, row: int) -> Response:
    """The same part of a frame."""
    return file_of(workflow().frame_tile(bracket_id, frame, column, row))


@api.get("/bracket.zip")
def archive(bracket_id: str) -> Response:
    """Frames and results in one file, `?what=all|frames|results`; its length is known from the start."""
    what = what_of_it()
    return zipped(list(wanted(bracket_id, what)), f"{bracket_id}-{what}")


@many.get("/api/brackets.zip")
def selection() -> Response:
    """Several brackets in one file, `?ids=b000001,b000002&what=all|frames|results`, a folder for each."""
    ids = request.args.get("ids", "").split(",")
    if not all(ID.fullmatch(one) for one in ids) or len(ids) > MOST_AT_ONCE:
        raise BadRequestError(f"ids must be 1 to {MOST_AT_ONCE} ids of brackets with commas between.")
    what = what_of_it()
    entries = [entry for one in dict.fromkeys(ids) for entry in wanted(one, what)]
    return zipped(entries, f"fieldstack-{what}")


def what_of_it() -> What:
    """The part of a bracket that is asked for. Raises BadRequestError."""
    asked = request.args.get("what", "all")
    for what in WANTS:
        if asked == what:
            return what
    raise BadRequestError(f"what must be one of {', '.join(WANTS)}.")


def zipped(entries: list[Entry], name: str) -> Response:
    """The entries as a file to save. Raises NoSuchBracketError when there are none."""
    if not entries:
        raise NoSuchBracketError(
            say("store.no_files_yet", "There are no files of this kind yet for {name}.", name=name)
        )
    answer = Response(stream(entries), mimetype="application/zip")
    answer.content_length = archive_length(entries)
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}.zip"'
    return answer


def wanted(bracket_id: str, what: What) -> Iterator[Entry]:
    """The archive's entries, in one folder named like the bracket."""
    for path, place in workflow().kept_files(bracket_id, what):
        yield Entry(path, "/".join((bracket_id, *place)))

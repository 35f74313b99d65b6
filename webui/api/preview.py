"""The live picture, pulled: a phone asks for the next one when it has drawn the last.

So a slow link gets fewer pictures instead of old ones.
"""

from __future__ import annotations

import math
import time

from flask import Blueprint, Response, g, request

from rig.status import PreviewJpeg
from webui.body import whole_number
from webui.context import client, viewer_gone, web
from webui.errors import BadRequestError

api = Blueprint("preview", __name__)

WIDTHS_PX = (320, 480, 640, 960, 1280, 1600)  # a fixed few, so that viewers share encoded pictures
DEFAULT_WIDTH_PX = 640
WAIT_S = 5.0  # without a new picture the answer is 204, and the phone asks again
LOOK_S = 1.0  # how often a waiting request looks whether its viewer is still there
FINE_SHARE = 0.12  # of the frame at most, by the sensor's own pixels: more is no loupe, and much to send
ROI_GRID = 100  # regions snap to this many lines, again so that viewers share

Roi = tuple[float, float, float, float]


@api.get("/api/preview.jpg")
def preview() -> Response:
    """The first live picture newer than `after`, no wider than `w`, of the region `roi`; 204 after WAIT_S.

    fine=1: a small region by the sensor's own pixels; X-Sensor-Px says how many of them one of the picture is.
    """
    after = whole_number("after", default=0, low=0, high=2**53)
    width = nearest_width(whole_number("w", default=DEFAULT_WIDTH_PX, low=1, high=10_000))
    roi = region(request.args.get("roi"))
    small = roi is not None and roi[2] * roi[3] <= FINE_SHARE
    fine = small and request.args.get("fine") == "1" and not g.guest  # each takes the camera from the others
    with web().previews.one(client(), g.guest):
        picture = wait_for_fine(width, roi) if fine and roi else wait_for_picture(after, width, roi)
    if picture is None:
        return Response(status=204)
    answer = Response(picture.jpeg, mimetype="image/jpeg")
    answer.headers["X-Seq"] = str(picture.seq)
    answer.headers["X-Age-Ms"] = str(picture.age_ms)
    if picture.sensor_px is not None:
        answer.headers["X-Sensor-Px"] = f"{picture.sensor_px:.4f}"
    answer.headers["X-Focus"] = f"{picture.focus_score:.4f}"
    return answer


def wait_for_picture(after: int, width: int, roi: Roi | None) -> PreviewJpeg | None:
    """The next picture, None when none came in time or nobody waits any more."""
    end = time.monotonic() + WAIT_S
    while (left := end - time.monotonic()) > 0 and not viewer_gone():
        picture = web().workflow.preview(after, width, min(left, LOOK_S), roi)
        if picture is not None:
            return picture
    return None


def wait_for_fine(width: int, roi: Roi) -> PreviewJpeg | None:
    """The next picture of a part by the sensor's own pixels; None while the rig needs its camera."""
    return web().workflow.loupe(width, LOOK_S, roi)


def nearest_width(asked: int) -> int:
    """The smallest offered width that is not narrower than asked."""
    return next((width for width in WIDTHS_PX if width >= asked), WIDTHS_PX[-1])


def region(text: str | None) -> Roi | None:
    """`x,y,w,h` as fractions of the picture, snapped to a grid. Raises BadRequestError."""
    if text is None:
        return None
    try:
        x, y, w, h = (round(float(part) * ROI_GRID) / ROI_GRID for part in text[:80].split(","))
    except (ValueError, OverflowError) as error:
        raise BadRequestError("roi must be four numbers: x,y,w,h.") from error
    inside = x >= 0 and y >= 0 and w > 0 and h > 0 and x + w <= 1 + 1e-9 and y + h <= 1 + 1e-9
    if not inside or not all(map(math.isfinite, (x, y, w, h))):
        raise BadRequestError("roi must lie within the picture: fractions 0..1, w and h above 0.")
    return x, y, w, h

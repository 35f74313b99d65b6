"""What a result says of itself in its metadata: the camera's facts, and how it was stacked."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from stacker.formats import xmp
from stacker.formats.metadata import Metadata, result_metadata, software_name
from stacker.result import FuseResult

_SURE = 0.5  # confidence from which a depth is believed


def stack_metadata(camera: Metadata, result: FuseResult, frames: int) -> Metadata:
    """EXIF, colour profile and XMP of a picture stacked from so many frames; camera: of one of them.

    Depths are numbers of frames, from 0: between the 1st and the 99th percentile of what is surely in focus somewhere.
    """
    report = result.report
    about = f"{report.used} of {frames} frames stacked, method {report.method}"
    used = [frame for frame in report.frames if frame.used]
    facts: dict[str, str | int | float] = {
        "Frames": frames,
        "FramesUsed": report.used,
        "Method": report.method,
        "FirstFrame": used[0].name,
        "LastFrame": used[-1].name,
        "ReferenceFrame": report.frames[report.reference].name,
        "Coverage": report.coverage.verdict,
    }
    sure = result.depth[result.confidence > _SURE]
    if sure.size:
        nearest, farthest = np.percentile(sure, [1, 99])
        facts |= {"DepthFrom": round(float(nearest), 2), "DepthTo": round(float(farthest), 2)}
    metadata = result_metadata(camera, result.planes.shape, about)
    return replace(metadata, xmp=xmp.packet(about, software_name(), facts))

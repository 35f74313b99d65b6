"""A JPEG of a frame that is none, in a process of its own: `python -m rig.frameview FRAME JPEG`.

A raw of 24 MP takes seconds and hundreds of megabytes to develop, which the process of camera and motor does not have.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

from rig.errors import StoreError
from rig.saying import say

LIMIT_S = 120.0  # the smallest Pi takes half a minute
QUALITY = 88
NICE = 10
_one_at_a_time = threading.Lock()


def make_shown(frame: Path, shown: Path) -> None:
    """Make the JPEG unless it is there. Raises StoreError when the frame cannot be shown."""
    with _one_at_a_time:
        if shown.is_file():
            return
        command = (sys.executable, "-m", "rig.frameview", str(frame), str(shown))
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            try:
                done = process.wait(LIMIT_S) == 0
            except subprocess.TimeoutExpired:
                process.kill()
                done = False
        if not done:
            raise StoreError(say("picture.not_shown", "{path} is no picture that can be shown", path=frame))


def main() -> int:
    """Returns the exit code."""
    from stacker.errors import StackerError
    from stacker.imagefile import read_planes, write_planes

    frame, shown = map(Path, sys.argv[1:])
    os.nice(NICE)
    try:
        shown.parent.mkdir(exist_ok=True)
        write_planes(shown, read_planes(frame), quality=QUALITY)
    except (StackerError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""The stacker: frames in, one sharp picture out. Imports nothing of the rig and runs alone on a laptop.

from stacker import fuse, open_frames
result = fuse(open_frames([Path("bracket/")]))
"""

import os

# Before numpy is loaded: its linear algebra, which here solves for four unknowns, would start a thread for each
# processor, and each would spin for a tenth of a second, at the start and whenever it has been called.
os.environ["OPENBLAS_NUM_THREADS"] = os.environ.get("OPENBLAS_NUM_THREADS", "1")

from stacker.errors import StackerError
from stacker.frames import ArraySource, open_frames
from stacker.job import StackJob
from stacker.pipeline import fuse, stack_files
from stacker.settings import AlignSettings, StackSettings

__all__ = [
    "AlignSettings",
    "ArraySource",
    "StackJob",
    "StackSettings",
    "StackerError",
    "fuse",
    "open_frames",
    "stack_files",
]

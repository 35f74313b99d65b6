"""Live: a bracket is stacked while it is being shot into a folder."""

from __future__ import annotations

from stacker import memory
from stacker.arrivals import Arrivals
from stacker.errors import InputError
from stacker.following import Follow, Follower
from stacker.job import StackJob, check_outputs
from stacker.pipeline import Warn, conclude
from stacker.preview import Preview
from stacker.report import Report
from stacker.reporting import left_out_sentence
from stacker.stack import Cancelled, Progress, Stack, never, no_progress


def follow_files(
    job: StackJob,
    follow: Follow,
    progress: Progress = no_progress,
    cancelled: Cancelled = never,
    warn: Warn = lambda sentence: None,
) -> Report:
    """Take frames as they appear in a folder, then finish as stack_files does. Raises the same."""
    check_outputs(job)
    if not follow.folder.is_dir():
        raise InputError(f"{follow.folder} is no folder; --follow waits for frames to appear in one")
    memory.return_freed_memory()
    memory.forget_start()
    preview = None if job.preview is None else Preview(job.preview)
    stack = Stack(job.settings, growing=preview is not None, scratch=job.out.parent, live=True)
    arrivals = Arrivals(stack)
    said: list[str] = []
    for path in Follower(follow, job.outputs).frames(cancelled, lambda: stack.advance(follow.expect)):
        seen = arrivals.take(path)
        if seen.reason is not None:
            named = seen.reason if seen.name in seen.reason else f"{seen.name}: {seen.reason}"
            said.append(left_out_sentence(named))
            warn(said[-1])
        if preview is not None:
            preview.show(stack.growing_picture())
        progress(arrivals.count, follow.expect or arrivals.count, "following")
        if arrivals.count == 1 and arrivals.first is not None:
            check_outputs(job, arrivals.first.shape)
    source = arrivals.any
    result = stack.fuse(progress, cancelled, None if preview is None else preview.show_now_and_then)
    return conclude(job, source.metadata(0), arrivals.count, result, source.shape, said, warn)

"""Every error the stacker raises on purpose, on one page."""

from __future__ import annotations


class StackerError(Exception):
    """Root of everything the stacker raises on purpose; the message is one sentence for the user."""

    @property
    def said(self) -> str:
        """That sentence, with its code and figures where it has them (stacker.saying)."""
        return self.args[0] if len(self.args) == 1 and isinstance(self.args[0], str) else str(self)


class SettingsError(StackerError, ValueError):
    """A setting is out of range or contradicts another."""


class InputError(StackerError, ValueError):
    """The input as a whole cannot be stacked: no frames, or nothing that is a picture."""


class FrameError(StackerError, ValueError):
    """One frame cannot be read: damaged, not a picture, of another size. The others are fine."""


class FrameShapeError(FrameError):
    """A frame's size differs from the others', or an array has the wrong number of dimensions."""


class AlignError(StackerError, RuntimeError):
    """A frame could not be aligned to its neighbour."""


class OutputError(StackerError, OSError):
    """The result cannot be written: folder missing, not writable, unknown kind of file, disk full."""


class MemoryLimitError(StackerError, MemoryError):
    """The job cannot be done within the memory allowed; the message says which figure would do."""


class CancelledError(StackerError):
    """The job was cancelled; no output was written under its final name."""

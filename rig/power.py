"""Switch the computer off, by the command of the settings."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence

from rig.errors import PowerError
from rig.saying import say

PATIENCE_S = 30.0


def power_off(command: Sequence[str]) -> None:
    """Run the command, a program and its arguments, never a shell's line. Raises PowerError."""
    shown = " ".join(command)
    try:
        done = subprocess.run(
            list(command), stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE_S, check=False
        )
    except OSError as error:
        raise PowerError(
            say(
                "power.not_started",
                "the rig cannot be powered off: `{command}` does not start ({why})",
                command=shown,
                why=error.strerror,
            )
        ) from error
    except subprocess.TimeoutExpired as error:
        raise PowerError(
            say(
                "power.not_ended",
                "the rig cannot be powered off: `{command}` has not ended after {limit:g} s",
                command=shown,
                limit=PATIENCE_S,
            )
        ) from error
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        reason = said[-1] if said else f"exit code {done.returncode}"
        raise PowerError(
            say(
                "power.failed",
                "the rig cannot be powered off: `{command}` failed ({why})",
                command=shown,
                why=reason,
            )
        )

"""The edge between the commands and the shell: every way to end becomes one sentence and one exit code."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable

from stacker.console import Console
from stacker.errors import CancelledError, SettingsError, StackerError

DONE, FAILED, WRONG_USE, INTERRUPTED = 0, 1, 2, 130
DEBUG_VARIABLE = "FIELDSTACK_DEBUG"


def run_at_the_edge(work: Callable[[], None], console: Console, kept: Callable[[], str] = str) -> int:
    """Do the work; returns the exit code, having said on the console what went wrong.

    kept: gives the sentence about what is safe after an interruption. A traceback is shown only with
    FIELDSTACK_DEBUG=1.
    """
    try:
        work()
    except SettingsError as error:
        return _ended(console, str(error), WRONG_USE)
    except (CancelledError, KeyboardInterrupt):
        return _ended(console, f"interrupted. {kept()}", INTERRUPTED)
    except StackerError as error:
        return _ended(console, str(error), FAILED)
    except MemoryError:
        return _ended(
            console, "not enough memory; close other programs or give a lower --memory-limit", FAILED
        )
    except Exception as error:  # noqa: BLE001 - the last edge before the shell: no traceback for a photographer
        reason = f"{type(error).__name__}: {error}".rstrip(": ")
        return _ended(console, f"this should not happen ({reason}); {DEBUG_VARIABLE}=1 shows where", FAILED)
    finally:
        console.close()
    return DONE


def _ended(console: Console, sentence: str, code: int) -> int:
    if os.environ.get(DEBUG_VARIABLE) == "1":
        traceback.print_exc(file=sys.stderr)
    console.fail(sentence)
    return code

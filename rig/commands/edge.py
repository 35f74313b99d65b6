"""The edge between the rig's commands and the shell: every way to end is one sentence and one exit code."""

from __future__ import annotations

import logging
import os
import sys
import traceback
from collections.abc import Callable

from rig.errors import ConfigError, FocusRangeError, PlanError, RigError
from stacker.console import Console

DONE, FAILED, WRONG_USE, INTERRUPTED = 0, 1, 2, 130
DEBUG_VARIABLE = "FIELDSTACK_DEBUG"
ASKED_WRONGLY = (ConfigError, PlanError, FocusRangeError)  # another figure on the command line would do


class InterruptedCommandError(RigError):
    """Ctrl-C or another signal that ends a program; the message says what was kept and how to go on."""


def run_at_the_edge(work: Callable[[Console], None], quiet: bool = False) -> int:
    """Do the work; returns the exit code, having said on stderr what went wrong.

    A traceback is shown only with FIELDSTACK_DEBUG=1.
    """
    console = Console(quiet)
    listen_to_the_program()
    try:
        work(console)
    except InterruptedCommandError as error:
        return _ended(console, str(error), INTERRUPTED)
    except KeyboardInterrupt:
        return _ended(console, "interrupted", INTERRUPTED)
    except ASKED_WRONGLY as error:
        return _ended(console, str(error), WRONG_USE)
    except RigError as error:
        return _ended(console, sentence_of(error), FAILED)
    except MemoryError:
        return _ended(console, "not enough memory: close other programs", FAILED)
    except Exception as error:  # noqa: BLE001 - the last edge before the shell: no traceback for a photographer
        reason = f"{type(error).__name__}: {error}".rstrip(": ")
        return _ended(console, f"this should not happen ({reason}); {DEBUG_VARIABLE}=1 shows where", FAILED)
    finally:
        console.close()
    return DONE


def sentence_of(error: RigError) -> str:
    """What went wrong and what is safe."""
    return f"{error}. {error.kept}" if error.kept else str(error)


def debugging() -> bool:
    """Whether tracebacks and the log are wanted on stderr."""
    return os.environ.get(DEBUG_VARIABLE) == "1"


def listen_to_the_program() -> None:
    """The log goes to stderr when debugging, else nowhere: a command says one sentence."""
    if debugging():
        logging.basicConfig(level=logging.DEBUG, format="%(asctime)s %(name)s: %(message)s")
    elif not logging.getLogger().handlers:
        logging.getLogger().addHandler(logging.NullHandler())


def _ended(console: Console, sentence: str, code: int) -> int:
    if debugging():
        traceback.print_exc(file=sys.stderr)
    console.fail(sentence)
    return code

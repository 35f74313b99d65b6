"""A command line parser that refuses in one sentence, and says what may have been meant."""

from __future__ import annotations

import argparse
import difflib
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

WRONG_USE = 2


class Parser(argparse.ArgumentParser):
    """argparse prints every option there is, of `stack` some thirty, before it says which one is wrong."""

    _has_commands = False

    def add_subparsers(self, **named: Any) -> Any:
        """As argparse does; the parsers of the commands are of this kind too."""
        self._has_commands = True
        return super().add_subparsers(**named)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """As argparse does, but an unknown option is named before what seems to be missing because of it."""
        given = sys.argv[1:] if args is None else list(args)
        if not self._has_commands:
            self._refuse_unknown_options(given)
        return super().parse_known_args(given, namespace)

    def error(self, message: str) -> NoReturn:
        """One sentence on stderr, exit code 2."""
        self.exit(WRONG_USE, f"{self.prog}: {message} ({self.prog} --help explains)\n")

    def _refuse_unknown_options(self, given: Sequence[str]) -> None:
        known = self._option_string_actions
        for each in given:
            option = each.split("=", 1)[0]
            if each == "--":
                return
            if option.startswith("--") and option not in known:
                meant = difflib.get_close_matches(option, known, n=1)
                self.error(f"there is no option {option}" + (f"; did you mean {meant[0]}?" if meant else ""))

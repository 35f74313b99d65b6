"""Changing single settings in the configuration file: the user's own lines and comments stay."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rig.configfile import line_of, toml_value
from rig.durable import as_store_error, write_whole
from rig.errors import ConfigError
from rig.saying import say

# `key = value # comment` whose value holds no quote, so that the # can only begin a comment.
PLAIN_LINE = re.compile(r"([^=]*=\s*)[^#\"']*?(\s*#.*)?$")


def keep_changes(path: Path, changes: Mapping[str, Any]) -> None:
    """Write changed settings, by dotted name, into the file; whole or not at all, made when missing.

    Raises StoreError when it cannot be read or written, ConfigError when it sets one of them in a way that
    cannot be changed line by line (inside an inline table, over several lines).
    """
    try:
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        path.parent.mkdir(parents=True, exist_ok=True)
    except (OSError, UnicodeDecodeError) as error:
        reason = error if isinstance(error, OSError) else OSError(0, "it is not UTF-8 text")
        raise as_store_error(reason, path, 0) from error
    write_whole(path, with_changes(text, changes, path.name).encode())


def with_changes(text: str, changes: Mapping[str, Any], name: str = "config.toml") -> str:
    """The TOML text with these settings changed or added. Raises ConfigError, see keep_changes."""
    changed = text
    for setting, value in changes.items():
        section, _, key = setting.partition(".")
        changed = _with_one(changed, section, key, toml_value(value))
    if _tables(changed) != _wanted(text, changes):
        raise ConfigError(
            say(
                "settings.not_line_by_line",
                "{name} sets {settings} in a way that cannot be changed line by line: change it there",
                name=name,
                settings=", ".join(changes),
            )
        )
    return changed


def _with_one(text: str, section: str, key: str, value: str) -> str:
    lines = text.splitlines()
    number = line_of(text, section, key)
    heading = line_of(text, section, None)
    if number is not None:
        lines[number - 1] = _line_with(lines[number - 1], key, value)
    elif heading is not None:
        lines.insert(heading, f"{key} = {value}")
    else:
        lines += [*([""] if lines else []), f"[{section}]", f"{key} = {value}"]
    return "\n".join(lines) + "\n"


def _line_with(line: str, key: str, value: str) -> str:
    plain = PLAIN_LINE.match(line)
    if plain:
        return f"{plain[1]}{value}{plain[2] or ''}"
    return f"{line.partition('=')[0].rstrip() or key} = {value}"


def _wanted(text: str, changes: Mapping[str, Any]) -> dict[str, Any]:
    tables = _tables(text) or {}
    for setting, value in changes.items():
        section, _, key = setting.partition(".")
        table = tables.setdefault(section, {})
        if isinstance(table, dict):
            table[key] = list(value) if isinstance(value, tuple) else value
    return tables


def _tables(text: str) -> dict[str, Any] | None:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return None

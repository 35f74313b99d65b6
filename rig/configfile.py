"""The configuration file: TOML text <-> Settings, with the line that is wrong."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

from rig.checked import Checked, checked_value, describe, setting_fields
from rig.config import PARTS, Settings, part_of
from rig.errors import ConfigError

SYSTEM_FILE = Path("/etc/fieldstack/config.toml")
USER_FILE = Path("~/.config/fieldstack/config.toml")


def load_settings(path: Path | None = None) -> Settings:
    """The settings of one file, or of the system's and then the user's where they exist.

    A file need not name every setting; what it leaves out keeps its value.
    Raises ConfigError naming file, line, setting, value and what would be right.
    """
    if path is not None:
        return read_settings(path, Settings())
    settings = Settings()
    for usual in (SYSTEM_FILE, USER_FILE.expanduser()):
        if _is_there(usual):
            settings = read_settings(usual, settings)
    return settings


def _is_there(path: Path) -> bool:
    """Whether there is such a file; a home that a service may not look into has none for it."""
    try:
        return path.exists()
    except PermissionError:
        return False


def read_settings(path: Path, base: Settings) -> Settings:
    """The settings of base with what this file says. Raises ConfigError."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ConfigError(f"the configuration file {path} cannot be read: {reason}") from error
    return parse_settings(text, str(path), base)


def parse_settings(text: str, name: str = "config.toml", base: Settings | None = None) -> Settings:
    """The settings of base with what this TOML text says; name is for messages. Raises ConfigError."""
    settings = base or Settings()
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(_syntax_message(name, error)) from error
    changes: dict[str, Any] = {}
    for section, table in tables.items():
        _check_section(section, table, text, name)
        for key, value in table.items():
            _check_value(section, key, value, text, name)
            changes[f"{section}.{key}"] = value
    try:
        return settings.changed(changes)
    except ConfigError as error:  # each value is fine alone, but two contradict each other
        raise ConfigError(f"{_place(name, _line_named_in(str(error), text))}: {error}") from error


def to_toml(settings: Settings) -> str:
    """Every setting as TOML with its reason above it; parse_settings gives the same settings back."""
    return "\n".join(_table(name, getattr(settings, name)) for name in PARTS)


def line_of(text: str, section: str, key: str | None) -> int | None:
    """Number of the line (from 1) where a key of a section is set; key None: where the section starts.

    None when it is written in an unusual way, e.g. inside an inline table.
    """
    current = ""
    for number, line in enumerate(text.splitlines(), start=1):
        heading = re.match(r"\s*\[+\s*([^\[\]]+?)\s*\]", line)
        if heading:
            current = heading[1].strip("\"'")
            if key is None and current == section:
                return number
        if key is not None and _sets(line, current, section, key):
            return number
    return None


def _sets(line: str, current: str, section: str, key: str) -> bool:
    assigned = re.match(r"\s*([\w\s.\"'-]+?)\s*=", line)
    if not assigned:
        return False
    written = re.sub(r"[\s\"']", "", assigned[1])
    full = f"{current}.{written}" if current else written
    return full == (f"{section}.{key}" if section else key)


def _check_section(section: str, table: Any, text: str, name: str) -> None:
    if section in PARTS and isinstance(table, dict):
        return
    line = line_of(text, section, None) or line_of(text, "", section)
    known = ", ".join(f"[{part}]" for part in PARTS)
    if not isinstance(table, dict):
        raise ConfigError(f"{_place(name, line)}: {section} stands outside the parts of the rig: {known}")
    raise ConfigError(f"{_place(name, line)}: [{section}] is not a part of the rig: there are {known}")


def _check_value(section: str, key: str, value: Any, text: str, name: str) -> None:
    try:
        checked_value(part_of(section, key), key, value)
    except ConfigError as error:
        raise ConfigError(f"{_place(name, line_of(text, section, key))}: {error}") from error


def _line_named_in(message: str, text: str) -> int | None:
    """The line of the first setting a message names that the text really sets."""
    for section, key in re.findall(r"\b(\w+)\.(\w+)", message):
        line = line_of(text, section, key) if section in PARTS else None
        if line is not None:
            return line
    return None


def _syntax_message(name: str, error: tomllib.TOMLDecodeError) -> str:
    what, _, where = str(error).partition(" (at ")
    found = re.match(r"line (\d+)", where)
    return f"{_place(name, int(found[1]) if found else None)}: not valid TOML: {what[:1].lower()}{what[1:]}"


def _place(name: str, line: int | None) -> str:
    return name if line is None else f"{name} line {line}"


def _table(section: str, part: Checked) -> str:
    lines = [f"[{section}]"]
    for key, declared in setting_fields(type(part)).items():
        lines.append(f"# {declared.metadata['why']} ({describe(type(part), key)})")
        lines.append(f"{key} = {toml_value(getattr(part, key))}")
    return "\n".join(lines) + "\n"


def toml_value(value: Any) -> str:
    """A setting's value as TOML text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):  # a JSON string is a TOML string, but for one control character
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, tuple):
        return "[" + ", ".join(toml_value(item) for item in value) + "]"
    return repr(value)

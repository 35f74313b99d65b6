"""Every sentence that the rig, its pages and the stacker can say, found in their source: code -> English."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import rig
import stacker
import webui

PACKAGES = [Path(package.__file__ or "").parent for package in (rig, stacker, webui)]


def sources() -> Iterator[tuple[Path, ast.Module]]:
    """Every module of the rig, its pages and the stacker."""
    for folder in PACKAGES:
        for path in sorted(folder.rglob("*.py")):
            yield path, ast.parse(path.read_text("utf-8"))


def calls(tree: ast.Module) -> Iterator[ast.Call]:
    """Every call of say()."""
    imported = [
        node
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and node.module in ("rig.saying", "stacker.saying")
    ]
    if not any(one.name == "say" for node in imported for one in node.names):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "say":
            yield node


def sayings() -> dict[str, str]:
    """Code -> English. Fails where one of them does not stand literally, or a code says two things."""
    found: dict[str, str] = {}
    for path, tree in sources():
        for call in calls(tree):
            code, english = (ast.literal_eval(one) for one in call.args)
            assert found.setdefault(code, english) == english, f"{path}: {code} says two things"
            given = {one.arg for one in call.keywords}
            assert figures(english) == given, f"{path}: {code} has {given}, its sentence {figures(english)}"
    return found


def figures(sentence: str) -> set[str]:
    """Names of the figures in a sentence."""
    return {name for _, name, _, _ in Formatter().parse(sentence) if name}


def without_formats(sentence: str) -> str:
    """As a page's words write it: figures by name alone."""
    return "".join(text + (f"{{{name}}}" if name else "") for text, name, _, _ in Formatter().parse(sentence))

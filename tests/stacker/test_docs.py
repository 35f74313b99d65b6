"""The documents say what the code does: options and report fields are those that there are."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from stacker.cli import get_parser
from stacker.report import Coverage, FrameReport, Quality, Report

DOCS = Path(__file__).parents[2] / "docs"


def text(name):
    return (DOCS / name).read_text()


def options_of(*commands):
    """Every long option of these commands."""
    parsers = next(action.choices for action in get_parser()._actions if action.choices)
    actions = [action for name in commands for action in parsers[name]._actions]
    return {option for action in actions for option in action.option_strings if option.startswith("--")}


def test_every_option_of_stack_is_explained():
    explained = set(re.findall(r"--[a-z][a-z-]+", text("stacking.md")))
    assert options_of("stack") - explained - {"--help", "--out", "--crop"} == set()


def test_no_option_is_explained_that_does_not_exist():
    told = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", text("stacking.md")))
    assert told - options_of("stack", "depth", "batch") == set()


@pytest.mark.parametrize("part", [Report, FrameReport, Coverage, Quality])
def test_every_field_of_the_report_is_described(part):
    described = set(re.findall(r"`([a-z_]+)`", text("report.md")))
    assert {field.name for field in fields(part)} - described == set()

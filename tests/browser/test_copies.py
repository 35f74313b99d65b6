"""Brackets copied to a stick from the gallery and from the settings, and what is told then."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fakecomputer import Computer
from keptbrackets import put_brackets
from phonepage import PhonePage
from servedrig import ServedRig, served
from simrig import Rig
from test_accessibility import OPEN_ALL, SIDEWAYS, check_state


@pytest.fixture
def computer(tmp_path: Path) -> Computer:
    """A stick, and another one that nobody may write to."""
    computer = Computer(tmp_path / "computer")
    computer.stick("STICK")
    computer.stick("OLD STICK", options="ro", number=2)
    return computer


@pytest.fixture
def copying_rig(make_rig: Callable[..., Rig], computer: Computer, tmp_path: Path) -> Iterator[ServedRig]:
    put_brackets(tmp_path / "data", 1, 0)
    with served(make_rig(mounts=computer.mounts).workflow, tmp_path / "phones") as at:
        yield at


def test_brackets_are_chosen_copied_and_marked(
    new_phone: Callable[..., PhonePage], copying_rig: ServedRig, computer: Computer
) -> None:
    phone = new_phone(at=copying_rig, path="gallery")
    phone.until("document.querySelectorAll('.card').length === 2", "the brackets")
    phone.tap("#select")
    phone.page.locator(".card").nth(1).tap()  # the older one, with a result
    phone.tap("#copy")
    phone.until("document.querySelector('#copy-to').open && document.querySelector('#copy-targets button')")
    assert "1 selected" in phone.text("#copy-what") and "OLD STICK is mounted read-only" in phone.text(
        "#copy-to"
    )
    check_state(phone)
    phone.tap("#copy-targets button")

    phone.until("document.querySelector('#copying-text').textContent.includes('pull it out')", "the end")
    phone.until("document.querySelectorAll('.card')[1].textContent.includes('✓\\u00a0on STICK')", "the mark")
    assert (
        not phone.page.locator("#copy-to").is_visible() and not phone.page.locator(".pick").first.is_visible()
    )
    assert {path.name for path in (computer.root / "media/pi/STICK/Fieldstack").iterdir()} == {"b000001"}
    check_state(phone)
    phone.tap("#copying-end")
    assert not phone.page.locator("#copying").is_visible()
    phone.no_errors()


def test_everything_is_copied_from_the_settings_on_a_small_screen_with_large_type(
    new_phone: Callable[..., PhonePage], copying_rig: ServedRig, computer: Computer
) -> None:
    phone = new_phone(at=copying_rig, path="more", viewport={"width": 320, "height": 568})
    phone.page.evaluate("document.documentElement.style.fontSize = '32px'")
    phone.page.evaluate(OPEN_ALL)
    phone.tap("#copy")
    phone.until("document.querySelector('#copy-to').open && document.querySelector('#copy-targets button')")
    assert not phone.page.evaluate(SIDEWAYS)
    phone.page.locator("#with-frames").tap()
    phone.tap("#copy-targets button")

    phone.until("document.querySelector('#copying-text').textContent.includes('pull it out')", "the end")
    assert phone.page.evaluate(
        """(box => 0 <= box.top && box.bottom <= innerHeight)(
            document.querySelector('#copying-text').getBoundingClientRect())"""
    ), "how far it is comes into view"
    copied = (computer.root / "media/pi/STICK/Fieldstack").rglob("*.*")
    assert {path.parent.name for path in copied} == {"r01"}
    phone.no_errors()

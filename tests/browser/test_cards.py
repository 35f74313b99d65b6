"""A card of another camera: looked through, a bracket divided by a tap, stacked, seen."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fakecard import FakeCard, state_of
from phonepage import CONFIG, PhonePage, RunningRig, running_rig
from test_accessibility import SIDEWAYS, TOO_SMALL, check_page, faults


def fill(card: FakeCard) -> None:
    """Four brackets and a single picture; real frames where there are some."""
    shared = os.environ.get("FIELDSTACK_SHARED")
    if shared:
        for name in ("teasel", "ring"):
            card.copy(sorted((Path(shared) / "stacks" / name).glob("*.jpg")))
            card.later(900)
    else:
        for seed, frames in ((1, 5), (2, 6)):
            card.bracket(frames, seed=seed)
            card.later(900)
    card.bracket(1)
    card.later(900)
    card.bracket(4, seed=3)
    card.later(90_000).bracket(4, seed=4)


@pytest.fixture(scope="module")
def card(tmp_path_factory: pytest.TempPathFactory) -> FakeCard:
    card = FakeCard(tmp_path_factory.mktemp("media") / "EOS_DIGITAL")
    fill(card)
    return card


@pytest.fixture(scope="module")
def rig_with_card(tmp_path_factory: pytest.TempPathFactory, card: FakeCard) -> Iterator[RunningRig]:
    """A rig with that card."""
    folder = tmp_path_factory.mktemp("card-rig")
    (folder / "config.toml").write_text(f"{CONFIG}[sources]\nfolders = ['{card.root}']\nremovable = false\n")
    with running_rig(folder) as rig:
        yield rig


@pytest.fixture
def card_rig(rig_with_card: RunningRig) -> RunningRig:
    """The same at rest, with nobody in control."""
    rig_with_card.at_rest()
    return rig_with_card


def looked_through(phone: PhonePage) -> None:
    """The card's page, opened from the gallery as a person would, all frames looked at."""
    phone.until("document.querySelectorAll('#sources a').length === 2", "the tabs")
    phone.tap("#sources a:not([aria-current])")
    phone.until("document.querySelectorAll('.found .pick').length >= 4", "the brackets")


def headlines(phone: PhonePage) -> list[str]:
    return phone.page.locator(".found b").all_inner_texts()


def test_a_bracket_is_divided_stacked_and_seen(
    new_phone: Callable[..., PhonePage], card_rig: RunningRig, card: FakeCard
) -> None:
    before = state_of(card.root)
    earlier = {bracket["id"] for bracket in card_rig.brackets()}
    phone = new_phone(at=card_rig, path="gallery")
    looked_through(phone)

    assert phone.text("#found") == "4 brackets found · 20 frames"
    assert headlines(phone) == ["4 frames", "4 frames", "1 single picture", "6 frames", "5 frames"]
    phone.until(
        "[...document.querySelectorAll('.faces img')].every(one => one.naturalWidth > 100)", "pictures"
    )
    assert phone.text("#stack").startswith("Stack 4 brackets")

    phone.page.locator(".faces").nth(3).tap()
    phone.until("document.querySelectorAll('.inside .thumbs button').length === 6", "all its frames")
    phone.page.locator(".inside .thumbs button").nth(3).tap()
    phone.until("document.querySelectorAll('.found').length === 6", "two brackets of one")
    assert headlines(phone)[3:5] == ["3 frames", "3 frames"]
    assert phone.text("#stack").startswith("Stack 5 brackets")

    phone.tap("#all")  # none
    phone.page.locator(".pick input").nth(3).tap()
    assert phone.text("#stack").startswith("Stack 1 bracket")
    phone.tap("#stack")
    phone.until("document.querySelector('#queue li')", "the queue")
    phone.until("document.querySelector('#queue li[data-state=done] a')", "the result")
    phone.tap("#queue li[data-state=done] a")
    phone.until("document.querySelector('#shown')?.naturalWidth > 100", "the stacked picture")
    assert "EOS_DIGITAL" in phone.text("#facts")
    assert not phone.page.locator("#again").is_visible()  # the rig cannot shoot that once more

    (bracket,) = (one for one in card_rig.brackets() if one["id"] not in earlier)
    assert (bracket["frames_done"], bracket["imported"]) == (3, "EOS_DIGITAL")
    assert state_of(card.root) == before
    phone.no_errors()


def test_two_halves_are_joined_again(new_phone: Callable[..., PhonePage], card_rig: RunningRig) -> None:
    phone = new_phone(at=card_rig, path="gallery")
    looked_through(phone)
    phone.page.locator(".faces").first.tap()
    phone.page.locator(".inside .thumbs button").nth(2).tap()
    phone.until("document.querySelectorAll('.found').length === 6", "two of one")
    phone.page.locator(".faces").first.tap()
    phone.page.locator(".inside button", has_text="Join with earlier").tap()
    phone.until("document.querySelectorAll('.found').length === 5", "one of two")

    assert headlines(phone)[0] == "4 frames"
    phone.no_errors()


def test_the_page_of_a_card_has_no_fault(new_phone: Callable[..., PhonePage], card_rig: RunningRig) -> None:
    phone = new_phone(at=card_rig, path="gallery")
    phone.until("document.querySelectorAll('#sources a').length === 2", "the tabs")
    assert faults(phone, enhanced=True) == []
    looked_through(phone)
    phone.page.locator(".faces").first.tap()
    phone.until("document.querySelector('.inside')")

    check_page(phone)


def test_large_type_fits_the_screen_and_the_checkboxes_a_thumb(
    new_phone: Callable[..., PhonePage], card_rig: RunningRig
) -> None:
    phone = new_phone(at=card_rig, path="gallery", viewport={"width": 320, "height": 568})
    looked_through(phone)
    phone.page.locator(".faces").first.tap()
    size = phone.page.locator(".pick").first.bounding_box()
    assert min(size["width"], size["height"]) >= 48
    phone.page.evaluate("document.documentElement.style.fontSize = '32px'")

    assert not phone.page.evaluate(SIDEWAYS)
    assert phone.page.evaluate(TOO_SMALL) == []


def test_left_handed_checkboxes_lie_on_the_left(
    new_phone: Callable[..., PhonePage], card_rig: RunningRig
) -> None:
    phone = new_phone(at=card_rig, path="gallery")
    phone.context.add_cookies([{"name": "hand", "value": "left", "url": card_rig.url}])
    phone.page.reload()
    looked_through(phone)

    assert phone.page.locator(".pick").first.bounding_box()["x"] < 50


def test_a_card_put_in_while_the_gallery_is_open_appears_by_itself(
    new_phone: Callable[..., PhonePage], card_rig: RunningRig, card: FakeCard
) -> None:
    hidden = card.root.with_name("not-yet")
    card.root.rename(hidden)
    try:
        phone = new_phone(at=card_rig, path="gallery")
        phone.until("document.querySelector('#link').dataset.link === 'online'")
        assert not phone.page.locator("#sources").is_visible()
    finally:
        hidden.rename(card.root)
    phone.until("document.querySelectorAll('#sources a').length === 2", "the tabs")
    phone.no_errors()


def test_a_card_without_a_whole_picture_says_what_is_wrong_with_each_file(
    new_phone: Callable[..., PhonePage], tmp_path: Path
) -> None:
    folder = tmp_path / "card" / "DCIM"
    folder.mkdir(parents=True)
    for name in ("A_1.DNG", "A_2.CR3", "A_3.TIF", "A_4.HEIC"):
        (folder / name).write_bytes(b"not looked into")
    (tmp_path / "config.toml").write_text(
        f"{CONFIG}[sources]\nfolders = ['{folder.parent}']\nremovable = false\n"
    )
    with running_rig(tmp_path) as rig:
        phone = new_phone(at=rig, path="gallery")
        phone.until("document.querySelectorAll('#sources a').length === 2", "the tabs")
        phone.tap("#sources a:not([aria-current])")
        phone.until("document.querySelector('#passed').textContent", "what was left alone")

        assert phone.text("#found") == "No JPEG, TIFF, PNG or raw pictures here."
        said = phone.text("#passed")
        assert "3 files are damaged." in said
        assert "1 HEIC picture cannot be stacked here" in said
        phone.no_errors()

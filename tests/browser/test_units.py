"""Lengths in the units chosen on the phone: everywhere, and written as its language writes figures."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from phonepage import PhonePage

DISTANCE = """([units, lengths]) => {
    document.documentElement.dataset.units = units;
    const address = document.querySelector('link[href$="/i18n.js"]').href;
    return import(address).then(({ distance }) => lengths.map(distance));
}"""
LENGTHS_UM = [0, 0.5, 3.26, 140, 999, 1000, 2539, 2540, 21717, -140]
SHOWN = {
    ("en-US", "metric"): "0 µm, 0.5 µm, 3.3 µm, 140 µm, 999 µm, 1.00 mm, 2.54 mm, 2.54 mm, 21.72 mm, -140 µm",
    ("de-DE", "metric"): "0 µm, 0,5 µm, 3,3 µm, 140 µm, 999 µm, 1,00 mm, 2,54 mm, 2,54 mm, 21,72 mm, -140 µm",
    ("en-US", "imperial"):
        "0 mil, 0.020 mil, 0.128 mil, 5.51 mil, 39.3 mil, 39.4 mil, 100.0 mil, 0.100 in, 0.855 in, -5.51 mil",
    ("de-DE", "imperial"):
        "0 mil, 0,020 mil, 0,128 mil, 5,51 mil, 39,3 mil, 39,4 mil, 100,0 mil, 0,100 in, 0,855 in, -5,51 mil",
}  # fmt: skip
METRIC = re.compile(r"\d\s*(mm|µm)\b")
IMPERIAL = re.compile(r"\d\s*(mil|in)\b")


@pytest.mark.parametrize("locale", ["en-US", "de-DE"])
def test_a_length_is_written_in_its_units_and_as_the_language_writes_figures(
    new_phone: Callable[..., PhonePage], locale: str
) -> None:
    phone = new_phone(path="gallery", locale=locale)
    for units in ("metric", "imperial"):
        shown = phone.page.evaluate(DISTANCE, [units, LENGTHS_UM])
        assert [one.replace("\xa0", " ") for one in shown] == re.split(", (?=-?[0-9])", SHOWN[locale, units])


def test_who_chose_inches_sees_no_millimetre_while_shooting(phone: PhonePage) -> None:
    phone.page.goto(phone.rig.url + "more")
    with phone.page.expect_navigation():
        phone.tap("[data-value=imperial]")
    assert phone.page.locator("[data-value=imperial]").get_attribute("aria-pressed") == "true"
    phone.page.goto(phone.rig.url)
    phone.live()
    phone.set_limits(96)
    phone.page.evaluate("document.querySelector('#plan').open = true")
    everything = phone.text("main") + str(phone.page.locator("#rail").get_attribute("aria-valuetext"))

    assert METRIC.search(everything) is None, everything
    for part in ("#position", "#near-at", "#far-at", "#plan-line", "#plan-why"):
        assert IMPERIAL.search(phone.text(part)), part
    phone.no_errors()

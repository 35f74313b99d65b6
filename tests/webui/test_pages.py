"""What the pages are made of: words in every language, no foreign host, small enough for a weak link."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path

import pytest
from webphone import Phone

from webui import strings
from webui.assets import FOLDER, version

PAGES = ("/", "/gallery", "/more", "/pair")
TEMPLATES = Path(strings.__file__).parent / "templates"
SCRIPTS = sorted((FOLDER / "js").glob("*.js"))
BUDGET = 60_000  # bytes of scripts and styles, gzipped


def words(language: str) -> dict[str, str]:
    return json.loads((FOLDER / "i18n" / f"{language}.json").read_text("utf-8"))


def used_keys() -> set[str]:
    """Every key that stands literally in a template or script."""
    text = "".join(p.read_text("utf-8") for p in [*TEMPLATES.glob("*.html"), *SCRIPTS])
    return set(re.findall(r"""\bt\(\s*["']([a-z_]+(?:\.[a-z0-9_]+)?)["']\s*[,)]""", text))


def test_every_language_has_the_same_words() -> None:
    assert len({frozenset(words(language)) for language in strings.LANGUAGES}) == 1


def test_every_word_has_the_same_figures_in_every_language() -> None:
    figures = re.compile(r"\{(\w+)\}")
    for key, english in words("en").items():
        for language in strings.LANGUAGES:
            assert set(figures.findall(words(language)[key])) == set(figures.findall(english)), (
                language,
                key,
            )


def test_every_word_used_exists() -> None:
    assert used_keys() - set(words("en")) == set()


def test_every_setting_and_each_of_its_choices_has_a_word(phone: Phone) -> None:
    settings = phone.get("/api/settings").json["settings"]
    keys = {f"{kind}.{one['name']}" for one in settings for kind in ("set", "why")}
    keys |= {f"choice.{choice}" for one in settings for choice in one["choices"] or ()}

    assert keys - set(words("en")) == set()


def test_no_page_script_or_style_names_another_host() -> None:
    files = [*TEMPLATES.rglob("*"), *FOLDER.rglob("*")]
    named = {
        found
        for path in files
        if path.is_file() and path.name != "openapi.json"
        for found in re.findall(r"(?:https?:)?//[a-z0-9-]+\.[a-z][^\s\"')]*", path.read_text("utf-8"))
    }

    assert named <= {"http://www.w3.org/2000/svg"}


def test_scripts_and_styles_fit_the_budget_as_they_are_sent(phone: Phone) -> None:
    names = [f"{path.parent.name}/{path.name}" for path in [*SCRIPTS, *(FOLDER / "css").glob("*.css")]]
    answers = [phone.get(f"/s/{version()}/{name}", headers={"Accept-Encoding": "gzip, br"}) for name in names]

    assert {answer.headers.get("Content-Encoding") for answer in answers} == {"gzip"}
    assert sum(len(answer.data) for answer in answers) <= BUDGET


def test_a_browser_that_takes_no_compression_is_sent_the_same_script(phone: Phone) -> None:
    address = f"/s/{version()}/js/shoot.js"
    plain = phone.get(address)
    packed = phone.get(address, headers={"Accept-Encoding": "gzip"})

    assert gzip.decompress(packed.data) == plain.data
    assert plain.mimetype == packed.mimetype == "text/javascript"
    assert "Accept-Encoding" in plain.headers["Vary"] and "Content-Encoding" not in plain.headers


@pytest.mark.parametrize("name", ["../app.py", "js/../../app.py", "js/none.js", "js", "%2e%2e/app.py"])
def test_nothing_outside_the_assets_is_served(phone: Phone, name: str) -> None:
    assert phone.get(f"/s/{version()}/{name}").status_code in (404,)


@pytest.mark.parametrize("page", PAGES)
def test_no_page_has_inline_script_or_style(phone: Phone, page: str) -> None:
    html = phone.get(page).text

    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\son\w+=|\sstyle=", html)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_speaks_the_phones_language(phone: Phone, page: str) -> None:
    assert '<html lang="de"' in phone.get(page, headers={"Accept-Language": "de-CH,de;q=0.9,en;q=0.5"}).text
    assert '<html lang="en"' in phone.get(page, headers={"Accept-Language": "fr"}).text


def test_a_remembered_look_that_does_not_exist_is_ignored(phone: Phone) -> None:
    phone.client.set_cookie("theme", '"><script>alert(1)</script>')
    phone.client.set_cookie("lang", "xx")

    assert '<html lang="en" data-theme="sun" data-hand="right" data-units="metric">' in phone.get("/").text


def test_assets_may_be_kept_for_ever_because_their_address_changes_with_them(phone: Phone) -> None:
    answer = phone.get(f"/s/{version()}/js/shoot.js")

    assert "immutable" in answer.headers["Cache-Control"]
    assert phone.get("/s/000000000000/js/shoot.js").status_code == 404


@pytest.mark.parametrize("page", PAGES)
def test_all_that_a_page_needs_is_asked_for_at_once(phone: Phone, page: str) -> None:
    """A script that only another one names would cost a way over a slow link of its own."""
    address = re.compile(rf'(?:href|src)="(/s/{version()}/[^"]+\.js(?:on)?)"')
    named = set(address.findall(phone.get(page).text))
    imported = {
        f"/s/{version()}/js/{name}"
        for script in named
        for name in re.findall(r"""from\s*["']\./([\w.]+)["']""", phone.get(script).text)
    }

    assert imported and imported <= named
    assert f"/s/{version()}/i18n/en.json" in named


def test_pages_say_what_to_do_without_javascript(phone: Phone) -> None:
    assert "<noscript>" in phone.get("/").text

"""What can be done with a result, and with the settings, on the phone."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import pytest
from phonepage import PhonePage, RunningRig

DIGEST = """(() => {
    const c = document.querySelector('#wiggle');
    const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
    let sum = 0;
    for (let i = 0; i < d.length; i += 101) sum = (sum * 31 + d[i]) | 0;
    return sum;
})()"""
SHOWN = "document.querySelector('#shown')?.naturalWidth > 100"


@pytest.fixture(autouse=True)
def settings_put_back(rig: RunningRig) -> Iterator[None]:
    """Whatever a test changes and however it ends, the next one finds the settings as they were."""
    before = {one["name"]: one["value"] for one in rig.settings()}
    yield
    rig.until(lambda s: "change_settings" in s["allowed"])
    changed = {
        one["name"]: before[one["name"]] for one in rig.settings() if one["value"] != before[one["name"]]
    }
    if changed:
        rig.order("PUT", "api/settings", changed)
        rig.until(lambda s: s["state"] == "idle")


def test_the_3d_view_moves_and_stops_at_a_touch(new_phone: Callable[..., PhonePage], stacked: str) -> None:
    phone = new_phone(path=f"b/{stacked}")
    phone.until(SHOWN)
    phone.tap("[data-view=wiggle]")
    phone.until("document.querySelector('#wiggle-play').getAttribute('aria-pressed') === 'true'", "motion")
    before = phone.page.evaluate(DIGEST)
    phone.until(f"{DIGEST} !== {before}", "another view")
    phone.tap("#wiggle-play")

    still = phone.page.evaluate(DIGEST)
    phone.page.wait_for_timeout(200)
    assert phone.page.evaluate(DIGEST) == still
    phone.no_errors()


def test_the_3d_view_stands_still_where_motion_is_not_wanted(
    new_phone: Callable[..., PhonePage], stacked: str
) -> None:
    phone = new_phone(path=f"b/{stacked}", reduced_motion="reduce")
    phone.until(SHOWN)
    phone.tap("[data-view=wiggle]")
    phone.until(
        "document.querySelector('#wiggle').width > 300 && document.querySelector('#job').textContent === ''"
    )
    middle = phone.page.evaluate(DIGEST)
    phone.page.wait_for_timeout(200)
    assert phone.page.evaluate(DIGEST) == middle

    phone.page.locator("#angle").evaluate("s => { s.value = 80; s.dispatchEvent(new Event('input')); }")
    assert phone.page.evaluate(DIGEST) != middle


def test_at_night_the_depth_map_grows_brighter_from_near_to_far(
    new_phone: Callable[..., PhonePage], stacked: str
) -> None:
    phone = new_phone(path=f"b/{stacked}")
    phone.until(SHOWN)
    phone.tap("[data-view=depth]")
    phone.until("document.querySelector('#depth').width > 300", "the depth map")
    greys = """(() => { const c = document.querySelector('#depth');
        const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
        return d.every((v, i) => i % 4 === 3 || v === d[i - i % 4]); })()"""
    assert not phone.page.evaluate(greys)
    phone.tap("#theme")
    phone.tap("#theme")

    phone.until(f"document.documentElement.dataset.theme === 'night' && {greys}", "shades of one colour")
    phone.no_errors()


@pytest.fixture
def large(rig: RunningRig, stacked: str) -> Iterator[str]:
    """The same bracket once more, its result and a frame enlarged to more pixels than a phone shows at once."""
    copy = rig.data / "b000777"
    shutil.copytree(rig.data / stacked, copy)
    for path in (copy / "results" / "r01" / "fused.jpg", copy / "frames" / "000.jpg"):
        cv2.imwrite(str(path), cv2.resize(cv2.imread(str(path)), (5000, 3750)))
    facts = [json.loads(line) for line in (copy / "bracket.jsonl").read_text().splitlines()]
    for fact in facts:
        if fact["fact"] == "result" or (fact["fact"] == "frame" and fact["index"] == 0):
            fact |= {"width": 5000, "height": 3750}
    (copy / "bracket.jsonl").write_text("".join(json.dumps(fact) + "\n" for fact in facts))
    yield copy.name
    shutil.rmtree(copy)


def test_a_large_result_is_seen_in_tiles_at_100_percent(
    new_phone: Callable[..., PhonePage], large: str
) -> None:
    phone = new_phone(path=f"b/{large}")
    phone.until(SHOWN)
    assert phone.page.locator("#tiles img").count() == 0
    phone.tap("#zoom-100")
    phone.until(
        "(all => all.length && all.every(i => i.naturalWidth > 100))([...document.querySelectorAll('#tiles img')])",
        "the tiles",
    )

    assert phone.text("#zoom-text") == "100 %"
    assert "/screen" in phone.page.locator("#shown").get_attribute("src")  # never all of it
    centre = phone.page.evaluate(
        """(() => { const box = document.querySelector('#viewer').getBoundingClientRect();
        return [...document.querySelectorAll('#tiles img')].some(i => { const r = i.getBoundingClientRect();
            const x = box.left + box.width / 2, y = box.top + box.height / 2;
            return r.left <= x && x < r.right && r.top <= y && y < r.bottom
                && Math.abs(r.width * devicePixelRatio - i.naturalWidth) < 2; }); })()"""
    )
    assert centre, "a pixel of the picture is one of the screen in the middle of the window"
    assert phone.page.locator("#tiles img").count() <= 9
    phone.tap("[data-view=compare]")
    phone.tap("#frames button >> nth=0")
    tiles = "[...document.querySelectorAll('#under-tiles img')]"
    phone.until(f"{tiles}.length && {tiles}.every(i => i.naturalWidth > 100)", "the tiles of the frame")
    assert "/frames/0/screen" in phone.page.locator("#under").get_attribute("src")
    assert phone.page.locator("#under-tiles img").count() <= 9
    assert phone.page.evaluate(
        """['left', 'top', 'width', 'height'].every(side => Math.abs(
            document.querySelector('#under').getBoundingClientRect()[side]
            - document.querySelector('#under-tiles').getBoundingClientRect()[side]) < 0.1)"""
    ), "they lie where the frame lies"
    phone.tap("#frames button >> nth=1")  # of the usual size: it is shown as it is
    phone.until("document.querySelectorAll('#under-tiles img').length === 0", "its tiles gone")
    phone.tap("#zoom-out")
    phone.tap("[data-view=depth]")
    phone.until("document.querySelectorAll('#tiles img').length === 0", "the tiles gone")
    phone.no_errors()


def test_the_depth_under_the_finger_is_said(new_phone: Callable[..., PhonePage], stacked: str) -> None:
    phone = new_phone(path=f"b/{stacked}")
    phone.until(SHOWN)
    phone.tap("[data-view=depth]")
    phone.until("document.querySelector('#depth').width > 300", "the depth map")
    phone.page.locator("#viewer").tap(position={"x": 200, "y": 150})

    phone.until("/[µm]m behind/.test(document.querySelector('#depth-here').textContent)", "the depth")


def test_a_result_tells_how_good_it_is_and_what_was_cropped(
    new_phone: Callable[..., PhonePage], stacked: str, rig: RunningRig
) -> None:
    report = rig.get(f"api/brackets/{stacked}")["results"][0]["report"]
    phone = new_phone(path=f"b/{stacked}", locale="en-GB")
    phone.until(SHOWN)
    figure = float(phone.text("#quality").removeprefix("Quality "))
    assert abs(figure - report["quality"]["figure"]) < 0.01
    phone.tap("#quality")
    assert "of the subject's finest detail" in phone.text("#told")
    assert "between frames" in phone.text("#told")

    phone.tap("#cropped")
    assert f"{report['area'][0]} px left" in phone.text("#told")
    assert phone.page.locator("#quality").get_attribute("aria-expanded") == "false"
    phone.tap("#cropped")
    assert not phone.page.locator("#told").is_visible()
    phone.no_errors()


# A place of the retouch map that has a colour all round it, in pixels of the window, and one that is hatched.
PLACES = """(() => {
    const c = document.querySelector('#sources'), box = c.getBoundingClientRect();
    const alpha = c.getContext('2d').getImageData(0, 0, c.width, c.height).data.filter((_, i) => i % 4 === 3);
    const free = (x, y) => x > c.width / 3 && y > c.height / 3 && y < c.height / 2;
    const where = (test) => { for (let i = 4 * c.width; i < alpha.length - 4 * c.width; i += 1) {
        const [x, y] = [i % c.width, Math.floor(i / c.width)];
        if (x > 3 && x < c.width - 4 && free(x, y) && test(i))
            return { x: box.left + (x + 0.5) / c.width * box.width, y: box.top + (y + 0.5) / c.height * box.height };
    } };
    const around = (i) => [-2, -1, 0, 1, 2].flatMap((v) => [-2, -1, 0, 1, 2].map((u) => alpha[i + v * c.width + u]));
    return { sure: where((i) => around(i).every(Boolean)), guess: where((i) => !around(i).some(Boolean)) };
})()"""


def test_the_retouch_map_leads_from_a_part_to_its_frame_beside_the_stack(
    new_phone: Callable[..., PhonePage], stacked: str
) -> None:
    phone = new_phone(path=f"b/{stacked}")
    phone.until(SHOWN)
    phone.tap("#retouch")
    phone.until(
        "document.querySelector('#sources').width > 100 && !document.querySelector('#sources').hidden"
    )
    assert phone.page.locator("#source-here").is_disabled()
    places = phone.page.evaluate(PLACES)
    if guess := places.get("guess"):  # a click only: two taps within a moment would zoom
        phone.page.evaluate(
            """at => document.querySelector('#viewer').dispatchEvent(
                new MouseEvent('click', { clientX: at.x, clientY: at.y }))""",
            guess,
        )
        phone.until(
            "/^No frame/.test(document.querySelector('#source-here').textContent)", "that it is a guess"
        )
    phone.page.touchscreen.tap(**places["sure"])
    phone.until("/^Frame \\d+ at/.test(document.querySelector('#source-here').textContent)", "the frame")
    number = int(phone.text("#source-here").split()[1])
    phone.tap("#source-here")

    phone.until("document.querySelector('[data-view=compare]').getAttribute('aria-pressed') === 'true'")
    phone.until(
        f"document.querySelector('#under').getAttribute('src')?.includes('/frames/{number - 1}')", "the frame"
    )
    assert phone.page.locator("#sources").is_hidden()
    phone.tap("#retouch")  # back to the map
    phone.until("!document.querySelector('#sources').hidden")
    phone.no_errors()


@pytest.fixture
def older(rig: RunningRig, stacked: str) -> Iterator[str]:
    """The same bracket once more, with a second result: not cropped, as rigs made it before maps and qualities.

    And a third, without a depth map.
    """
    copy = rig.data / "b000778"
    shutil.copytree(rig.data / stacked, copy)
    result = copy / "results" / "r02"
    shutil.rmtree(result, ignore_errors=True)
    shutil.copytree(copy / "results" / "r01", result)
    depth = (result / "depth.png").read_bytes()
    at = depth.index(b"srCe") - 4
    after = at + 12 + int.from_bytes(depth[at : at + 4], "big")
    (result / "depth.png").write_bytes(depth[:at] + depth[after:])
    report = json.loads((result / "report.json").read_text())
    facts = [json.loads(line) for line in (copy / "bracket.jsonl").read_text().splitlines()]
    frame = next(fact for fact in facts if fact["fact"] == "frame")
    whole = [0, 0, frame["width"], frame["height"]]
    (result / "report.json").write_text(json.dumps(report | {"quality": None, "area": whole}))
    first = next(fact for fact in facts if fact["fact"] == "result")
    shutil.copytree(result, copy / "results" / "r03", dirs_exist_ok=True)
    others = [first | {"id": "r02"}, first | {"id": "r03", "has_depth": False}]
    facts = [fact for fact in facts if fact["fact"] != "result"] + [first, *others]
    (copy / "bracket.jsonl").write_text("".join(json.dumps(fact) + "\n" for fact in facts))
    yield copy.name
    shutil.rmtree(copy)


def test_a_result_of_an_older_rig_is_not_shown_under_the_map_of_another(
    new_phone: Callable[..., PhonePage], older: str
) -> None:
    phone = new_phone(path=f"b/{older}")
    phone.until(SHOWN)
    assert not phone.page.locator("#quality").is_visible() and not phone.page.locator("#cropped").is_visible()
    phone.tap("#results button >> nth=0")
    phone.until("!document.querySelector('#quality').hidden", "the first result")
    assert phone.page.locator("#cropped").is_visible()
    phone.tap("#retouch")
    phone.until("!document.querySelector('#sources').hidden", "its map")
    phone.tap("#results button >> nth=1")

    phone.until("/^No retouch map/.test(document.querySelector('#toast').textContent)", "that it has none")
    phone.until("document.querySelector('#sources').hidden", "the map of the first gone")
    assert phone.page.locator("#retouch").get_attribute("aria-pressed") == "false"
    phone.page.locator("#viewer").tap(position={"x": 200, "y": 150})
    assert phone.page.locator("#source-here").is_hidden()
    phone.no_errors()


def test_where_a_result_has_no_depth_the_depth_of_another_goes_with_that(
    new_phone: Callable[..., PhonePage], older: str
) -> None:
    phone = new_phone(path=f"b/{older}")
    phone.until(SHOWN)
    phone.tap("#results button >> nth=0")
    phone.until("!document.querySelector('[data-view=depth]').disabled", "the first result")
    phone.tap("[data-view=depth]")
    phone.until("document.querySelector('#depth').width > 300", "its depth")
    phone.tap("#results button >> nth=2")

    phone.until("document.querySelector('[data-view=stack]').getAttribute('aria-pressed') === 'true'")
    phone.until("document.querySelector('#depth').hidden && document.querySelector('#legend').hidden")
    phone.no_errors()


def test_stacking_again_keeps_both_results(
    new_phone: Callable[..., PhonePage], stacked: str, rig: RunningRig
) -> None:
    phone = new_phone(path=f"b/{stacked}")
    phone.until(SHOWN)
    before = phone.page.locator("#results button").count()
    phone.tap("[data-view=frames]")
    phone.tap("#frames button >> nth=1")
    phone.tap("#leave")  # which opens what it is a part of
    assert "5 of 6 frames" in phone.text("#chosen")
    phone.page.locator("#method").select_option("average")
    phone.tap("#stack")

    phone.until(f"document.querySelectorAll('#results button').length > {before}", "the other result")
    assert "average · 5 frames" in phone.text("#results button[aria-pressed=true]")
    assert "without 2" in phone.text("#about")
    phone.no_errors()


def test_a_tiff_that_was_asked_for_is_told_when_it_is_there_and_the_button_saves_it(
    new_phone: Callable[..., PhonePage], stacked: str, tmp_path: Path
) -> None:
    phone = new_phone(path=f"b/{stacked}")
    phone.until(SHOWN)
    if phone.page.locator("#results button").count() > 1:  # the newest may have one already
        phone.tap("#results button >> nth=0")
        phone.until("!document.querySelector('#make-tiff').hidden", "a result without a TIFF")
    phone.tap("#make-tiff")
    phone.until(
        "/^The TIFF is ready: [\\d.]+\\s.B/i.test(document.querySelector('#toast').textContent)", "the news"
    )
    assert phone.page.locator("#make-tiff").is_hidden()
    with phone.page.expect_download() as download:
        phone.tap("#save-tiff")
    download.value.save_as(tmp_path / "fused.tif")
    assert cv2.imread(str(tmp_path / "fused.tif"), cv2.IMREAD_UNCHANGED).dtype == "uint16"
    size = (tmp_path / "fused.tif").stat().st_size / 1e6
    assert abs(float(phone.text("#save-tiff").split("·")[1].split()[0]) - size) < 0.06
    phone.no_errors()


def test_a_title_and_stars_stand_on_the_card_and_the_selection_is_one_zip(
    new_phone: Callable[..., PhonePage], stacked: str, tmp_path: Path
) -> None:
    phone = new_phone(path=f"b/{stacked}")
    phone.until(SHOWN)
    phone.tap("#words summary")
    phone.page.locator("#title").fill("Jumping spider")
    phone.tap("#stars button >> nth=3")
    phone.tap("#words-form [type=submit]")
    phone.until("document.querySelector('#name').textContent === 'Jumping spider'", "the title")

    phone.page.goto(phone.rig.url + "gallery#select")
    phone.until("document.querySelector('.pick:not([hidden])')", "the check boxes")
    assert "Jumping spider" in phone.text(f".card[data-id={stacked}]")
    phone.tap(f".card[data-id={stacked}] img")  # all of the card is a check box now
    assert phone.page.locator(f".card[data-id={stacked}] input").is_checked()
    with phone.page.expect_download() as download:
        phone.tap("#save")
    download.value.save_as(tmp_path / "all.zip")
    with zipfile.ZipFile(tmp_path / "all.zip") as archive:
        assert {name.split("/")[0] for name in archive.namelist()} == {stacked}
    phone.no_errors()


def test_shoot_again_shoots_the_same_range(
    new_phone: Callable[..., PhonePage], stacked: str, rig: RunningRig
) -> None:
    phone = new_phone(path=f"b/{stacked}")
    phone.until(SHOWN)
    before = {bracket["id"] for bracket in rig.brackets()}
    phone.tap("#again")
    rig.until(
        lambda s: s["bracket"] and s["bracket"]["outcome"] == "complete" and s["bracket"]["id"] not in before
    )

    assert len(rig.brackets()) == len(before) + 1
    assert rig.brackets()[0]["frames_planned"] == 6


def test_a_setting_is_saved_and_a_wrong_one_refused_beside_its_field(
    phone: PhonePage, rig: RunningRig
) -> None:
    phone.page.goto(rig.url + "more")
    phone.tap("#part-capture > summary")
    box = phone.page.locator("#set-capture\\.settle_s")
    box.fill("0.2")
    box.press("Tab")
    phone.until(
        "document.querySelector('[data-setting=\"capture.settle_s\"] .saved').textContent.includes('✓')"
    )
    box.fill("99")
    box.press("Tab")
    phone.until("document.querySelector('[data-setting=\"capture.settle_s\"]').classList.contains('wrong')")

    assert "from 0 to 60" in phone.text("[data-setting='capture.settle_s'] .saved")
    phone.no_errors()


def test_the_ruler_gives_the_magnification(phone: PhonePage, rig: RunningRig) -> None:
    phone.page.goto(rig.url + "more")
    phone.until("document.querySelector('#set-optics\\\\.magnification')")
    phone.tap("#part-optics > summary")
    phone.tap("#ruler summary")
    phone.page.locator("#ruler-mm").fill("12.57")  # twice the width of the sensor
    phone.tap("#ruler-take")

    phone.until("Math.abs(document.querySelector('#set-optics\\\\.magnification').value - 0.5) < 0.01", "1:2")
    phone.no_errors()


def test_two_points_and_their_distance_give_the_steps_per_um(phone: PhonePage, rig: RunningRig) -> None:
    rig.order("POST", "api/focus", {"goto": 1000})
    rig.until(lambda s: s["state"] == "idle" and s["focus"]["position_steps"] == 1000)
    phone.page.goto(rig.url + "more")
    phone.until("document.querySelector('#set-motor\\\\.steps_per_um')")
    phone.tap("#part-motor > summary")
    phone.tap("#drive summary")
    phone.tap("[data-point=A]")
    rig.order("POST", "api/focus", {"goto": 1600})
    phone.until("Number(document.querySelector('#drive-rail').value) === 1600", "the second point")
    rig.until(lambda s: s["state"] == "idle")
    phone.tap("[data-point=B]")
    phone.page.locator("#drive-mm").fill("0.3")
    phone.tap("#compute-scale")
    phone.tap("#take-over")

    phone.until("document.querySelector('#set-motor\\\\.steps_per_um').value === '2'", "steps per µm")
    phone.no_errors()


def test_the_ends_of_the_travel_are_set_where_the_focus_stands(phone: PhonePage, rig: RunningRig) -> None:
    before = rig.state()["focus"]
    rig.order("POST", "api/focus", {"goto": 1200})
    rig.until(lambda s: s["state"] == "idle" and s["focus"]["position_steps"] == 1200)
    phone.page.goto(rig.url + "more")
    phone.until("document.querySelector('#set-motor\\\\.max_steps')")
    phone.tap("#part-motor > summary")
    phone.tap("#drive summary")
    phone.tap("[data-end=far]")
    phone.until("document.querySelector('#set-motor\\\\.max_steps').value === '1200'", "the new far end")
    phone.tap("[data-wider=far]")
    phone.until("Number(document.querySelector('#set-motor\\\\.max_steps').value) > 1200", "a wider travel")
    phone.tap("#find-home")
    rig.until(lambda s: s["state"] == "idle" and s["focus"]["position_steps"] == before["min_steps"])
    phone.no_errors()

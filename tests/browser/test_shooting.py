"""From the first look to the picture, with a thumb."""

from __future__ import annotations

import statistics
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from phonepage import PATIENCE_S, PhonePage, RunningRig
from servedrig import PIN, served
from simrig import Rig

FRAMES_APART = 48  # steps between frames that the optics of the scene ask for
PLANNED = 24  # frames of a bracket that is stopped: a slow phone still comes in time


def test_the_live_picture_moves_and_follows_the_focus(phone: PhonePage) -> None:
    phone.live()
    drawn = phone.page.evaluate("fieldstack.live.drawn")
    before = phone.picture_digest()
    phone.until(f"fieldstack.live.drawn > {drawn} + 2")
    assert phone.picture_digest() != before

    phone.focus_at(1500)
    phone.until("parseInt(document.querySelector('#score').textContent.match(/\\d+/)[0]) > 0")
    phone.no_errors()


def test_a_tap_on_jog_moves_the_focus_a_little(phone: PhonePage, rig: RunningRig) -> None:
    phone.live()
    phone.focus_at(1000)
    phone.tap("[data-jog='1']")

    moved = rig.until(lambda s: s["state"] == "idle" and s["focus"]["position_steps"] > 1000)
    assert moved["focus"]["position_steps"] - 1000 < 30


def test_shoot_says_why_it_cannot_yet(phone: PhonePage) -> None:
    phone.live()

    assert phone.page.locator("#shoot").is_disabled()
    assert "NEAR" in phone.text("#shoot")


def test_what_the_rig_has_to_say_is_seen_before_and_after_a_bracket_and_without_link_when_it_is_off(
    new_phone: Callable[..., PhonePage], make_rig: Callable[..., Rig], tmp_path: Path
) -> None:
    """An exposure that is set much too short is worth a warning."""
    off = [sys.executable, "-c", ""]
    changes = {"camera.exposure_us": 200, "capture.max_frames": 20, "panel.power_off_command": off}
    rig = make_rig(changes)
    with served(rig.workflow, tmp_path) as at:
        phone = new_phone(at=at, extra_http_headers={"X-Forwarded-For": "10.42.0.77"})
        phone.page.locator("#pin").fill(
            PIN
        )  # a rig that can be switched off is not simulated, and trusts nobody
        phone.tap("#pin-form [type=submit]")
        phone.live()
        rig.workflow.set_near(rig.workflow.settings.motor.min_steps)
        rig.workflow.set_far(rig.workflow.settings.motor.max_steps)
        phone.until("document.querySelector('#toast').textContent.includes('more than the 20')", "why not")
        assert phone.text("#shoot-why") == "Near and far make no bracket"

        rig.shoot(frames=3)
        phone.mode("done")
        phone.until("!document.querySelector('#done-message').hidden", "the warning")
        assert "exposure time" in phone.text("#done-message")

        rig.workflow._control.board.change(simulated=None)
        rig.workflow.power_off()
        phone.until("document.querySelector('#banner').textContent.includes('unplug')", "when to unplug")
        phone.context.set_offline(True)
        phone.until("document.querySelector('#link').dataset.link === 'lost'", "the end of the link")
        assert "unplug" in phone.text("#banner")


def test_who_has_seen_a_result_that_needs_nothing_more_is_back_at_the_live_picture(
    phone: PhonePage, rig: RunningRig
) -> None:
    rig.shoot_and_stack(frames=2)  # too few for the check to find anything
    phone.mode("done")
    phone.until("document.querySelector('#see').classList.contains('primary')", "the stack")
    phone.tap("#see")
    phone.until("document.querySelector('#shown')?.naturalWidth > 100", "the result")
    phone.tap(".bar a[href='/']")

    phone.mode("live")
    phone.no_errors()


def test_three_settings_and_a_tap_lead_to_a_picture_with_zoom_gallery_and_download(
    phone: PhonePage, rig: RunningRig, tmp_path: Path
) -> None:
    phone.live()
    phone.set_limits(5 * FRAMES_APART)
    assert "frames" in phone.text("#plan-line")
    phone.tap("#shoot")

    phone.shooting()
    phone.until("document.querySelectorAll('#thumbs img').length >= 2", "thumbnails")
    phone.until("document.querySelector('#done').value > 0", "progress")
    phone.until("!document.querySelector('#growing').hidden", "the growing stack")
    phone.mode("done")
    phone.until("document.querySelector('#see').classList.contains('primary')", "the finished stack")
    bracket = rig.brackets()[0]
    assert (bracket["outcome"], bracket["frames_done"]) == ("complete", bracket["frames_planned"])

    phone.tap("#see")
    phone.until("document.querySelector('#shown')?.naturalWidth > 100", "the result")
    phone.tap("#zoom-in")
    phone.until("!document.querySelector('#zoom-text').hidden", "zoom")
    phone.tap("[data-view=compare]")
    phone.until("document.querySelector('#under').naturalWidth > 100", "the single frame")
    assert "/screen.jpg" in phone.page.locator("#under").get_attribute("src")
    phone.tap("#zoom-in")
    phone.tap("#zoom-in")
    phone.until("document.querySelector('#under').src.match(/frames.\\d+.jpg/)", "the frame itself")
    with phone.page.expect_download() as download:
        phone.tap("#save-zip")
    download.value.save_as(tmp_path / "bracket.zip")
    with zipfile.ZipFile(tmp_path / "bracket.zip") as archive:
        assert archive.testzip() is None
        assert sum(name.endswith(".jpg") for name in archive.namelist()) == bracket["frames_done"] + 1

    phone.tap(".bar a[href='/gallery']")
    phone.until(
        f"document.querySelector('.card[data-id={bracket['id']}] img')?.naturalWidth > 10", "its card"
    )
    phone.no_errors()


def test_stopped_at_frame_9_and_gone_on_with_every_frame_is_there_once(
    phone: PhonePage, rig: RunningRig
) -> None:
    phone.live()
    phone.set_limits((PLANNED - 1) * FRAMES_APART)
    phone.tap("#shoot")
    phone.mode("capture")  # what was shot before has small pictures too
    phone.until("document.querySelectorAll('#thumbs img').length >= 9", "frame 9")
    phone.tap("#stop")

    phone.mode("done")
    bracket = rig.brackets()[0]
    assert (
        bracket["outcome"] == "stopped" and 9 <= bracket["frames_done"] < bracket["frames_planned"] == PLANNED
    )
    phone.until("!document.querySelector('#resume-later').hidden", "the offer to go on")
    phone.tap("#resume-later")
    rig.until(lambda s: s["bracket"]["outcome"] == "complete")
    detail = rig.get(f"api/brackets/{bracket['id']}")
    assert [frame["index"] for frame in detail["frames"]] == list(range(PLANNED))
    assert len({frame["position_steps"] for frame in detail["frames"]}) == PLANNED
    phone.no_errors()


def test_a_double_tap_shoots_one_bracket(phone: PhonePage, rig: RunningRig) -> None:
    phone.live()
    phone.set_limits(2 * FRAMES_APART)
    before = [bracket["id"] for bracket in rig.brackets()]
    phone.page.locator("#shoot").dblclick()
    shot = rig.until(lambda s: s["bracket"] and s["bracket"]["id"] not in before and s["bracket"]["outcome"])

    assert len(rig.brackets()) == len(before) + 1
    assert shot["bracket"]["outcome"] == "complete"  # STOP stands where SHOOT stood


def test_what_has_just_appeared_takes_no_tap_yet_and_then_does(phone: PhonePage) -> None:
    phone.live()
    struck = phone.page.evaluate("""() => {
        const box = document.querySelector('#shoot').getBoundingClientRect();
        const struck = () => document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2).closest('button');
        const part = document.querySelector('#shoot').parentElement;
        part.hidden = true;
        struck();
        part.hidden = false;
        return struck()?.id ?? null;
    }""")
    assert struck is None
    phone.tap("#timer")  # which the driver does once a tap would reach it

    phone.until("document.querySelector('#timer').getAttribute('aria-pressed') === 'true'", "the timer")


def test_after_a_bracket_that_a_sleeping_phone_saw_nothing_of_shoot_shoots_again(
    phone: PhonePage, rig: RunningRig
) -> None:
    lost = []

    def lose_the_answer(route: Any) -> None:
        phone.context.set_offline(True)
        route.fetch()
        route.abort()
        lost.append(route.request.url)

    phone.live()
    phone.set_limits(FRAMES_APART)
    before = {bracket["id"] for bracket in rig.brackets()}
    phone.page.route("**/api/brackets", lose_the_answer)
    phone.tap("#shoot")
    end = time.monotonic() + PATIENCE_S
    while not lost:
        phone.until("document.body")  # lets the driver answer the page's requests
        assert time.monotonic() < end, "SHOOT asked for nothing"
    rig.until(lambda s: s["bracket"] and s["bracket"]["id"] not in before and s["bracket"]["outcome"])
    phone.page.unroute("**/api/brackets")
    phone.context.set_offline(False)
    phone.mode("done")
    phone.live()
    before = {bracket["id"] for bracket in rig.brackets()}
    with phone.page.expect_response("**/api/brackets") as answer:
        phone.tap("#shoot")

    assert answer.value.json()["id"] not in before
    phone.no_errors()


def test_a_phone_for_which_there_is_no_place_asks_for_one_at_growing_intervals(phone: PhonePage) -> None:
    asked = []

    def refuse(route: Any) -> None:
        asked.append(time.monotonic())
        route.fulfill(status=503, body="{}")

    phone.live()
    phone.page.route("**/api/events", refuse)
    phone.page.evaluate("dispatchEvent(new Event('online'))")
    phone.until("document.querySelector('#link').dataset.link === 'online'", "the state all the same")
    end = time.monotonic() + PATIENCE_S
    while len(asked) < 3:
        phone.until("document.body")  # lets the driver answer the page's requests
        assert time.monotonic() < end, f"asked {len(asked)} times"
    assert asked[2] - asked[0] > 2.0  # at least one second and then two, however slow the computer is
    with phone.page.expect_response(lambda one: one.url.endswith("/api/events") and one.status == 200):
        phone.page.unroute("**/api/events")
    phone.no_errors()


def test_a_large_fine_screen_gets_the_widest_live_picture(new_phone: Callable[..., PhonePage]) -> None:
    tablet = new_phone(viewport={"width": 1024, "height": 1366}, device_scale_factor=2)
    tablet.live()
    width, needed = tablet.page.evaluate("""() => {
        const { live } = fieldstack;
        for (let fast = 0; fast < 50; fast += 1) live.adapt(180, 10);
        return [live.width, live.canvas.clientWidth * devicePixelRatio];
    }""")

    assert needed > 1280
    assert width == 4  # 1280 pixels


@pytest.mark.parametrize(
    ("link", "old_ms", "widths"), [(4000, 210, [960]), (400, 280, [640]), (150, 370, [480]), (30, 700, [320])]
)
def test_the_live_picture_is_as_wide_as_the_link_keeps_it_fresh(
    phone: PhonePage, link: float, old_ms: float, widths: list[int]
) -> None:
    """A link of so many kB/s and a camera with ten pictures a second, each 170 ms old when it can be had."""
    phone.live()
    drawn = phone.page.evaluate(
        """link => {
            const { live } = fieldstack;
            live.stop();
            const [widths, kilobytes] = [[320, 480, 640, 960, 1280], [9, 14, 21, 37, 42]];
            let now = 0;
            let shown = -1;
            return Array.from({ length: 300 }, () => {
                const newest = Math.floor((now - 170) / 100);
                const picture = Math.max(newest, shown + 1);
                const left = Math.max(now, picture * 100 + 170);
                const way = (kilobytes[live.width] / link) * 1000 + 5;
                [now, shown] = [left + way + 10, picture];
                const width = widths[live.width];
                live.adapt(left - picture * 100, way);
                return [width, left - picture * 100 + way];
            });
        }""",
        link,
    )

    settled = drawn[100:]
    assert sorted({width for width, _ in settled}) == widths
    assert statistics.median(age for _, age in settled) < old_ms


def test_a_slow_link_gets_narrow_pictures(phone: PhonePage) -> None:
    phone.live()
    network = phone.context.new_cdp_session(phone.page)
    network.send(
        "Network.emulateNetworkConditions",
        {"offline": False, "latency": 0, "downloadThroughput": 20_000, "uploadThroughput": 20_000},
    )

    phone.until("fieldstack.live.canvas.width === 320")
    phone.no_errors()


def test_a_reload_and_a_second_phone_show_the_same_bracket(
    phone: PhonePage, new_phone: Callable[..., PhonePage], rig: RunningRig
) -> None:
    phone.live()
    phone.set_limits((PLANNED - 1) * FRAMES_APART)
    phone.tap("#shoot")
    phone.mode("capture")  # what was shot before has small pictures too
    phone.until("document.querySelectorAll('#thumbs img').length >= 2")
    phone.tap("#pause")  # it waits for the second phone, however long that takes
    rig.until(lambda s: s["state"] == "paused")
    phone.page.reload()
    second = new_phone()

    for one in (phone, second):
        one.mode("capture")
        one.until("document.querySelectorAll('#thumbs img').length >= 2")
        assert f"of {rig.state()['bracket']['total']}" in one.text("#count")
    second.tap("#thumbs button >> nth=1")
    second.until(
        "document.querySelector('#growing').src.endsWith('/frames/1/thumb.jpg')", "that frame, large"
    )
    second.context.set_offline(True)
    second.until(
        "document.querySelector('#banner').textContent.includes('was paused at')", "what the rig does"
    )
    second.context.set_offline(False)
    second.until("!document.querySelector('#stop').disabled", "the link")
    second.tap("#stop")  # Stop is open to every phone
    phone.mode("done")


def test_a_lost_link_is_said_with_what_the_rig_was_doing_and_found_again(
    phone: PhonePage, rig: RunningRig
) -> None:
    phone.live()
    phone.set_limits((PLANNED - 1) * FRAMES_APART)
    phone.tap("#shoot")
    phone.mode("capture")  # what was shot before has small pictures too
    phone.until("document.querySelectorAll('#thumbs img').length >= 1")
    phone.context.set_offline(True)
    phone.until("!document.querySelector('#banner').hidden", "the banner")
    assert "was shooting frame" in phone.text("#banner")

    done = rig.state()["bracket"]["done"]
    rig.until(lambda s: s["bracket"]["done"] > done or s["bracket"]["outcome"])  # the rig goes on
    phone.context.set_offline(False)
    phone.until("document.querySelector('#banner').hidden", "the end of the banner")
    rig.stop()
    phone.mode("done")


def test_two_fingers_enlarge_the_live_picture_and_one_moves_it(phone: PhonePage) -> None:
    phone.live()
    box = phone.page.locator("#live").bounding_box()
    middle = box["y"] + box["height"] / 2

    def touch(kind: str, *across: float) -> None:
        points = [{"x": box["x"] + x, "y": middle, "id": place} for place, x in enumerate(across)]
        fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    fingers = phone.context.new_cdp_session(phone.page)
    touch("touchStart", 180, 220)
    for spread in (30, 50, 80):
        touch("touchMove", 200 - spread, 200 + spread)
    touch("touchEnd")
    phone.until("fieldstack.live.roi && fieldstack.live.roi[2] < 0.5", "the enlarged part")
    assert phone.text("#times").startswith("×")
    # A rig of 640 pixels: each is some of the screen's.
    phone.until("/· \\d+ %/.test(document.querySelector('#times').textContent)", "the sensor's own pixels")
    before = phone.page.evaluate("fieldstack.live.roi[0]")
    touch("touchStart", 250)
    touch("touchMove", 150)
    touch("touchEnd")
    phone.until(f"fieldstack.live.roi[0] > {before}", "the part to the right of it")
    phone.page.locator("#zoom").click()  # a tap right after touches made by hand is lost in the driver

    phone.until("fieldstack.live.roi === null", "the whole picture")
    phone.no_errors()


def test_the_self_timer_counts_in_sight_and_is_called_off_or_shoots(
    phone: PhonePage, rig: RunningRig
) -> None:
    before = len(rig.brackets())
    phone.live()
    phone.set_limits(FRAMES_APART)
    phone.tap("#timer")
    phone.tap("#timer")
    assert "10 s" in phone.text("#timer")
    phone.tap("#shoot")
    phone.mode("count")
    assert 1 <= int(phone.text("#left-s")) <= 10
    phone.tap("#call-off")
    phone.mode("live")
    assert len(rig.brackets()) == before

    phone.tap("#timer")
    phone.tap("#timer")
    assert "2 s" in phone.text("#timer")
    phone.tap("#shoot")
    phone.mode("done")
    assert len(rig.brackets()) == before + 1
    phone.no_errors()


def test_the_keys_of_a_remote_control_move_the_focus_shoot_and_stop(
    phone: PhonePage, rig: RunningRig
) -> None:
    phone.live()
    phone.focus_at(1000)
    phone.page.keyboard.press("ArrowRight")
    rig.until(lambda s: s["state"] == "idle" and s["focus"]["position_steps"] > 1000)
    phone.set_limits((PLANNED - 1) * FRAMES_APART)
    before = {bracket["id"] for bracket in rig.brackets()}
    phone.page.evaluate("document.activeElement.blur()")
    phone.page.keyboard.press("Enter")
    phone.mode("capture")
    phone.page.keyboard.press("Escape")
    phone.mode("done")

    (made,) = (bracket for bracket in rig.brackets() if bracket["id"] not in before)
    assert made["outcome"] == "stopped"
    phone.no_errors()

"""A phone that speaks German is told everything in German, what the rig itself says too."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from phonepage import PhonePage, RunningRig
from servedrig import PIN, served
from simrig import Rig, small_rig

from rig.devices.build import Devices


def english_in(shown: str, english: str) -> set[str]:
    """Words of the rig's English sentence that are shown all the same; names of units and figures are no words."""
    both = [set(re.findall(r"[a-zäöüß]{3,}", text.lower())) for text in (shown, english)]
    return both[0] & both[1]


def test_reasons_of_the_plan_and_the_verdict_are_german(
    new_phone: Callable[..., PhonePage], rig: RunningRig
) -> None:
    phone = new_phone(locale="de-DE")
    phone.live()
    phone.set_limits(96)
    why = rig.state()["plan"]["why"]
    phone.page.evaluate("document.querySelector('#plan').open = true")
    shown = phone.page.locator("#plan-why li").all_inner_texts()

    assert len(shown) == len(why)
    assert [english_in(*pair) for pair in zip(shown, why, strict=True)] == [set()] * len(why)
    assert "3 Bilder decken" in " ".join(shown)

    rig.order("POST", "api/brackets")
    verdict = rig.until(lambda s: s["bracket"] and s["bracket"]["verdict_sentence"])["bracket"]
    phone.mode("done")
    shown_verdict = phone.text("#coverage")
    assert len(shown_verdict) > 10 and english_in(shown_verdict, verdict["verdict_sentence"]) == set()
    phone.tap("#see")
    phone.until("document.querySelectorAll('#findings li').length")
    assert english_in(phone.text("#findings"), verdict["verdict_sentence"]) == set()  # as noted on the card
    phone.no_errors()


def test_a_fault_with_what_is_kept_and_what_to_do_is_german(
    new_phone: Callable[..., PhonePage], make_rig: Callable[..., Rig], tmp_path: Path
) -> None:
    devices: list[Devices] = []

    def build(settings: Any) -> Devices:
        devices.append(small_rig(settings))
        return devices[-1]

    broken = make_rig({"capture.retries": 0}, build=build)
    with served(broken.workflow, tmp_path) as at:
        phone = new_phone(at=at, locale="de-DE")
        if phone.page.url.endswith("/pair"):
            phone.page.locator("#pin").fill(PIN)
            phone.tap("#pin-form [type=submit]")
        phone.live()
        broken.set_limits(6)
        devices[-1].camera.stop()
        broken.workflow.start_bracket()
        phone.mode("fault")
        fault = broken.workflow.status().fault

        assert fault is not None and fault.kept is not None
        said = {"#fault": fault.sentence, "#fault-kept": fault.kept, "#recover-text": fault.action}
        assert [english_in(phone.text(where), sentence) for where, sentence in said.items()] == [set()] * 3
        assert phone.text("#fault") == "Die Kamera ist nicht gestartet"
        phone.no_errors()

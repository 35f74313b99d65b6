"""What stands on Set NEAR and Set FAR: the spot, in the sensor's own pixels where the camera can show them."""

from __future__ import annotations

import urllib.request

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from phonepage import PATIENCE_S, PhonePage, RunningRig

CHIP = """(() => {
    const chip = document.querySelector('#chip-near');
    const [...pixels] = chip.getContext('2d').getImageData(0, 0, chip.width, chip.height).data;
    return [chip.width, chip.clientWidth * devicePixelRatio, pixels];
})()"""


def sensor_part(rig: RunningRig, x: float, y: float, w: float, h: float) -> npt.NDArray[np.uint8]:
    """A part of the picture by the sensor's own pixels, grey."""
    address = f"{rig.url}api/preview.jpg?fine=1&w=1600&roi={x},{y},{w},{h}"
    with urllib.request.urlopen(address, timeout=PATIENCE_S) as answer:
        assert float(answer.headers["X-Sensor-Px"]) == 1
        return cv2.imdecode(np.frombuffer(answer.read(), np.uint8), cv2.IMREAD_GRAYSCALE)


def chip_of(phone: PhonePage) -> tuple[npt.NDArray[np.uint8], float]:
    """The chip of the near limit, grey, and how many of the screen's pixels it is wide."""
    side, shown, pixels = phone.page.evaluate(CHIP)
    return cv2.cvtColor(np.array(pixels, np.uint8).reshape(side, side, 4), cv2.COLOR_RGBA2GRAY), shown


def test_the_chip_is_cut_from_the_sensor_pixel_by_pixel_around_the_spot(
    phone: PhonePage, rig: RunningRig
) -> None:
    phone.live()
    phone.focus_at(1300)
    phone.tap("#near")
    phone.until("!document.querySelector('#exact-near').hidden", "the sensor's own pixels")

    chip, shown = chip_of(phone)
    assert len(chip) == pytest.approx(shown, abs=0.6)  # a pixel of the chip on a pixel of the screen
    # A third of the frame of 640 x 480 around the middle, from another exposure: with noise of its own.
    there = sensor_part(rig, 0.33, 0.33, 0.34, 0.34)
    likeness = {
        zoom: cv2.minMaxLoc(
            cv2.matchTemplate(there, cv2.resize(chip, None, fx=zoom, fy=zoom), cv2.TM_CCOEFF_NORMED)
        )
        for zoom in (0.94, 1.0, 1.06)
    }
    best = likeness[1.0]
    assert best[1] > 0.9 and best[1] > max(likeness[0.94][1], likeness[1.06][1]) + 0.02
    middle = [corner + len(chip) / 2 for corner in best[3]]
    assert middle == pytest.approx([side / 2 for side in there.shape[::-1]], abs=3)
    assert "pixel of the sensor" in phone.page.locator("#near").inner_text()
    phone.no_errors()


def test_where_the_camera_has_no_such_pixels_the_chip_stays_and_claims_nothing(phone: PhonePage) -> None:
    asked: list[str] = []

    def none_now(route) -> None:
        asked.append(route.request.url)
        route.fulfill(status=204)

    phone.page.route("**/api/preview.jpg*fine=1*", none_now)
    phone.live()
    phone.focus_at(1300)
    phone.tap("#near")
    phone.until("!document.querySelector('#spot-near').hidden", "the chip")
    while len(asked) < 3:
        phone.page.wait_for_timeout(50)

    assert phone.page.locator("#exact-near").is_hidden()
    assert chip_of(phone)[0].std() > 5  # a picture all the same
    assert "with a picture of the spot" in phone.page.locator("#near").inner_text()
    phone.no_errors()

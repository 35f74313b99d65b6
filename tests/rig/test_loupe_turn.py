"""A loupe is shown although another phone asks for live pictures without a pause."""

from __future__ import annotations

import threading
from functools import partial

from patience import PATIENCE_S
from simrig import small_rig

from rig.devices.build import Devices
from rig.devices.clock import RealClock


def test_a_loupe_gets_its_turn_at_a_camera_that_is_read_all_the_time(make_rig, monkeypatch) -> None:
    monkeypatch.setattr("simrig.SimClock", RealClock)  # pictures come ten times a second, as from a camera
    devices: list[Devices] = []

    def build(settings):
        devices.append(partial(small_rig, size_px=(640, 480))(settings))
        return devices[-1]

    workflow = make_rig({"camera.preview_width_px": 320}, build=build).workflow
    over = threading.Event()

    def look() -> None:
        seq = 0
        while not over.is_set():
            picture = workflow.preview(seq, 320, 1.0)
            seq = picture.seq if picture is not None else seq

    phones = [threading.Thread(target=look) for _ in range(2)]
    for phone in phones:
        phone.start()
    try:
        shown = [workflow.loupe(320, PATIENCE_S, (0.4, 0.4, 0.2, 0.2)) for _ in range(3)]
    finally:
        over.set()
        for phone in phones:
            phone.join(PATIENCE_S)

    assert all(picture is not None and picture.sensor_px == 1 for picture in shown)

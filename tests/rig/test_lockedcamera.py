"""A camera held at one exposure: every frame is really exposed so, or there is none."""

from __future__ import annotations

import pytest
from smallrig import small_rig

from rig.devices.camera import Exposure
from rig.devices.faults import FaultPlan
from rig.errors import CameraError
from rig.lockedcamera import LockedCamera, same_exposure

ASKED = Exposure(8000, 2.0, (2.0, 1.5))


def locked(**faults: object) -> LockedCamera:
    rig = small_rig(size_px=(320, 240), faults=FaultPlan(**faults))
    return LockedCamera(rig.devices.camera, rig.settings.camera, ASKED)


def test_a_lock_lost_once_is_taken_again_and_the_frame_with_it() -> None:
    camera = locked(lock_lost_at=frozenset({2}))

    assert all(same_exposure(camera.capture().exposure, ASKED) for _ in range(3))


def test_a_lock_that_does_not_hold_is_an_error_that_says_what_it_did() -> None:
    camera = locked(lock_lost_at=frozenset({2, 3}))
    camera.capture()

    with pytest.raises(
        CameraError, match=r"does not hold its exposure: it did \d+ µs .* instead of (79|80)\d\d µs"
    ):
        camera.capture()

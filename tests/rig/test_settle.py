"""Waiting until it is still: by the clock, or by watching the previews."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from smallrig import SmallRig, small_rig

from rig.devices.camera import Preview
from rig.devices.optical_bench import Mechanics
from rig.settle import Settled, Settler, motion_px

SIZE_PX = (640, 480)  # that of a real preview, for motion is measured in its pixels


def never() -> bool:
    return False


def watched(mechanics: Mechanics, **changes: object) -> SmallRig:
    return small_rig(mechanics=mechanics, size_px=SIZE_PX, capture__settle_mode="watched", **changes)


def settle_after_a_move(rig: SmallRig) -> Settled:
    settler = Settler(rig.devices.camera, rig.settings.capture, rig.clock)
    rig.focuser.goto(1500)
    rig.clock.sleep(5)
    rig.devices.camera.lock()
    settler.learn()
    rig.focuser.goto(1510)
    return settler.wait(never)


def test_a_fixed_wait_takes_as_long_as_set() -> None:
    rig = small_rig(capture__settle_mode="fixed", capture__settle_s=0.7)
    begun_ns = rig.clock.monotonic_ns()

    settled = Settler(rig.devices.camera, rig.settings.capture, rig.clock).wait(never)

    assert rig.clock.monotonic_ns() - begun_ns == pytest.approx(0.7e9)
    assert settled == Settled(pytest.approx(0.7), still=True)


def test_a_fixed_wait_ends_at_once_when_cancelled() -> None:
    rig = small_rig(capture__settle_mode="fixed", capture__settle_s=30)
    begun_ns = rig.clock.monotonic_ns()

    Settler(rig.devices.camera, rig.settings.capture, rig.clock).wait(lambda: True)

    assert rig.clock.monotonic_ns() == begun_ns


def test_a_tripod_that_rings_longer_is_waited_for_longer() -> None:
    stiff = settle_after_a_move(watched(Mechanics(shake_decay_s=0.05)))
    soft = settle_after_a_move(watched(Mechanics(shake_decay_s=0.5)))

    assert stiff.still and soft.still
    assert soft.waited_s > stiff.waited_s + 0.5


def test_what_is_called_still_is_still() -> None:
    rig = watched(Mechanics(shake_decay_s=0.3))
    settle_after_a_move(rig)

    x, y = rig.devices.bench.shift_um_at(rig.clock.monotonic_ns())

    assert np.hypot(x, y) < 0.25 * rig.devices.camera.pixel_um


def test_wind_ends_the_wait_at_the_limit_and_is_told() -> None:
    settled = settle_after_a_move(watched(Mechanics(wind_um=30.0), capture__settle_limit_s=2.0))

    assert not settled.still
    assert 2.0 <= settled.waited_s < 2.5
    assert settled.motion_px is not None and settled.motion_px > 0.1


class SlowCamera:
    """A camera whose previews take their time, as on a busy computer."""

    def __init__(self, rig: SmallRig, each_s: float) -> None:
        self._camera, self._clock, self._each_s = rig.devices.camera, rig.clock, each_s

    def preview(self) -> Preview:
        self._clock.sleep(self._each_s)
        return self._camera.preview()

    def now_ns(self) -> int:
        return self._camera.now_ns()


def test_slow_previews_are_not_taken_for_wind() -> None:
    rig = watched(Mechanics(), capture__settle_limit_s=2.0)
    settler = Settler(SlowCamera(rig, each_s=0.9), rig.settings.capture, rig.clock)
    rig.focuser.goto(1500)
    rig.clock.sleep(5)
    rig.devices.camera.lock()
    settler.learn()
    rig.focuser.goto(1560)

    assert settler.wait(never).still


def test_a_watched_wait_ends_soon_when_cancelled() -> None:
    rig = watched(Mechanics(wind_um=30.0), capture__settle_limit_s=60)
    settler = Settler(rig.devices.camera, rig.settings.capture, rig.clock)
    begun_ns = rig.clock.monotonic_ns()

    settler.wait(lambda: True)

    assert rig.clock.monotonic_ns() - begun_ns < 1e9


def test_a_move_across_the_exposure_shows() -> None:
    rig = watched(Mechanics(shake_decay_s=2.0, shake_um=20.0))
    settler = Settler(rig.devices.camera, rig.settings.capture, rig.clock)
    rig.clock.sleep(30)
    rig.devices.camera.lock()
    settler.learn()
    settled = settler.wait(never)

    touched_ns = rig.clock.monotonic_ns()
    rig.devices.bench.come_to_rest(touched_ns)  # somebody touches the tripod

    assert settled.still
    assert settler.motion_since(settled, touched_ns) > rig.settings.capture.shaken_px


def leaves(seed: int = 1) -> npt.NDArray[np.float32]:
    rng = np.random.default_rng(seed)
    return cv2.GaussianBlur(rng.uniform(0, 2, (240, 320)).astype(np.float32), (0, 0), 2)


def shifted(picture: npt.NDArray[np.float32], x: float, y: float) -> npt.NDArray[np.float32]:
    """Exactly, by the shift theorem; what leaves at one side comes in at the other."""
    down, across = np.fft.fftfreq(picture.shape[0])[:, None], np.fft.fftfreq(picture.shape[1])
    moved = np.fft.ifft2(np.fft.fft2(picture) * np.exp(-2j * np.pi * (across * x + down * y)))
    return moved.real.astype(np.float32)


@pytest.mark.parametrize("shift", [(0.1, 0.0), (0.0, 0.3), (0.2, -0.2), (0.5, 0.3)])
def test_motion_is_measured_in_pixels_whatever_its_direction(shift: tuple[float, float]) -> None:
    still = leaves()
    moved = shifted(still, *shift)

    assert motion_px(still, moved, 0.0) == pytest.approx(np.hypot(*shift), rel=0.15)


def test_noise_is_no_motion() -> None:
    rng = np.random.default_rng(2)
    still, sigma = leaves(), 0.02
    a, b = (still + rng.normal(0, sigma, still.shape).astype(np.float32) for _ in range(2))

    assert motion_px(a, b, 2 * sigma**2 * 1.15) == 0.0


def test_a_picture_without_detail_cannot_tell_and_does_not_hold_things_up() -> None:
    flat = np.ones((240, 320), np.float32)

    assert motion_px(flat, flat, 1e-4) == 0.0

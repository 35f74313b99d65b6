"""Near and far by a sweep, focus by touch: on the simulated rig, where the true depths are known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from smallrig import SmallRig, capped_rig, small_rig

from rig.autorange import FocusRange, find_range
from rig.devices.build_sim import scene_names
from rig.devices.camera import Exposure
from rig.errors import DriftError, FocusNotFoundError
from rig.focuser import Focuser
from rig.optics import frame_count
from rig.sweep import focus_step_steps, sweep_positions

SIZE_PX = (320, 240)
FINE_PX = (640, 480)  # thin hairs can be seen; the small stream of a real camera is larger
HELD = 0.98  # of the textured range
MOST_FRAMES = 1.3  # times what the optics ask for
PLAY = 18  # steps the carriage lags behind the count once the backlash is taken up


@pytest.fixture(scope="module")
def swept() -> tuple[SmallRig, FocusRange]:
    """A rig after one sweep over the tilted target, and what it found."""
    rig = small_rig(size_px=SIZE_PX)
    found = find_range(rig.devices.camera, rig.focuser, rig.settings, clock=rig.clock)
    assert found is not None
    return rig, found


def test_the_sweep_takes_in_the_tilted_target(swept: tuple[SmallRig, FocusRange]) -> None:
    rig, found = swept
    near, far = rig.devices.scene.textured_range_steps

    assert near - 150 < found.near_steps < near + 100
    assert far - 100 < found.far_steps < far + 150


def shares(rig: SmallRig, found: FocusRange) -> tuple[float, float]:
    """Of the textured range: how much is held; of the frames that it takes: how many are shot."""
    near, far = (place + PLAY for place in rig.devices.scene.textured_range_steps)
    step = focus_step_steps(rig.settings)
    reach = step / 2 / (1 - rig.settings.optics.overlap)  # of the end frames' own depth of field
    held = (min(found.far_steps + reach, far) - max(found.near_steps - reach, near)) / (far - near)
    return held, frame_count(found.far_steps - found.near_steps, step) / frame_count(far - near, step)


@pytest.mark.parametrize("seed", [2, 3])
@pytest.mark.parametrize("scene", scene_names())
def test_every_scene_is_held_whole_with_few_more_frames_than_needed(scene: str, seed: int) -> None:
    """Other seeds grow other hairs: what is found must not depend on where they happen to stand."""
    rig = small_rig(scene, size_px=FINE_PX, seed=seed)

    found = find_range(rig.devices.camera, rig.focuser, rig.settings, clock=rig.clock)

    assert found is not None
    assert "thin hairs" not in found.why
    held, frames = shares(rig, found)
    assert held >= HELD
    assert frames <= MOST_FRAMES


@pytest.mark.parametrize("scene", ["target", "bumpy"])
def test_the_noise_of_a_high_gain_is_not_taken_for_detail(scene: str) -> None:
    rig = small_rig(scene, size_px=FINE_PX)
    rig.devices.camera.lock(Exposure(rig.devices.scene.exposure_us // 16, 16.0, (2.1, 1.7)))

    found = find_range(rig.devices.camera, rig.focuser, rig.settings, clock=rig.clock)

    assert found is not None
    held, frames = shares(rig, found)
    assert held >= HELD
    assert frames <= MOST_FRAMES


def test_a_live_picture_too_small_for_hairs_is_told_of(swept: tuple[SmallRig, FocusRange]) -> None:
    assert "only 320 pixels wide: below 640 thin hairs may be missed" in swept[1].why


def test_the_focus_is_left_at_the_near_limit_found(swept: tuple[SmallRig, FocusRange]) -> None:
    rig, found = swept

    assert rig.focuser.position_steps == found.near_steps


def test_a_box_narrows_the_range_to_what_is_in_it(swept: tuple[SmallRig, FocusRange]) -> None:
    whole = swept[1]
    rig = small_rig(size_px=SIZE_PX)

    part = find_range(
        rig.devices.camera, rig.focuser, rig.settings, clock=rig.clock, box=(0.4, 0.4, 0.2, 0.2)
    )

    assert part is not None
    assert part.far_steps - part.near_steps < 0.6 * (whole.far_steps - whole.near_steps)


def test_a_travel_too_long_for_one_sweep_is_swept_again_where_something_was_seen() -> None:
    rig = small_rig(size_px=SIZE_PX)
    bench = rig.devices.bench
    bench.scene = replace(bench.scene, travel_um=(-1500.0, 24_500.0))
    focuser = Focuser(rig.devices.motor, replace(rig.settings.motor, max_steps=26_000))
    near, far = bench.scene.textured_range_steps

    found = find_range(rig.devices.camera, focuser, rig.settings, clock=rig.clock)

    assert found is not None
    assert near - 100 < found.near_steps < near + 100
    assert far - 100 < found.far_steps < far + 150


def test_steps_lost_during_the_sweep_are_told_at_its_end_and_the_count_is_right_again() -> None:
    rig = small_rig(size_px=SIZE_PX)
    faults = rig.devices.bench.faults

    def slip_in_the_middle(done: int, total: int, what: str) -> None:
        faults.motor_lost_every = 2 if total // 3 < done < total // 2 else None

    with pytest.raises(DriftError, match=r"lost \d+ steps by the end of the sweep, so near and far are not"):
        find_range(
            rig.devices.camera, rig.focuser, rig.settings, clock=rig.clock, progress=slip_in_the_middle
        )
    assert rig.focuser.lost_steps() == 0


def test_a_cancelled_sweep_answers_nothing() -> None:
    rig = small_rig(size_px=SIZE_PX)
    seen: list[int] = []

    found = find_range(
        rig.devices.camera,
        rig.focuser,
        rig.settings,
        clock=rig.clock,
        progress=lambda done, total, what: seen.append(done),
        cancelled=lambda: len(seen) > 5,
    )

    assert found is None
    assert max(seen) == 5


def test_with_the_lens_cap_on_nothing_comes_into_focus_and_it_is_said(tmp_path: Path) -> None:
    capped = capped_rig(tmp_path)
    with pytest.raises(FocusNotFoundError, match="check light, lens cap and distance"):
        find_range(capped.devices.camera, capped.focuser, capped.settings, clock=capped.clock)


@given(st.floats(1, 4000), st.integers(1, 10**6))
def test_a_sweep_visits_both_ends_in_order_and_never_too_often(step: float, travel: int) -> None:
    positions = sweep_positions(0, travel, step)

    assert (positions[0], positions[-1]) == (0, travel)
    assert list(positions) == sorted(set(positions))
    assert 2 <= len(positions) <= 48

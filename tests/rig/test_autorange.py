"""Near and far by a sweep, focus by touch: on the simulated rig, where the true depths are known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from smallrig import SmallRig, small_rig

from rig.autorange import FocusRange, find_range, focus_on, sweep_positions
from rig.errors import FocusNotFoundError
from rig.focuser import Focuser

SIZE_PX = (320, 240)
SPOTS = (0.15, 0.15), (0.85, 0.85)
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


@pytest.fixture
def capped(tmp_path: Path) -> SmallRig:
    """A rig that sees nothing but noise, as with the lens cap on."""
    rng = np.random.default_rng(5)
    for index in range(3):
        noise = rng.normal(20, 3, (480, 640, 3)).clip(0, 255).astype(np.uint8)
        cv2.imwrite(str(tmp_path / f"{index}.png"), noise)
    return small_rig(f"replay:{tmp_path}")


def test_with_the_lens_cap_on_nothing_comes_into_focus_and_it_is_said(capped: SmallRig) -> None:
    with pytest.raises(FocusNotFoundError, match="check light, lens cap and distance"):
        find_range(capped.devices.camera, capped.focuser, capped.settings, clock=capped.clock)


@pytest.mark.parametrize("start", [700, 1450, 2600])
def test_touching_the_middle_focuses_there_from_wherever_it_was(start: int) -> None:
    rig = small_rig(size_px=SIZE_PX)
    rig.focuser.goto(start)
    near, far = rig.devices.scene.textured_range_steps

    position = focus_on(rig.devices.camera, rig.focuser, rig.settings, 0.5, 0.5, clock=rig.clock)

    assert position == rig.focuser.position_steps
    assert position == pytest.approx((near + far) / 2 + PLAY, abs=40)


def test_touching_another_spot_focuses_at_another_depth() -> None:
    rig = small_rig(size_px=SIZE_PX)
    rig.focuser.goto(1500)
    camera, focuser = rig.devices.camera, rig.focuser

    left, right = (focus_on(camera, focuser, rig.settings, x, y, clock=rig.clock) for x, y in SPOTS)

    assert left is not None and right is not None
    assert abs(left - right) > 400


def test_touching_where_nothing_is_moves_the_focus_back_and_says_so(capped: SmallRig) -> None:
    capped.focuser.goto(1500)

    with pytest.raises(FocusNotFoundError, match="there is no detail there"):
        focus_on(capped.devices.camera, capped.focuser, capped.settings, 0.5, 0.5, clock=capped.clock)

    assert capped.focuser.position_steps == 1500


@given(st.floats(1, 4000), st.integers(1, 10**6))
def test_a_sweep_visits_both_ends_in_order_and_never_too_often(step: float, travel: int) -> None:
    positions = sweep_positions(0, travel, step)

    assert (positions[0], positions[-1]) == (0, travel)
    assert list(positions) == sorted(set(positions))
    assert 2 <= len(positions) <= 48

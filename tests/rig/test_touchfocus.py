"""Focus by touching a spot: on the simulated rig, where the true depths are known."""

from __future__ import annotations

from pathlib import Path

import pytest
from smallrig import capped_rig, small_rig

from rig.errors import FocusNotFoundError
from rig.touchfocus import focus_on

SIZE_PX = (320, 240)
SPOTS = (0.15, 0.15), (0.85, 0.85)
PLAY = 18  # steps the carriage lags behind the count once the backlash is taken up


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


def test_touching_where_nothing_is_moves_the_focus_back_and_says_so(tmp_path: Path) -> None:
    capped = capped_rig(tmp_path)
    capped.focuser.goto(1500)

    with pytest.raises(FocusNotFoundError, match="there is no detail there"):
        focus_on(capped.devices.camera, capped.focuser, capped.settings, 0.5, 0.5, clock=capped.clock)

    assert capped.focuser.position_steps == 1500

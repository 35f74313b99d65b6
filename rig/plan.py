"""Pure: settings and limits -> BracketPlan. Near and far are always visited."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from rig.config import CameraSettings, CaptureSettings, OpticsSettings, Settings
from rig.errors import PlanError
from rig.lens import depth_of_field_um, diffraction_spot_um, focus_step_um, working_f_number
from rig.optics import IMX477_PIXEL_UM, frame_count, steps_to_um, um_to_steps

FULL_SIZE_PX = (4056, 3040)
JPEG_BYTES_PER_PX = 0.42  # of a detailed macro frame at quality 93; on the high side, for free space
DNG_BYTES_PER_PX = 1.5  # 12 bit packed
WATCHED_SETTLE_S = 0.5  # a usual wait in watched mode: a few previews at 10 a second
SAVE_S = 0.8  # read out, encode, write and sync one frame on a Pi 4
SOFT_F_NUMBER = 8.0  # beyond it the Airy disk of green light covers seven pixels of 1.55 µm


@dataclass(frozen=True)
class BracketPlan:
    """What to shoot. Positions grow from near to far; neighbours are at most step_steps apart."""

    positions_steps: tuple[int, ...]
    step_steps: int  # the most between neighbours
    step_um: float
    depth_um: float  # from the first to the last position
    frames: int
    time_s: float  # an estimate
    bytes: int  # an estimate, on the high side
    why: tuple[str, ...]  # one sentence a figure
    warnings: tuple[str, ...] = ()  # what the photographer should know before shooting


def plan_bracket(
    settings: Settings,
    near_steps: int,
    far_steps: int,
    step_steps: int | None = None,
    size_px: tuple[int, int] = FULL_SIZE_PX,
) -> BracketPlan:
    """The bracket from near to far, with the step from the optics unless step_steps is given.

    A mechanism too coarse for the optics is planned at one step a frame, with a warning.
    Raises PlanError when the limits are in the wrong order or outside the travel, or frames too many.
    """
    _check_limits(settings, near_steps, far_steps)
    chosen, warnings = _choose_step(settings, step_steps)
    positions = bracket_positions(near_steps, far_steps, chosen)
    if len(positions) > settings.capture.max_frames:
        raise PlanError(
            f"a bracket of {len(positions)} frames is more than the {settings.capture.max_frames} allowed: "
            "bring near and far together, take a larger step, or raise capture.max_frames"
        )
    per_um = settings.motor.steps_per_um
    plan = BracketPlan(
        positions_steps=positions,
        step_steps=chosen,
        step_um=steps_to_um(chosen, per_um),
        depth_um=steps_to_um(far_steps - near_steps, per_um),
        frames=len(positions),
        time_s=estimate_time_s(settings, positions),
        bytes=len(positions) * frame_bytes(settings.camera, size_px),
        why=(),
        warnings=warnings + _softness(settings.optics),
    )
    return replace(plan, why=_explain(settings, plan, by_hand=step_steps is not None))


def plan_depth(
    settings: Settings,
    depth_um: float,
    step_um: float | None = None,
    near_steps: int | None = None,
    size_px: tuple[int, int] = FULL_SIZE_PX,
) -> BracketPlan:
    """The bracket for a depth in µm at the subject, from near_steps (or the near end of the travel).

    Raises PlanError as plan_bracket does, and when depth or step are no positive lengths.
    """
    if not depth_um >= 0 or math.isinf(depth_um):
        raise PlanError(f"a depth of {depth_um:g} µm cannot be shot: it must be 0 or more")
    if step_um is not None and (not step_um > 0 or math.isinf(step_um)):
        raise PlanError(f"a focus step of {step_um:g} µm leads nowhere: it must be more than 0")
    per_um = settings.motor.steps_per_um
    near = settings.motor.min_steps if near_steps is None else near_steps
    far = near + math.ceil(depth_um * per_um - 1e-6)  # covered, so up; but not for a rounding error
    step = None if step_um is None else max(1, math.floor(step_um * per_um + 1e-6))
    return plan_bracket(settings, near, far, step, size_px)


def bracket_positions(near_steps: int, far_steps: int, step_steps: int) -> tuple[int, ...]:
    """Both ends and as few positions between as the step allows, evenly: no two are further apart than it.

    Even, because a last step of a few motor steps would shoot nearly the same frame twice.
    Requires near <= far and step >= 1.
    """
    depth = far_steps - near_steps
    gaps = max(frame_count(depth, step_steps) - 1, 1)
    places = 1 if depth == 0 else gaps + 1
    # Rounded half up in whole numbers, so that neighbours never differ by more than the gap rounded up.
    return tuple(near_steps + (2 * index * depth + gaps) // (2 * gaps) for index in range(places))


def frame_bytes(camera: CameraSettings, size_px: tuple[int, int] = FULL_SIZE_PX) -> int:
    """Room one frame may take on the card, on the high side."""
    per_px = JPEG_BYTES_PER_PX + (DNG_BYTES_PER_PX if camera.dng else 0)
    return round(size_px[0] * size_px[1] * per_px)


def estimate_time_s(settings: Settings, positions_steps: tuple[int, ...]) -> float:
    """How long the frames will take: moves, settling, exposure and saving; not the way to the near limit."""
    motor = settings.motor
    travel_s = (positions_steps[-1] - positions_steps[0]) / motor.steps_per_s
    approach_s = motor.backlash_steps / motor.steps_per_s
    each_s = settle_estimate_s(settings.capture) + settings.camera.exposure_us / 1e6 + SAVE_S
    return travel_s + approach_s + len(positions_steps) * each_s


def settle_estimate_s(capture: CaptureSettings) -> float:
    """The wait to reckon with after each move."""
    if capture.settle_mode == "fixed":
        return capture.settle_s
    return min(WATCHED_SETTLE_S, capture.settle_limit_s)


def _check_limits(settings: Settings, near_steps: int, far_steps: int) -> None:
    low, high = settings.motor.min_steps, settings.motor.max_steps
    for name, limit in (("near", near_steps), ("far", far_steps)):
        if not low <= limit <= high:
            raise PlanError(f"{name} limit {limit} steps is outside the travel {low}..{high}")
    if near_steps > far_steps:
        raise PlanError(
            f"near limit {near_steps} steps lies beyond far limit {far_steps} steps: near must come first"
        )


def _choose_step(settings: Settings, step_steps: int | None) -> tuple[int, tuple[str, ...]]:
    """The step in motor steps, at least one, and what is wrong with it."""
    if step_steps is not None and step_steps < 1:
        raise PlanError(f"a focus step of {step_steps} motor steps leads nowhere: it must be at least 1")
    wanted_um, per_um = focus_step_um(settings.optics), settings.motor.steps_per_um
    if step_steps is None:
        fitting = math.floor(wanted_um * per_um + 1e-6)  # down, never a gap; but not for a rounding error
        if fitting >= 1:
            return fitting, ()
        return 1, (
            f"The mechanism is too coarse for this lens: one motor step moves the focus by "
            f"{_um(steps_to_um(1, per_um))}, more than the step of {_um(wanted_um)} it should make; "
            "expect unsharp bands, or stop the lens down.",
        )
    depth, given_um = depth_of_field_um(settings.optics), steps_to_um(step_steps, per_um)
    if given_um > depth:
        return step_steps, (
            f"The step of {_um(given_um)} is larger than the depth of field of {_um(depth)}: "
            f"expect unsharp bands, or take at most {max(1, um_to_steps(depth, per_um))} steps.",
        )
    return step_steps, ()


def _softness(optics: OpticsSettings) -> tuple[str, ...]:
    effective = working_f_number(optics)
    if effective <= SOFT_F_NUMBER:
        return ()
    airy = diffraction_spot_um(optics)
    return (
        f"At an effective f/{effective:.3g} diffraction draws every point {_um(airy)} wide, "
        f"{airy / IMX477_PIXEL_UM:.0f} pixels of this sensor: opening the lens gives more detail, "
        "with more frames.",
    )


def _explain(settings: Settings, plan: BracketPlan, by_hand: bool) -> tuple[str, ...]:
    optics, camera = settings.optics, settings.camera
    effective = working_f_number(optics)
    criterion = "the wave criterion" if optics.depth == "wave" else "the larger of wave and geometric depth"
    step_from = (
        "as given by hand"
        if by_hand
        else "one motor step, the least there is"
        if plan.step_um > focus_step_um(optics)
        else f"depth of field less {optics.overlap:.0%} overlap, in whole motor steps rounded down"
    )
    return (
        f"At magnification {optics.magnification:g} f/{optics.f_number:g} works as f/{effective:.3g}.",
        f"One frame is sharp over {_um(depth_of_field_um(optics))}, by {criterion}.",
        f"The step is {_um(plan.step_um)} ({_count(plan.step_steps, 'motor step')}) at most: {step_from}.",
        "1 frame is enough: near and far are the same place."
        if plan.frames == 1
        else f"{plan.frames} frames cover {_um(plan.depth_um)} "
        f"from {plan.positions_steps[0]} to {plan.positions_steps[-1]} steps, spread evenly, "
        "both ends visited.",
        f"It will take about {_time(plan.time_s)}: moving, settling for "
        f"{settle_estimate_s(settings.capture):g} s, exposing and saving each frame.",
        f"It needs up to {plan.bytes / 1e6:.0f} MB on the card{', with the raw data' if camera.dng else ''}.",
    )


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _um(length: float) -> str:
    """A length as a photographer writes it: µm below a millimetre, mm above."""
    return f"{length:.3g} µm" if length < 999.5 else f"{length / 1000:.3g} mm"


def _time(time_s: float) -> str:
    whole = round(time_s)
    return f"{whole} s" if whole < 90 else f"{whole // 60} min {whole % 60} s"

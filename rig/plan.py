"""Pure: settings and limits -> BracketPlan. Near and far are always visited."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from rig.box import Box
from rig.config import CameraSettings, CaptureSettings, OpticsSettings, Settings
from rig.errors import PlanError
from rig.lens import depth_of_field_um, diffraction_spot_um, focus_step_um, working_f_number
from rig.optics import IMX477_PIXEL_UM, frame_count, steps_to_um, um_to_steps
from rig.saying import Length, Room, Said, Time, say

FULL_SIZE_PX = (4056, 3040)
JPEG_BYTES_PER_PX = 0.42  # of a detailed macro frame at quality 93; on the high side, for free space
DNG_BYTES_PER_PX = 1.5  # 12 bit packed
WATCHED_SETTLE_S = 0.5  # a usual wait in watched mode: a few previews at 10 a second
FLASH_S = 0.5  # a frame waited for to be flashed, its long exposure and its reading
SAVE_S = 0.8  # read out, encode, write and sync one frame on a Pi 4
SOFT_F_NUMBER = 8.0  # beyond it the Airy disk of green light covers seven pixels of 1.55 µm

NEAR, FAR = say("end.near", "near"), say("end.far", "far")


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
    why: tuple[Said, ...]  # one sentence a figure
    warnings: tuple[Said, ...] = ()  # what the photographer should know before shooting
    box: Box | None = None  # part of the picture that is to be covered; None: all of it


def plan_bracket(
    settings: Settings,
    near_steps: int,
    far_steps: int,
    step_steps: int | None = None,
    size_px: tuple[int, int] = FULL_SIZE_PX,
    box: Box | None = None,
) -> BracketPlan:
    """The bracket from near to far, with the step from the optics unless step_steps is given.

    box: part of the picture whose depth near and far are to cover.

    A mechanism too coarse for the optics is planned at one step a frame, with a warning.
    Raises PlanError when the limits are in the wrong order or outside the travel, or frames too many.
    """
    _check_limits(settings, near_steps, far_steps)
    chosen, warnings = _choose_step(settings, step_steps)
    positions = bracket_positions(near_steps, far_steps, chosen)
    if len(positions) > settings.capture.max_frames:
        raise PlanError(
            say(
                "plan.too_many",
                "a bracket of {n} frames is more than the {most} allowed: bring near and far "
                "together, take a larger step, or raise capture.max_frames",
                n=len(positions),
                most=settings.capture.max_frames,
            )
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
        box=box,
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
        raise PlanError(
            say(
                "plan.depth",
                "a depth of {depth} cannot be shot: it must be 0 or more",
                depth=Length(depth_um),
            )
        )
    if step_um is not None and (not step_um > 0 or math.isinf(step_um)):
        raise PlanError(
            say(
                "plan.step_um",
                "a focus step of {step} leads nowhere: it must be more than 0",
                step=Length(step_um),
            )
        )
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
    return travel_s + approach_s + len(positions_steps) * each_frame_s(settings)


def each_frame_s(settings: Settings) -> float:
    """The time of one frame, but for the way to it. A flash recycles while the frame before is saved."""
    if settings.flash.pin:
        return max(settings.capture.settle_s + SAVE_S, settings.flash.recycle_s) + FLASH_S
    return settle_estimate_s(settings.capture) + settings.camera.exposure_us / 1e6 + SAVE_S


def settle_estimate_s(capture: CaptureSettings) -> float:
    """The wait to reckon with after each move."""
    if capture.settle_mode == "fixed":
        return capture.settle_s
    return min(WATCHED_SETTLE_S, capture.settle_limit_s)


def _check_limits(settings: Settings, near_steps: int, far_steps: int) -> None:
    low, high = settings.motor.min_steps, settings.motor.max_steps
    for end, limit in ((NEAR, near_steps), (FAR, far_steps)):
        if not low <= limit <= high:
            raise PlanError(
                say(
                    "plan.limit_outside",
                    "{end} limit {at} steps is outside the travel {low}..{high}",
                    end=end,
                    at=limit,
                    low=low,
                    high=high,
                )
            )
    if near_steps > far_steps:
        raise PlanError(
            say(
                "plan.near_beyond_far",
                "near limit {near} steps lies beyond far limit {far} steps: near must come first",
                near=near_steps,
                far=far_steps,
            )
        )


def _choose_step(settings: Settings, step_steps: int | None) -> tuple[int, tuple[Said, ...]]:
    """The step in motor steps, at least one, and what is wrong with it."""
    if step_steps is not None and step_steps < 1:
        raise PlanError(
            say(
                "plan.step_leads_nowhere",
                "a focus step of {step} motor steps leads nowhere: it must be at least 1",
                step=step_steps,
            )
        )
    wanted_um, per_um = focus_step_um(settings.optics), settings.motor.steps_per_um
    if step_steps is None:
        fitting = math.floor(wanted_um * per_um + 1e-6)  # down, never a gap; but not for a rounding error
        if fitting >= 1:
            return fitting, ()
        return 1, (
            say(
                "plan.too_coarse",
                "The mechanism is too coarse for this lens: one motor step moves the focus by {moved}, more than "
                "the step of {wanted} it should make; expect unsharp bands, or stop the lens down.",
                moved=Length(steps_to_um(1, per_um)),
                wanted=Length(wanted_um),
            ),
        )
    depth, given_um = depth_of_field_um(settings.optics), steps_to_um(step_steps, per_um)
    if given_um > depth:
        return step_steps, (
            say(
                "plan.step_too_large",
                "The step of {step} is larger than the depth of field of {depth}: expect unsharp bands, or take "
                "at most {most} steps.",
                step=Length(given_um),
                depth=Length(depth),
                most=max(1, um_to_steps(depth, per_um)),
            ),
        )
    return step_steps, ()


def _softness(optics: OpticsSettings) -> tuple[Said, ...]:
    effective = working_f_number(optics)
    if effective <= SOFT_F_NUMBER:
        return ()
    airy = diffraction_spot_um(optics)
    return (
        say(
            "plan.diffraction",
            "At an effective f/{effective:.3g} diffraction draws every point {spot:.3g} µm wide, {pixels:.0f} pixels "
            "of this sensor: opening the lens gives more detail, with more frames.",
            effective=effective,
            spot=airy,  # on the sensor: in the units that sensors are told in
            pixels=airy / IMX477_PIXEL_UM,
        ),
    )


def _explain(settings: Settings, plan: BracketPlan, by_hand: bool) -> tuple[Said, ...]:
    optics = settings.optics
    return (
        say(
            "plan.aperture",
            "At magnification {magnification:g} f/{f_number:g} works as f/{effective:.3g}.",
            magnification=optics.magnification,
            f_number=optics.f_number,
            effective=working_f_number(optics),
        ),
        _depth_of_field(optics),
        _step(plan, optics, by_hand),
        _coverage(plan),
        _time(plan, settings),
        _room(plan, settings.camera.dng),
        *_part(plan.box),
    )


def _time(plan: BracketPlan, settings: Settings) -> Said:
    if settings.flash.pin:
        return say(
            "plan.time_by_flash",
            "It will take about {time}: for each frame the flash recycles for {recycle:g} s, meanwhile it is moved, "
            "settled and saved.",
            time=Time(plan.time_s),
            recycle=settings.flash.recycle_s,
        )
    return say(
        "plan.time",
        "It will take about {time}: moving, settling for {settle:g} s, exposing and saving each frame.",
        time=Time(plan.time_s),
        settle=settle_estimate_s(settings.capture),
    )


def _part(box: Box | None) -> tuple[Said, ...]:
    if box is None:
        return ()
    return (
        say(
            "plan.box",
            "Only what is in the chosen part, {share:.0f}% of the picture, is to be covered.",
            share=100 * box[2] * box[3],
        ),
    )


def _depth_of_field(optics: OpticsSettings) -> Said:
    depth = Length(depth_of_field_um(optics))
    if optics.depth == "wave":
        return say(
            "plan.sharp_by_wave", "One frame is sharp over {depth}, by the wave criterion.", depth=depth
        )
    return say(
        "plan.sharp_by_larger",
        "One frame is sharp over {depth}, by the larger of wave and geometric depth.",
        depth=depth,
    )


def _step(plan: BracketPlan, optics: OpticsSettings, by_hand: bool) -> Said:
    step, n = Length(plan.step_um), plan.step_steps
    turned = say("plan.1_step", "1 motor step") if n == 1 else say("plan.steps", "{n} motor steps", n=n)
    if by_hand:
        return say(
            "plan.step_by_hand",
            "The step is {step} ({turned}) at most: as given by hand.",
            step=step,
            turned=turned,
        )
    if plan.step_um > focus_step_um(optics):
        return say(
            "plan.step_least", "The step is {step} at most: one motor step, the least there is.", step=step
        )
    return say(
        "plan.step",
        "The step is {step} ({turned}) at most: depth of field less {overlap:.0f}% overlap, in whole "
        "motor steps rounded down.",
        step=step,
        turned=turned,
        overlap=100 * optics.overlap,
    )


def _coverage(plan: BracketPlan) -> Said:
    if plan.frames == 1:
        return say("plan.one_frame", "1 frame is enough: near and far are the same place.")
    return say(
        "plan.frames",
        "{n} frames cover {depth} from {first} to {last} steps, spread evenly, both ends visited.",
        n=plan.frames,
        depth=Length(plan.depth_um),
        first=plan.positions_steps[0],
        last=plan.positions_steps[-1],
    )


def _room(plan: BracketPlan, dng: bool) -> Said:
    room = Room(plan.bytes)
    if dng:
        return say("plan.room_with_raw", "It needs up to {room} on the card, with the raw data.", room=room)
    return say("plan.room", "It needs up to {room} on the card.", room=room)

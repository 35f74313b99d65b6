"""Scenes and the lens they are seen through: known edges must blur as the lens equation says."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rig.devices.scenes import find_scene, scene_names
from rig.devices.scenes.blur import STEPS_PX, blur_weights, disc
from rig.devices.scenes.canvas import Canvas
from rig.devices.scenes.render import FocusedScene
from rig.devices.scenes.scene import Scene
from rig.devices.scenes.surface import Surface, encode
from rig.devices.scenes.view import Pose, SceneView, smear_kernel
from rig.devices.thinlens import ThinLens

WIDTH, HEIGHT = 512, 256


def plane(
    grey: np.ndarray, depth: int = 0, z: tuple[float, float] = (0.0, 0.0), cover: np.ndarray | None = None
) -> Surface:
    """A surface of these grey levels (h, w) in linear light, all at one of the 256 depths between z."""
    cover = np.ones_like(grey) if cover is None else cover
    bgra = np.dstack([grey * cover] * 3 + [cover]).astype(np.float32)
    return Surface("plane", encode(bgra), np.full(grey.shape, depth, np.uint8), *z)


def black() -> Surface:
    return plane(np.zeros((HEIGHT, WIDTH)), z=(0.0, 0.0))


def edge() -> np.ndarray:
    """Dark to the left, bright to the right of the middle."""
    grey = np.zeros((HEIGHT, WIDTH))
    grey[:, WIDTH // 2 :] = 1
    return grey


def picture(surfaces: list[Surface], blur_px: float) -> np.ndarray:
    return FocusedScene(surfaces, lambda _: blur_px, (WIDTH, HEIGHT)).rows(0, HEIGHT)[..., 1]


def disc_diameter(row: np.ndarray) -> float:
    """Diameter of the disc that blurred a step into this row: an edge has the disc's variance d²/16."""
    spread = np.diff(row)
    x = np.arange(len(spread))
    middle = (spread * x).sum() / spread.sum()
    return 4 * math.sqrt((spread * (x - middle) ** 2).sum() / spread.sum())


def mean_diameter(blur_px: float, **surface: object) -> float:
    """Over edges at eight places on the pixel grid, for large blurs are drawn on a coarser one."""
    found = []
    for offset in range(8):
        grey = np.roll(edge(), offset, axis=1)
        grey[:, :offset] = 0
        found.append(disc_diameter(picture([plane(grey, **surface)], blur_px)[HEIGHT // 2]))  # type: ignore[arg-type]
    return float(np.mean(found))


# --- the lens ------------------------------------------------------------------------------------
def test_blur_near_focus_is_m2_dz_over_the_effective_f_number() -> None:
    lens = ThinLens(magnification=0.5, f_number=4.0, focal_mm=50.0)
    assert lens.blur_um(10.0, 0.0) == pytest.approx(0.25 * 10 / 6, rel=1e-3)


def test_depth_of_field_is_the_published_figure_for_life_size() -> None:
    lens = ThinLens(magnification=1.0, f_number=16.0)  # N_eff 32: 2.253 mm (Zerene)
    assert lens.depth_of_field_um == pytest.approx(2253, abs=1)


@given(st.floats(-1000, 1000), st.floats(1, 400), st.floats(1, 400))
def test_farther_from_focus_is_more_blur(focus: float, one: float, more: float) -> None:
    lens = ThinLens()
    for side in (-1, 1):
        assert abs(lens.blur_um(focus + side * (one + more), focus)) > abs(
            lens.blur_um(focus + side * one, focus)
        )


def test_what_is_in_focus_has_no_blur_and_sides_have_signs() -> None:
    lens = ThinLens()
    assert lens.blur_um(123.0, 123.0) == 0
    assert lens.blur_um(50.0, 0.0) > 0 > lens.blur_um(-50.0, 0.0)


def test_the_picture_shrinks_by_the_image_distance_as_focus_goes_far() -> None:
    lens = ThinLens(magnification=1.0, focal_mm=25.0)  # u = v = 50 mm
    v_far = 1 / (1 / 25 - 1 / 51)  # focused 1 mm farther
    assert lens.breathing_scale(1000.0) == pytest.approx(v_far / 50)
    assert lens.breathing_scale(0.0) == 1


def test_breathing_can_be_corrected_by_the_lens() -> None:
    assert ThinLens(breathing=0.0).breathing_scale(800.0) == 1


# --- blur ----------------------------------------------------------------------------------------
@pytest.mark.parametrize("blur_px", [3.0, 5.5, 8.0, 14.0, 23.0, 47.0, 90.0])
def test_an_edge_out_of_focus_is_as_wide_as_the_disc(blur_px: float) -> None:
    assert mean_diameter(blur_px) == pytest.approx(blur_px, rel=0.04)


@pytest.mark.parametrize("blur_px", [-4.0, 7.0, -10.7, 15.0, 30.0, -60.0])
def test_a_surface_with_depth_blurs_as_wide_though_discs_are_mixed(blur_px: float) -> None:
    assert mean_diameter(blur_px, depth=100, z=(-50.0, 50.0)) == pytest.approx(abs(blur_px), rel=0.06)


def test_in_focus_an_edge_stays_an_edge() -> None:
    row = picture([plane(edge(), depth=100, z=(-50.0, 50.0))], 0.0)[HEIGHT // 2]
    assert row[WIDTH // 2 - 1] < 0.01
    assert row[WIDTH // 2] > 0.98


@given(st.floats(0, 900))
def test_blur_is_shared_between_discs_of_that_mean_diameter(diameter: float) -> None:
    wanted = np.linspace(0, max(diameter, 1e-3), 256)
    shared = blur_weights(wanted)
    assert sum(lut[0] for _, lut in shared) == pytest.approx(np.ones(256), abs=1e-5)
    mean = sum(blur.diameter_px * lut[0] for blur, lut in shared)
    assert mean == pytest.approx(np.minimum(wanted, STEPS_PX[-1][0]), abs=1e-2)


@pytest.mark.parametrize(("diameter", "mip"), STEPS_PX)
def test_every_disc_keeps_the_light(diameter: float, mip: int) -> None:
    assert disc(diameter, mip).sum() == pytest.approx(1, abs=1e-4)


def test_a_tilted_sheet_lets_nothing_behind_shine_through() -> None:
    depth = np.broadcast_to(np.linspace(0, 255, WIDTH).astype(np.uint8), (HEIGHT, WIDTH)).copy()
    white = encode(np.ones((HEIGHT, WIDTH, 4), np.float32))
    sheet = Surface("sheet", white, depth, -100.0, 100.0)
    seen = FocusedScene([black(), sheet], lambda z: z / 2, (WIDTH, HEIGHT)).rows(0, HEIGHT)
    assert seen.min() > 0.98


def test_a_hair_far_out_of_focus_veils_a_sharp_edge_but_leaves_it_sharp() -> None:
    hair = np.zeros((HEIGHT, WIDTH))
    hair[:, WIDTH // 2 - 2 : WIDTH // 2 + 2] = 1
    veil = plane(np.zeros((HEIGHT, WIDTH)), 0, (-300.0, -299.0), cover=hair)
    seen = FocusedScene([plane(edge()), veil], lambda z: z / 5, (WIDTH, HEIGHT)).rows(0, HEIGHT)[
        HEIGHT // 2, :, 1
    ]
    assert seen[WIDTH // 2] - seen[WIDTH // 2 - 1] > 0.85
    assert 0.85 < seen[WIDTH // 2] < 0.98  # 4 px of hair in a disc of 60


def test_a_sharp_object_before_a_blurred_backdrop_keeps_its_outline() -> None:
    shape = np.zeros((HEIGHT, WIDTH))
    shape[:, : WIDTH // 2] = 1
    front = plane(np.zeros((HEIGHT, WIDTH)), 128, (-50.0, 50.0), cover=shape)
    bright = plane(np.ones((HEIGHT, WIDTH)), z=(4000.0, 4000.0))
    seen = FocusedScene([bright, front], lambda z: 0 if z < 1000 else 200, (WIDTH, HEIGHT)).rows(0, HEIGHT)
    assert seen[HEIGHT // 2, WIDTH // 2 - 2, 1] < 0.02
    assert seen[HEIGHT // 2, WIDTH // 2 + 2, 1] > 0.98


def test_rows_do_not_depend_on_how_they_are_asked_for() -> None:
    rng = np.random.default_rng(2)
    depth = rng.integers(0, 255, (HEIGHT // 16, WIDTH // 16), np.uint8).repeat(16, 0).repeat(16, 1)
    sheet = Surface("sheet", encode(rng.random((HEIGHT, WIDTH, 4), np.float32) ** 0.1), depth, -100.0, 100.0)
    scene = FocusedScene([black(), sheet], lambda z: z / 4, (WIDTH, HEIGHT))
    whole = scene.rows(0, HEIGHT)
    assert np.abs(whole[77:160] - scene.rows(77, 83)).max() < 1e-3


# --- the view -------------------------------------------------------------------------------------
def dot_scene(**lens: float) -> Scene:
    """White crosses on black, all at depth 0."""

    def build(canvas: object) -> list[Surface]:
        width, height = canvas.size_px  # type: ignore[attr-defined]
        grey = np.zeros((height, width))
        for share in (0.2, 0.8):
            x, y = round(width * share), round(height * share)
            grey[y - 4 : y + 4, x - 4 : x + 4] = 1
        return [plane(grey)]

    return Scene("dots", "dots", build, (-100.0, 100.0), lens=ThinLens(**lens))


def dots(view: SceneView, pose: Pose) -> np.ndarray:
    """(2, 2) x, y of the two dots."""
    light = view.expose(pose).rows(0, view.size[1])[..., 1].astype(float)
    half_w, half_h = view.size[0] // 2, view.size[1] // 2
    found = []
    for rows, columns in ((slice(0, half_h), slice(0, half_w)), (slice(half_h, None), slice(half_w, None))):
        part = light[rows, columns]
        y, x = np.mgrid[
            rows.start or 0 : (rows.start or 0) + part.shape[0],
            columns.start or 0 : (columns.start or 0) + part.shape[1],
        ]
        found.append([(part * x).sum() / part.sum(), (part * y).sum() / part.sum()])
    return np.array(found)


def test_distances_in_the_picture_breathe_with_the_lens() -> None:
    view = SceneView(dot_scene(focal_mm=25.0), (640, 480), 1)
    size = {z: float(np.linalg.norm(np.diff(dots(view, Pose(z)), axis=0))) for z in (-400.0, 400.0)}
    lens = view.scene.lens
    assert size[-400.0] / size[400.0] == pytest.approx(
        lens.breathing_scale(-400) / lens.breathing_scale(400), abs=5e-4
    )


def test_a_shifted_picture_is_shifted_by_that_much() -> None:
    view = SceneView(dot_scene(), (640, 480), 1)
    moved = dots(view, Pose(0.0, shift_um=(3.0 * view.pitch_um, -1.5 * view.pitch_um))) - dots(
        view, Pose(0.0)
    )
    assert moved == pytest.approx(np.array([[3.0, -1.5]] * 2), abs=0.05)


def test_a_small_picture_shows_the_same_field_as_a_large_one() -> None:
    large, small = (
        dots(SceneView(dot_scene(), size, 1), Pose(0.0)) / size[0] for size in ((640, 480), (320, 240))
    )
    assert large == pytest.approx(small, abs=1.5 / 320)  # the dots are set on whole pixels


def test_smear_keeps_the_light_and_lies_along_the_way() -> None:
    kernel = smear_kernel((6.0, 0.0))
    assert kernel.sum() == pytest.approx(1)
    assert np.count_nonzero(kernel.sum(axis=1) > 0.01) == 1
    assert np.count_nonzero(kernel.sum(axis=0) > 0.01) in (7, 8)


# --- the scenes ------------------------------------------------------------------------------------
def test_the_scene_for_demonstrations_comes_first() -> None:
    assert scene_names()[0] == "bristles"


def test_an_unknown_scene_is_answered_with_those_there_are() -> None:
    with pytest.raises(ValueError, match="'moon' is not one of bristles, target"):
        find_scene("moon")


@pytest.mark.parametrize("name", scene_names())
def test_a_bracket_over_the_scene_takes_12_to_30_frames_at_the_default_overlap(name: str) -> None:
    scene = find_scene(name)
    near, far = scene.textured_range_um
    frames = math.ceil((far - near) / (scene.lens.depth_of_field_um * 0.7)) + 1
    assert 12 <= frames <= 30


@pytest.mark.parametrize("name", scene_names())
def test_the_drive_reaches_the_whole_textured_range(name: str) -> None:
    scene = find_scene(name)
    near, far = scene.textured_range_steps
    assert 0 < near < far < scene.travel_steps


@pytest.mark.parametrize("name", scene_names())
def test_a_scene_is_the_same_for_one_seed_and_another_for_another(name: str) -> None:
    frames = [
        SceneView(find_scene(name), (160, 120), seed).expose(Pose(0.0)).rows(0, 120) for seed in (1, 1, 2)
    ]
    assert (frames[0] == frames[1]).all()
    assert (frames[0] != frames[2]).any()


@pytest.mark.parametrize("name", scene_names())
def test_something_is_sharpest_at_either_end_of_the_textured_range(name: str) -> None:
    scene = find_scene(name)
    view = SceneView(scene, (480, 360), 1)
    near, far = scene.textured_range_um
    sharpness = []
    for z in (near + 60, far - 60):
        grey = view.expose(Pose(z)).rows(0, 360)[..., 1]
        sharpness.append(
            np.abs(np.diff(grey, axis=1))[:, :-1].reshape(12, 30, -1, 2).mean(axis=(1, 3))[:, :239]
        )
    better_near = sharpness[0] > 1.3 * sharpness[1]
    better_far = sharpness[1] > 1.3 * sharpness[0]
    assert better_near.mean() > 0.05
    assert better_far.mean() > 0.05


def visible_depths_um(scene: Scene, size: tuple[int, int]) -> np.ndarray:
    """Depth of what is seen at each pixel of the canvas, NaN where only a blurred backdrop is."""
    canvas = Canvas(size, scene.lens.magnification, 1)
    width, height = canvas.size_px
    depths = np.full((height, width), np.nan)
    for surface in scene.build(canvas):
        if surface.first_mip:
            continue
        rows, columns = surface.shape
        x, y = surface.offset_px
        part = surface.block(0, 0, min(rows, height - y), 0, min(columns, width - x))
        here = depths[y : y + rows, x : x + columns]
        opaque = part.bgra[..., 3] > 180  # stored as a root: half covered
        here[opaque] = surface.z_um()[part.depth[opaque]]
    return depths


@pytest.mark.parametrize("name", scene_names())
def test_the_textured_range_is_that_of_what_can_be_seen(name: str) -> None:
    """But for half a per cent at each end, to within one focus step."""
    scene = find_scene(name)

    near, far = np.nanquantile(visible_depths_um(scene, (507, 380)), (0.005, 0.995))

    step_um = scene.lens.depth_of_field_um * 0.7
    assert scene.textured_range_um == pytest.approx((near, far), abs=step_um)

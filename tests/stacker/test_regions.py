"""The retouch map: from which frame each part of a stack comes, outlined, within the depth map's own file."""

import struct
from itertools import pairwise

import cv2
import numpy as np
from brackets import Layer, layered, stacked, step, surface, texture, tilted_plane, write_frames
from PIL import Image
from samplepictures import cut

from stacker.cli import main
from stacker.regions import CHUNK, NOWHERE, OUTLINE, regions

SHAPE = 192, 256


def parts_of(depth_map):
    """The map within the file of a depth map."""
    data = depth_map.read_bytes()
    at = data.index(CHUNK)
    (length,) = struct.unpack(">I", data[at - 4 : at])
    return cv2.imdecode(np.frombuffer(data[at + 4 : at + 4 + length], np.uint8), cv2.IMREAD_UNCHANGED)


def written(frames, tmp_path):
    depth = tmp_path / "depth.png"
    arguments = [*map(str, frames), "-o", str(tmp_path / "out.png"), "--depth-map", str(depth)]
    assert main(["stack", *arguments, "--align", "none", "--quiet"]) == 0
    return depth


def at_pixels(found):
    """The map enlarged to the size of the picture."""
    return cv2.resize(found, SHAPE[::-1], interpolation=cv2.INTER_NEAREST)


def test_each_part_has_the_number_of_the_frame_in_focus_there(tmp_path):
    bracket = tilted_plane(SHAPE, 6)
    found = at_pixels(parts_of(written(write_frames(tmp_path / "frames", bracket.frames), tmp_path)))
    inside = (found != OUTLINE) & (found != NOWHERE)
    assert inside.mean() > 0.85
    truth = np.rint(bracket.depth.clip(0, 5)) + 1
    assert np.mean(found[inside] == truth[inside]) > 0.9


def test_between_two_parts_lies_an_outline(tmp_path):
    found = regions(stacked(step(SHAPE, 6).frames))
    assert {2, 5} <= set(np.unique(found)) <= {2, 5, OUTLINE, NOWHERE}
    for row in found:
        numbers = row[(row != NOWHERE)]
        changes = [(a, b) for a, b in pairwise(numbers) if a != b]
        assert all(OUTLINE in change for change in changes)


def test_where_no_frame_was_sharp_there_is_no_number():
    plain = np.full((*SHAPE, 3), 120, np.float32)
    plain[:, :128] = texture(SHAPE, 4)[:, :128]
    depth = np.broadcast_to(np.linspace(0.5, 4.5, SHAPE[1], dtype=np.float32), SHAPE)
    found = at_pixels(regions(stacked(surface(plain, depth, 6).frames)))
    assert np.mean(found[:, 170:] == NOWHERE) > 0.95
    assert np.mean(found[:, :100] == NOWHERE) < 0.05


def test_what_lies_before_the_first_frame_is_a_guess():
    """A blurred layer in front that no frame has in focus has the pattern of those that are cut off."""
    cover = np.zeros(SHAPE, np.float32)
    cover[60:140, 80:180] = 1
    ground = Layer(texture(SHAPE, 8), np.ones(SHAPE, np.float32), 8)
    before = Layer(texture(SHAPE, 9, mean=150), cover, 0)
    frames = layered([ground, before], 11).frames[5:]
    found = at_pixels(regions(stacked(frames)))
    assert np.mean(found[80:120, 100:160] == NOWHERE) > 0.8


def test_a_frame_left_out_has_no_part(tmp_path):
    frames = write_frames(tmp_path / "frames", tilted_plane(SHAPE, 6).frames)
    cut(frames[2], 0.5)
    assert set(np.unique(parts_of(written(frames, tmp_path)))) - {NOWHERE, OUTLINE} == {1, 2, 4, 5, 6}


def test_other_programs_read_the_depth_map_as_ever(tmp_path):
    depth = written(write_frames(tmp_path / "frames", tilted_plane(SHAPE, 6).frames), tmp_path)
    with Image.open(depth) as picture:
        picture.verify()
    seen = cv2.imread(str(depth), cv2.IMREAD_UNCHANGED)
    assert (seen.dtype, seen.shape) == (np.uint16, SHAPE)


def test_one_frame_alone_has_no_sure_part():
    assert (regions(stacked(tilted_plane(SHAPE, 6).frames[:1])) == NOWHERE).all()

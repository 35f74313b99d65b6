"""Brackets are found by camera, exposure, gaps in time and the way the focus moves on."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from fakecard import FakeCard
from hypothesis import given
from hypothesis import strategies as st

from stacker.bracketfinder import (
    FEWEST_FRAMES,
    LONGEST_GAP_S,
    FoundFrame,
    Group,
    find_groups,
    focus_moves_on,
    shot_order,
)
from stacker.formats.shotfacts import ShotFacts
from stacker.glance import focus_signature, found_frame, low_copy

EPOCH = datetime(2026, 5, 17, 14, 0, 0)
FAR_APART_S = 2 * LONGEST_GAP_S


def frame(at_s: float, name: str = "IMG_0001.JPG", camera: str = "Canon", **facts) -> FoundFrame:
    moment = EPOCH + timedelta(seconds=at_s)
    taken = f"{moment:%Y:%m:%d %H:%M:%S}.{moment.microsecond:06d}"
    known = {"exposure_s": 1 / 125, "iso": 200, **facts}
    return FoundFrame("DCIM", name, (3000, 4000), ShotFacts(taken, camera, **known))


def burst(count: int, start_s: float, every_s: float = 1.0, first: int = 1, **facts) -> list[FoundFrame]:
    names = (f"IMG_{first + n:04d}.JPG" for n in range(count))
    return [frame(start_s + n * every_s, name, **facts) for n, name in enumerate(names)]


def counts(groups: list[Group]) -> list[int]:
    return [len(group) for group in groups if group.bracket]


shots = st.lists(
    st.builds(
        frame,
        st.floats(0, 3000),
        st.integers(1, 9999).map("IMG_{:04d}.JPG".format),
        st.sampled_from(["Canon", "Nikon"]),
        exposure_s=st.sampled_from([1 / 500, 1 / 125, 1 / 30]),
    ),
    max_size=40,
)


@given(shots)
def test_every_frame_is_in_exactly_one_group_and_groups_are_neighbours(frames):
    frames = [frames[index] for index in shot_order(frames)]
    covered = [at for g in find_groups(frames, {}) for at in range(g.first, g.last + 1)]

    assert covered == list(range(len(frames)))


@given(shots)
def test_a_group_is_of_one_camera_and_a_bracket_of_one_exposure(frames):
    frames = [frames[index] for index in shot_order(frames)]
    for group in find_groups(frames, {}):
        members = frames[group.first : group.last + 1]
        assert len({one.facts.camera for one in members}) == 1
        if group.bracket:
            assert len({one.facts.exposure_s for one in members}) == 1
            assert len(members) >= FEWEST_FRAMES


@given(shots)
def test_no_bracket_spans_the_longest_gap(frames):
    frames = [frames[index] for index in shot_order(frames)]
    for group in find_groups(frames, {}):
        times = [one.facts.taken_s for one in frames[group.first : group.last + 1]]
        if group.bracket:
            assert max(np.diff(times), default=0) <= LONGEST_GAP_S


@given(st.lists(st.integers(FEWEST_FRAMES, 12), min_size=1, max_size=6), st.floats(0.05, 12))
def test_brackets_with_a_long_pause_between_them_are_found_as_they_were_shot(sizes, every_s):
    frames, start = [], 0.0
    for size in sizes:
        frames += burst(size, start, every_s, first=len(frames) + 1)
        start += size * every_s + FAR_APART_S

    assert counts(find_groups(frames, {})) == sizes


@given(st.permutations(burst(6, 0) + burst(5, 1000, first=7)))
def test_the_order_on_the_card_does_not_matter(shuffled):
    ordered = [shuffled[index] for index in shot_order(shuffled)]

    assert [one.name for one in ordered] == [f"IMG_{n:04d}.JPG" for n in range(1, 12)]


def test_a_pause_of_seconds_divides_two_fast_brackets_but_not_one_shot_by_hand():
    fast = burst(8, 0, every_s=0.2) + burst(8, 6, every_s=0.2, first=9)
    by_hand = burst(5, 0, every_s=9) + burst(4, 5 * 9 + 12, every_s=9, first=6)

    assert counts(find_groups(fast, {})) == [8, 8]
    assert counts(find_groups(by_hand, {})) == [9]


def test_two_cameras_in_one_folder_at_one_time_are_never_mixed():
    both = burst(5, 0, camera="Canon") + burst(5, 0.5, camera="Nikon")
    frames = [both[index] for index in shot_order(both)]

    assert counts(find_groups(frames, {})) == [5, 5]


def test_a_bracket_of_exposures_is_no_focus_bracket():
    frames = [frame(n, f"IMG_{n}.JPG", exposure_s=1 / 125 * 2.0 ** (n % 3 - 1)) for n in range(9)]

    assert counts(find_groups(frames, {})) == []


def test_exposure_that_wanders_by_a_third_of_a_stop_does_not_divide_a_bracket():
    frames = [frame(n, f"IMG_{n}.JPG", exposure_s=1 / 125 * 2.0 ** (n / 3)) for n in range(6)]

    assert counts(find_groups(frames, {})) == [6]


def test_frames_of_the_same_second_stay_in_the_order_of_their_names():
    frames = [frame(0, f"IMG_{n}.JPG") for n in (10, 9, 2, 1)]

    assert [frames[index].name for index in shot_order(frames)] == [f"IMG_{n}.JPG" for n in (1, 2, 9, 10)]


def test_frames_that_tell_no_time_are_grouped_by_folder_and_name():
    names = [f"flies_{n}.jpg" for n in range(4)] + [f"step{n}.jpg" for n in range(5)]
    frames = [FoundFrame("x", name, (100, 200), ShotFacts()) for name in names]
    frames += [FoundFrame("y", name, (100, 200), ShotFacts()) for name in names[4:]]
    frames = [frames[index] for index in shot_order(frames)]

    assert counts(find_groups(frames, {})) == [4, 5, 5]


def test_single_pictures_between_brackets_are_one_group_that_is_no_bracket():
    frames = [
        *burst(5, 0),
        frame(1000, "IMG_0006.JPG"),
        frame(3000, "IMG_0007.JPG"),
        *burst(4, 5000, first=8),
    ]

    assert find_groups(frames, {}) == [Group(0, 4, True), Group(5, 6, False), Group(7, 10, True)]


# --- with a look at the pictures ------------------------------------------------------------------


def looked_at(paths: list[Path]):
    found = [found_frame(path) for path in paths]
    order = shot_order([frame for frame, _ in found])
    signatures = {
        at: focus_signature(low_copy(paths[index], found[index][1])) for at, index in enumerate(order)
    }
    return [found[index][0] for index in order], signatures


def test_two_brackets_of_one_subject_without_a_pause_are_divided_where_the_focus_starts_anew(tmp_path):
    card = FakeCard(tmp_path)
    paths = card.bracket(7) + card.bracket(7)
    frames, signatures = looked_at(paths)

    assert counts(find_groups(frames, {})) == [14]
    assert counts(find_groups(frames, signatures)) == [7, 7]


def test_a_burst_of_one_focus_is_no_bracket(tmp_path):
    card = FakeCard(tmp_path)
    frames, signatures = looked_at(card.burst(6))

    assert counts(find_groups(frames, {})) == [6]
    assert counts(find_groups(frames, signatures)) == []


REAL = ("beetle", "amber-flies", "glass-imx219", "pcb", "ring", "rpi-board", "teasel")


@pytest.mark.shared
@pytest.mark.parametrize("name", REAL)
def test_a_real_bracket_shot_twice_is_two_brackets(tmp_path, name):
    shared = os.environ.get("FIELDSTACK_SHARED")
    if not shared:
        pytest.skip("FIELDSTACK_SHARED is not set")
    frames = sorted(p for p in (Path(shared) / "stacks" / name).glob("*.jpg") if p.stem != "expected")
    card = FakeCard(tmp_path)
    paths = card.copy(frames) + card.copy(frames)
    found, signatures = looked_at(paths)

    assert focus_moves_on([signatures[at] for at in range(len(frames))])
    assert counts(find_groups(found, signatures)) == [len(frames)] * 2

"""Brackets on disk: what is noted is whole, whatever happens."""

from __future__ import annotations

import json
import multiprocessing
import os
import resource
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from patience import PATIENCE_S, next_line

from rig.bracketfolder import BracketFolder
from rig.durable import sweep_parts, write_whole
from rig.errors import NoSuchBracketError, StorageFullError, StoreError
from rig.facts import append_fact, read_facts
from rig.status import Outcome
from rig.store import Store, opened

ABOUT = {
    "position_steps": 100,
    "position_um": 100.0,
    "exposure_us": 10_000,
    "gain": 1.0,
    "sharpness": 5.0,
    "width": 64,
    "height": 48,
}
PLENTY = 10_000_000_000


@pytest.fixture
def store(tmp_path):
    with opened(Store(tmp_path / "data", free=lambda _: PLENTY)) as opened_store:
        yield opened_store


def new_bracket(store: Store, frames: int = 3, **head) -> BracketFolder:
    folder = store.create(0, frames_planned=frames, **head)
    for index in range(frames):
        folder.add_frame(index, bytes([index]) * 1000, **ABOUT)
    return folder


# --- facts -----------------------------------------------------------------------------------------


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    values=st.lists(st.dictionaries(st.sampled_from(["a", "b", "ü"]), st.text(max_size=8)), max_size=5),
    data=st.data(),
)
def test_facts_cut_at_any_byte_are_a_prefix_and_can_be_added_to(tmp_path, values, data):
    path = tmp_path / "facts.jsonl"
    path.unlink(missing_ok=True)
    facts = [{"fact": "note", **value} for value in values]
    for fact in facts:
        append_fact(path, fact)
    whole = path.read_bytes() if facts else b""
    path.write_bytes(whole[: data.draw(st.integers(0, len(whole)))])

    kept = read_facts(path)
    append_fact(path, {"fact": "after"})

    assert kept == facts[: len(kept)]
    assert read_facts(path) == [*kept, {"fact": "after"}]


def test_a_fact_is_whole_after_every_append(tmp_path):
    path = tmp_path / "facts.jsonl"
    for number in range(50):
        append_fact(path, {"fact": "n", "number": number})
    assert [fact["number"] for fact in read_facts(path)] == list(range(50))


def test_a_damaged_line_does_not_hide_the_others(tmp_path):
    path = tmp_path / "facts.jsonl"
    path.write_bytes(b'{"fact":"a"}\n\x00\xff{{\n[1]\n{"fact":"b"}\n')
    assert read_facts(path) == [{"fact": "a"}, {"fact": "b"}]


def test_a_torn_tail_longer_than_a_block_is_cut_off(tmp_path):
    path = tmp_path / "facts.jsonl"
    path.write_bytes(b'{"fact":"a"}\n' + b"x" * 200_000)
    append_fact(path, {"fact": "b"})
    assert read_facts(path) == [{"fact": "a"}, {"fact": "b"}]


# --- brackets ---------------------------------------------------------------------------------------


def test_noted_frames_come_back_with_what_is_known_of_them(store):
    folder = new_bracket(store, simulated="bristles")
    detail = store.detail(folder.id)
    assert [frame.index for frame in detail.frames] == [0, 1, 2]
    assert detail.frames[1].name == "001.jpg"
    assert detail.frames[1].size_bytes == 1000
    assert detail.summary.simulated == "bristles"
    assert folder.damaged_frames() == ()


def test_a_bracket_describes_itself_without_the_store(store, tmp_path):
    folder = new_bracket(store)
    copy = tmp_path / "elsewhere"
    folder.path.rename(copy)
    detail = BracketFolder(copy, lambda _: PLENTY).detail()
    assert detail.summary.frames_done == 3


def test_a_bracket_without_an_end_is_interrupted(store):
    assert store.detail(new_bracket(store).id).summary.outcome is Outcome.INTERRUPTED


def test_the_bracket_being_shot_has_no_outcome_yet(store):
    folder = new_bracket(store)
    store.active_id = folder.id
    assert store.detail(folder.id).summary.outcome is None


def test_a_resumed_bracket_is_open_again_until_it_ends(store):
    folder = new_bracket(store)
    folder.note("ended", outcome="stopped")
    assert store.detail(folder.id).summary.outcome is Outcome.STOPPED
    folder.note("resumed")
    assert store.detail(folder.id).summary.outcome is Outcome.INTERRUPTED
    folder.note("ended", outcome="complete")
    assert store.detail(folder.id).summary.outcome is Outcome.COMPLETE


def test_a_frame_shot_again_replaces_the_first(store):
    folder = new_bracket(store)
    folder.add_frame(1, b"sharper", **{**ABOUT, "sharpness": 9.0})
    frames = store.detail(folder.id).frames
    assert len(frames) == 3
    assert frames[1].sharpness == 9.0
    assert folder.damaged_frames() == ()


def test_a_frame_changed_on_the_card_is_found_by_its_checksum(store):
    folder = new_bracket(store)
    folder.frame_path(2).write_bytes(b"rot")
    assert [frame.index for frame in folder.damaged_frames()] == [2]


def test_a_result_has_its_name_only_when_it_is_whole(store):
    folder = new_bracket(store)
    result_id, part = folder.begin_result()
    (part / "fused.jpg").write_bytes(b"fused")
    assert store.detail(folder.id).results == ()
    about = {"method": "auto", "width": 64, "height": 48, "used": 3, "frames": 3}
    folder.finish_result(result_id, part, about)
    assert store.file(folder.id, "fused", result="r01").read_bytes() == b"fused"
    assert store.detail(folder.id).summary.results == ("r01",)


def test_two_results_begun_at_once_have_different_ids(store):
    folder = new_bracket(store)
    assert folder.begin_result()[0] != folder.begin_result()[0]


# --- ids --------------------------------------------------------------------------------------------


def test_ids_count_up_and_newest_is_listed_first(store):
    ids = [new_bracket(store, 0).id for _ in range(3)]
    assert ids == ["b000001", "b000002", "b000003"]
    assert store.ids() == tuple(reversed(ids))


def test_the_number_of_a_deleted_bracket_is_not_given_again(store):
    folder = new_bracket(store)
    store.delete(folder.id)
    assert new_bracket(store).id == "b000002"


@pytest.mark.parametrize("counter", [None, b"", b"junk", b"0"])
def test_a_lost_counter_starts_again_from_the_folders(store, counter):
    new_bracket(store)
    new_bracket(store)
    if counter is None:
        (store.folder / "counter").unlink()
    else:
        (store.folder / "counter").write_bytes(counter)
    assert new_bracket(store).id == "b000003"


@pytest.mark.parametrize(
    "odd", ["", "..", "../b000001", "b000001/../b000001", "b1", "b00000x", "B000001", "b000001\n"]
)
def test_an_odd_id_is_no_bracket(store, odd):
    new_bracket(store)
    with pytest.raises(NoSuchBracketError):
        store.folder_of(odd)


@pytest.mark.parametrize("kind", ["fused", "frames", "../counter", "report"])
def test_a_file_that_is_not_there_is_refused(store, kind):
    folder = new_bracket(store)
    with pytest.raises(NoSuchBracketError):
        store.file(folder.id, kind)


@pytest.mark.parametrize("result", ["..", "r01/..", "r1", "r01.part"])
def test_an_odd_result_id_is_refused(store, result):
    folder = new_bracket(store)
    with pytest.raises(NoSuchBracketError):
        store.file(folder.id, "fused", result=result)


# --- room -------------------------------------------------------------------------------------------


def test_a_bracket_that_would_eat_the_reserve_is_refused_with_figures(tmp_path):
    with opened(Store(tmp_path, reserve_bytes=300_000_000, free=lambda _: 500_000_000)) as store:
        with pytest.raises(StorageFullError, match=r"250\.0 MB but 200\.0 MB are free"):
            store.create(250_000_000, frames_planned=50)
        assert store.ids() == ()


def test_a_frame_that_does_not_fit_is_refused_and_the_others_stay(tmp_path):
    free = [PLENTY]
    with opened(Store(tmp_path, free=lambda _: free[0])) as store:
        folder = new_bracket(store, 2)
        free[0] = 1_000_000
        with pytest.raises(StorageFullError, match=r"1\.0 MB are free"):
            folder.add_frame(2, b"x" * 5000, **ABOUT)
        assert store.detail(folder.id).summary.frames_done == 2
        assert folder.damaged_frames() == ()


def _write_until_the_limit(data: Path, answer) -> None:
    """In a child: the kernel refuses files beyond 20 kB in the middle of the write, as a full disk does."""
    store = Store(data, free=lambda _: PLENTY)
    store.open()
    folder = store.create(0, frames_planned=3)
    folder.add_frame(0, b"a" * 10_000, **ABOUT)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
    try:
        folder.add_frame(1, b"b" * 50_000, **ABOUT)
    except StorageFullError as error:
        answer.put((folder.id, str(error)))


def test_a_write_cut_off_by_a_full_disk_leaves_no_trace(tmp_path):
    context = multiprocessing.get_context("spawn")
    answer = context.Queue()
    child = context.Process(target=_write_until_the_limit, args=(tmp_path, answer))
    child.start()
    bracket_id, sentence = answer.get(timeout=60)
    child.join(60)
    assert "no room to write 001.jpg" in sentence
    detail = Store(tmp_path).detail(bracket_id)
    assert [frame.index for frame in detail.frames] == [0]
    assert sorted(path.name for path in (tmp_path / bracket_id / "frames").iterdir()) == ["000.jpg"]


# --- one writer, many lookers ----------------------------------------------------------------------


def test_a_second_writer_is_refused_with_the_first_ones_number(store):
    with pytest.raises(StoreError, match=f"process {os.getpid()}.*--data"):
        Store(store.folder).open()


def test_looking_works_while_another_writes(store):
    folder = new_bracket(store)
    looker = Store(store.folder)
    assert looker.summaries()[0].id == folder.id
    with pytest.raises(StoreError, match="looking only"):
        looker.delete(folder.id)


def test_after_close_another_may_write(store):
    store.close()
    store.close()
    with opened(Store(store.folder)) as second:
        assert new_bracket_id(second) == "b000001"


def new_bracket_id(store: Store) -> str:
    return store.create(0, frames_planned=1).id


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be used"):
        Store(tmp_path / "file" / "data").open()


def test_an_empty_place_has_no_brackets(tmp_path):
    assert Store(tmp_path / "nowhere").summaries() == ()


# --- recovery ----------------------------------------------------------------------------------------


def test_opening_sweeps_what_a_power_cut_left_half_done(store):
    folder = new_bracket(store)
    (folder.path / "frames" / "003.jpg.part").write_bytes(b"half")
    folder.begin_result()[1].joinpath("fused.jpg").write_bytes(b"half")
    (store.folder / "b000009.part").mkdir()
    (store.folder / ".trash-b000000").mkdir()
    store.close()
    with opened(Store(store.folder)) as again:
        assert not list(again.folder.rglob("*.part"))
        assert not list(again.folder.glob(".trash*"))
        assert again.detail(folder.id).summary.frames_done == 3


def test_a_bracket_with_damaged_facts_is_passed_over_and_explained(store):
    good, bad = new_bracket(store), new_bracket(store)
    bad.facts_path.write_text('{"fact":"bracket","format":1}\n{"fact":"frame","index":"x"}\n')
    assert [summary.id for summary in store.summaries()] == [good.id]
    with pytest.raises(StoreError, match="damaged"):
        store.detail(bad.id)


def test_facts_of_a_newer_program_are_refused_not_misread(store):
    folder = new_bracket(store)
    folder.facts_path.write_text('{"fact":"bracket","format":99}\n')
    with pytest.raises(StoreError, match="newer"):
        store.detail(folder.id)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(share=st.floats(0, 1))
def test_facts_cut_anywhere_leave_a_bracket_that_can_be_resumed(store, share):
    folder = new_bracket(store)
    data = folder.facts_path.read_bytes()
    head_end = data.index(b"\n") + 1  # the first fact is there before the folder has its name
    cut = head_end + round(share * (len(data) - head_end))
    folder.facts_path.write_bytes(data[:cut])

    done = store.detail(folder.id).summary.frames_done
    for index in range(done, 3):
        folder.add_frame(index, bytes([index]) * 1000, **ABOUT)

    detail = store.detail(folder.id)
    assert [frame.index for frame in detail.frames] == [0, 1, 2]
    assert folder.damaged_frames() == ()


KILLED = textwrap.dedent(
    """
    import sys
    from pathlib import Path
    from rig.store import Store
    store = Store(Path(sys.argv[1]))
    store.open()
    about = dict(position_steps=0, position_um=0.0, exposure_us=1, gain=1.0, sharpness=1.0, width=1, height=1)
    while True:
        folder = store.create(0, frames_planned=5)
        for index in range(5):
            folder.add_frame(index, bytes([index]) * 300_000, **about)
            print(folder.id, index, flush=True)
        folder.note("ended", outcome="complete")
    """
)


@pytest.mark.parametrize("lines_before", [1, 4, 8])
def test_a_process_killed_while_writing_leaves_every_noted_frame_whole(tmp_path, lines_before):
    child = subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    said = [next_line(child).split() for _ in range(lines_before)]
    child.kill()
    said += [line.split() for line in child.stdout]
    child.wait(PATIENCE_S)

    with opened(Store(tmp_path)) as store:  # the lock died with its holder
        noted = {(detail.id, frame.index) for detail in store.details() for frame in detail.frames}
        assert {(bracket_id, int(index)) for bracket_id, index in said} <= noted
        assert all(store.folder_of(bracket_id).damaged_frames() == () for bracket_id in store.ids())
        assert not list(tmp_path.rglob("*.part"))
        assert new_bracket(store).id not in {bracket_id for bracket_id, _ in said}


def test_delete_leaves_nothing_and_is_refused_for_what_is_not_there(store):
    folder = new_bracket(store)
    store.delete(folder.id)
    assert sorted(entry.name for entry in store.folder.iterdir()) == [".lock", "counter"]
    with pytest.raises(NoSuchBracketError):
        store.delete(folder.id)


def test_what_is_known_of_a_bracket_follows_its_facts(store):
    folder = new_bracket(store, 1)
    assert store.detail(folder.id).summary.frames_done == 1
    folder.add_frame(1, b"more", **ABOUT)
    assert store.detail(folder.id).summary.frames_done == 2


def test_a_whole_write_replaces_and_leaves_no_part(tmp_path):
    path = tmp_path / "value"
    write_whole(path, b"one")
    write_whole(path, b"two")
    assert path.read_bytes() == b"two"
    assert sweep_parts(tmp_path) == 0


def test_summaries_are_plain_json(store):
    new_bracket(store, created="2024-05-01T10:00:00+02:00")
    assert json.loads(json.dumps(store.summaries()[0].as_dict()))["created"].startswith("2024")
    assert json.loads(json.dumps(store.detail("b000001").as_dict()))["frames_done"] == 3

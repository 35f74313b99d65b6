"""Brackets of other cameras: looked through, copied, stacked behind the rig's own; the card is only ever read."""

from __future__ import annotations

import errno
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import piexif
import pytest
from fakecard import FakeCard, state_of
from rawfile import write_dng
from simrig import PATIENCE_S, Rig

from rig import copying
from rig.errors import (
    ConfigError,
    NoSuchBracketError,
    NoSuchJobError,
    NoSuchSourceError,
    NotAllowedError,
    NotOneBracketError,
    SourceError,
    StorageFullError,
)
from rig.importdesk import SMALL_PICTURES
from rig.importjob import JobView
from rig.pictures import small_jpeg
from rig.scan import ScanView
from rig.status import Outcome
from stacker.formats.metadata import Metadata
from stacker.imagefile import write_planes
from stacker.planes import from_bgr

QUICK = {"method": "average", "align": "none"}


@pytest.fixture
def card(tmp_path: Path) -> FakeCard:
    """Brackets of 4 and 5 frames, and a single picture between them."""
    card = FakeCard(tmp_path / "EOS_DIGITAL")
    card.bracket(4, seed=1)
    card.later(600).bracket(1)
    card.later(600).bracket(5, seed=2)
    return card


@pytest.fixture
def desk_rig(make_rig: Callable[..., Rig], card: FakeCard) -> Rig:
    return make_rig({"sources.folders": [str(card.root)]})


def looked_through(rig: Rig) -> tuple[str, ScanView]:
    """The id of the only source, and what was found on it."""
    desk = rig.workflow.imports
    ((source, _),) = desk.sources()
    desk.scan(source.id)
    assert desk.wait_idle(PATIENCE_S)
    view = desk.source(source.id)[1]
    assert view is not None
    return source.id, view


def ordered(rig: Rig, *ends: tuple[int, int], key: str | None = None, **settings: object) -> tuple[str, ...]:
    source, view = looked_through(rig)
    return rig.workflow.imports.order(source, view.id, ends, {**QUICK, **settings}, key)


def finished(rig: Rig, job_id: str) -> JobView:
    desk = rig.workflow.imports
    assert desk.wait_idle(PATIENCE_S)
    assert rig.workflow.wait_stacked(PATIENCE_S)
    job = desk.job(job_id)
    assert job.over
    return job


# --- looking ----------------------------------------------------------------------------------------


def test_nothing_is_looked_through_until_somebody_asks(desk_rig: Rig) -> None:
    ((source, view),) = desk_rig.workflow.imports.sources()

    assert source.name == "EOS_DIGITAL" and view is None


def test_the_brackets_of_a_card_are_found_and_the_card_is_as_it_was(desk_rig: Rig, card: FakeCard) -> None:
    before = state_of(card.root)
    _, view = looked_through(desk_rig)

    assert (view.state, view.complete) == ("done", True)
    assert view.groups == ((0, 3, True), (4, 4, False), (5, 9, True))
    assert view.frames[0].name == "IMG_0001.JPG" and view.frames[0].camera == "Canon EOS R7"
    assert state_of(card.root) == before


def test_every_frame_has_a_small_picture(desk_rig: Rig) -> None:
    source, view = looked_through(desk_rig)
    desk = desk_rig.workflow.imports

    for index in range(len(view.frames)):
        assert desk.picture(source, view.id, index).read_bytes().startswith(b"\xff\xd8\xff")
    with pytest.raises(NoSuchBracketError):
        desk.picture(source, view.id, len(view.frames))


def test_damaged_pictures_are_counted_and_the_others_found(desk_rig: Rig, card: FakeCard) -> None:
    (card.folder / "IMG_0000.JPG").write_bytes(b"\xff\xd8\xff\xe0no picture")
    (card.folder / "liar.jpg").write_bytes(b"GIF89a")
    _, view = looked_through(desk_rig)

    assert view.passed_over == {"damaged": 2} and view.brackets == 2


def test_a_picture_that_promises_more_pixels_than_any_sensor_has_is_not_decoded(
    desk_rig: Rig, card: FakeCard
) -> None:
    data = bytearray((card.folder / "IMG_0001.JPG").read_bytes())
    start = data.index(b"\xff\xc0")
    data[start + 5 : start + 9] = b"\xff\xff\xff\xff"
    (card.folder / "bomb.jpg").write_bytes(data)

    assert looked_through(desk_rig)[1].passed_over == {"large": 1}


def test_a_card_taken_out_meanwhile_is_said_so(desk_rig: Rig, card: FakeCard) -> None:
    desk = desk_rig.workflow.imports
    ((source, _),) = desk.sources()
    shutil.rmtree(card.root)

    assert desk.sources() == []
    with pytest.raises(NoSuchSourceError, match="taken out"):
        desk.scan(source.id)


def test_looking_again_finds_what_was_added_and_forgets_the_old_numbers(
    desk_rig: Rig, card: FakeCard
) -> None:
    source, first = looked_through(desk_rig)
    card.later(900).bracket(3, seed=3)
    _, second = looked_through(desk_rig)

    assert (first.brackets, second.brackets) == (2, 3)
    with pytest.raises(SourceError, match="again"):
        desk_rig.workflow.imports.order(source, first.id, [(0, 3)], QUICK, None)


def test_a_scan_that_is_called_off_keeps_what_it_has_found(
    make_rig: Callable[..., Rig], card: FakeCard
) -> None:
    rig = make_rig({"sources.folders": [str(card.root)]})
    desk = rig.workflow.imports
    ((source, _),) = desk.sources()
    job = desk.scan(source.id)
    desk.cancel(job)

    assert desk.wait_idle(PATIENCE_S)
    assert desk.job(job).state in ("cancelled", "done")  # it may have been quicker
    assert looked_through(rig)[1].brackets == 2


def test_the_small_pictures_are_gone_when_the_rig_ends(desk_rig: Rig) -> None:
    looked_through(desk_rig)
    assert (desk_rig.data / SMALL_PICTURES).is_dir()
    desk_rig.workflow.close()

    assert not (desk_rig.data / SMALL_PICTURES).exists()


# --- importing --------------------------------------------------------------------------------------


def test_a_bracket_is_copied_stacked_and_lies_among_the_rigs_own(desk_rig: Rig, card: FakeCard) -> None:
    before = state_of(card.root)
    (job_id,) = ordered(desk_rig, (5, 9))
    job = finished(desk_rig, job_id)

    assert job.state == "done" and job.bracket is not None
    detail = desk_rig.workflow.bracket(job.bracket)
    assert (detail.summary.imported, detail.summary.outcome) == ("EOS_DIGITAL", Outcome.COMPLETE)
    assert detail.results[0].used == 5
    assert detail.summary.created is not None and detail.summary.created.startswith("2026-05-17T14:20")
    copies = [desk_rig.workflow.file(detail.id, "frame", frame=n).read_bytes() for n in range(5)]
    assert copies == [(card.folder / f"IMG_{n:04d}.JPG").read_bytes() for n in range(6, 11)]
    assert state_of(card.root) == before


def test_the_copies_are_as_they_were_written(desk_rig: Rig) -> None:
    job = finished(desk_rig, ordered(desk_rig, (0, 3))[0])

    assert desk_rig.workflow._store.folder_of(str(job.bracket)).damaged_frames() == ()


def test_the_card_may_be_taken_out_as_soon_as_the_frames_are_copied(
    make_rig: Callable[..., Rig], card: FakeCard
) -> None:
    rig = make_rig({"sources.folders": [str(card.root)]})
    jobs = ordered(rig, (0, 3), (5, 9))
    assert rig.workflow.imports.wait_idle(PATIENCE_S)
    shutil.rmtree(card.root)

    assert [finished(rig, job).state for job in jobs] == ["done", "done"]


def test_brackets_are_worked_through_in_the_order_given_with_their_places_told(desk_rig: Rig) -> None:
    ids = ordered(desk_rig, (5, 9), (0, 3))
    listed = [job for job in desk_rig.workflow.imports.jobs() if job.kind == "import" and not job.over]
    assert [job.id for job in listed] == list(ids)[len(ids) - len(listed) :]
    assert [job.place for job in listed] == list(range(1, len(listed) + 1))
    brackets = [finished(desk_rig, job).bracket for job in ids]

    assert brackets == sorted(str(one) for one in brackets)


@pytest.mark.parametrize("kind", ["tif", "png", "dng"])
def test_a_bracket_of_tiffs_pngs_or_raws_is_imported_as_it_is(
    make_rig: Callable[..., Rig], tmp_path: Path, kind: str
) -> None:
    card = FakeCard(tmp_path / "OM SYSTEM")
    frames = [write_as(kind, path) for path in card.bracket(4)]
    frames[1].with_name(f"IMG_0009.{kind}").write_bytes(frames[1].read_bytes()[:100])
    before = state_of(card.root)
    rig = make_rig({"sources.folders": [str(card.root)]})
    source, view = looked_through(rig)

    assert view.groups == ((0, 3, True),) and view.passed_over == {"damaged": 1}
    desk = rig.workflow.imports
    assert desk.picture(source, view.id, 3).read_bytes().startswith(b"\xff\xd8\xff")
    (job_id,) = desk.order(source, view.id, [(0, 3)], QUICK, None)
    bracket_id = finished(rig, job_id).bracket
    assert bracket_id is not None
    assert rig.workflow.file(bracket_id, "frame", frame=3).read_bytes() == frames[3].read_bytes()
    assert rig.workflow.bracket(bracket_id).frames[3].name == f"003.{kind}"
    shown = cv2.imread(str(rig.workflow.file(bracket_id, "frame_shown", frame=3)))
    assert shown.shape[:2] == card.size
    fits = rig.workflow.file(bracket_id, "frame_screen", frame=3)
    assert cv2.imread(str(fits)).shape[:2] == card.size
    (result,) = rig.workflow.bracket(bracket_id).results
    assert result.used == 4
    assert state_of(card.root) == before


def test_a_strangers_frame_is_never_decoded_by_the_rig_itself(tmp_path, make_rig, monkeypatch):
    card = FakeCard(tmp_path / "OM SYSTEM")
    card.bracket(4)
    rig = make_rig({"sources.folders": [str(card.root)]})
    source, view = looked_through(rig)
    (job_id,) = rig.workflow.imports.order(source, view.id, [(0, 3)], QUICK, None)
    bracket_id = finished(rig, job_id).bracket
    lost = rig.workflow.file(bracket_id, "frame_thumb", frame=2)
    lost.unlink()
    decoded = []
    monkeypatch.setattr(
        "rig.store.small_jpeg", lambda path, *more: decoded.append(path) or small_jpeg(path, *more)
    )

    assert rig.workflow.file(bracket_id, "frame_thumb", frame=2).is_file()
    assert rig.workflow.file(bracket_id, "frame", frame=2) not in decoded


def write_as(kind: str, jpeg: Path) -> Path:
    """The same picture as a TIFF or PNG of 16 bits, or as a raw without a preview; the JPEG is gone."""
    picture = cv2.imread(str(jpeg))
    path = jpeg.with_suffix(f".{kind}")
    if kind in ("tif", "png"):
        exif = Metadata(exif=piexif.dump(piexif.load(str(jpeg)))[6:])
        write_planes(path, from_bgr(picture.astype(np.uint16) * 257), metadata=exif)
    else:
        write_dng(path, picture[..., 1].astype(np.uint16) * 64)
    jpeg.unlink()
    return path


def test_the_second_of_two_imports_can_tell_how_long_it_will_take(desk_rig: Rig) -> None:
    finished(desk_rig, ordered(desk_rig, (0, 3))[0])
    (job,) = ordered(desk_rig, (5, 9))
    told = desk_rig.workflow.imports.job(job)

    assert told.over or (told.eta_s is not None and told.eta_s > 0)


def test_the_same_key_again_copies_nothing_twice(desk_rig: Rig) -> None:
    source, view = looked_through(desk_rig)
    order = desk_rig.workflow.imports.order
    first = order(source, view.id, [(0, 3)], QUICK, "double-tap")
    again = order(source, view.id, [(0, 3)], QUICK, "double-tap")
    finished(desk_rig, first[0])

    assert first == again and len(desk_rig.workflow.brackets()) == 1


def test_frames_that_do_not_exist_are_refused_and_nothing_is_begun(desk_rig: Rig) -> None:
    source, view = looked_through(desk_rig)
    for ends in ((3, 3), (4, 2), (-1, 3), (0, 10), (0, 99999)):
        with pytest.raises(NotOneBracketError):
            desk_rig.workflow.imports.order(source, view.id, [(0, 3), ends], QUICK, None)
    assert desk_rig.workflow.brackets() == () and len(desk_rig.workflow.imports.jobs()) == 1


def test_frames_of_two_cameras_are_never_one_bracket(desk_rig: Rig, card: FakeCard) -> None:
    other = FakeCard(card.root, model="Canon EOS M50", clock=card.clock, count=card.count)
    other.later(900).bracket(4)
    _, view = looked_through(desk_rig)
    last = len(view.frames) - 1
    with pytest.raises(NotOneBracketError, match="different cameras"):
        ordered(desk_rig, (0, last))


def test_a_wrong_setting_is_refused_before_anything_is_copied(desk_rig: Rig) -> None:
    with pytest.raises(ConfigError):
        ordered(desk_rig, (0, 3), method="magic")
    assert desk_rig.workflow.brackets() == ()


def test_room_for_all_of_them_is_needed_before_the_first_is_copied(
    make_rig: Callable[..., Rig], card: FakeCard
) -> None:
    rig = make_rig({"sources.folders": [str(card.root)], "store.reserve_mb": 0}, free=lambda _: 500_000)

    with pytest.raises(StorageFullError, match=r"need about .* on the rig, 500 kB are free"):
        ordered(rig, (0, 3), (5, 9), (0, 3), (5, 9), (0, 3))
    assert rig.workflow.brackets() == ()


def test_a_file_changed_since_fails_its_bracket_alone_and_leaves_nothing_behind(
    desk_rig: Rig, card: FakeCard
) -> None:
    source, view = looked_through(desk_rig)
    with (card.folder / "IMG_0003.JPG").open("ab") as file:
        file.write(b"!")
    bad, good = desk_rig.workflow.imports.order(source, view.id, [(0, 3), (5, 9)], QUICK, None)

    failed = finished(desk_rig, bad)
    assert failed.state == "failed" and "IMG_0003.JPG has changed" in str(failed.error)
    assert finished(desk_rig, good).state == "done"
    assert len(desk_rig.workflow.brackets()) == 1 and not list(desk_rig.data.glob("b*.part"))


def test_a_disk_that_fills_up_while_copying_is_said_so_and_nothing_is_left_behind(
    desk_rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(copy: object, data: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    source, view = looked_through(desk_rig)
    monkeypatch.setattr(copying, "_write_all", full)
    (job,) = desk_rig.workflow.imports.order(source, view.id, [(0, 3)], QUICK, None)
    failed = finished(desk_rig, job)

    assert failed.state == "failed" and "no room to write 000.jpg" in str(failed.error)
    assert desk_rig.workflow.brackets() == () and not list(desk_rig.data.glob("b*.part"))


def test_a_card_pulled_while_copying_is_said_so_without_a_path(desk_rig: Rig, card: FakeCard) -> None:
    source, view = looked_through(desk_rig)
    (card.folder / "IMG_0002.JPG").unlink()
    (job,) = desk_rig.workflow.imports.order(source, view.id, [(0, 3)], QUICK, None)
    failed = finished(desk_rig, job)

    assert failed.error == (
        "IMG_0002.JPG on EOS_DIGITAL cannot be read (No such file or directory): was the card taken out?"
    )


def test_a_cancelled_import_leaves_nothing_or_the_whole_bracket(desk_rig: Rig) -> None:
    ids = ordered(desk_rig, (0, 3), (5, 9))
    for job in reversed(ids):
        desk_rig.workflow.imports.cancel(job)
    jobs = [finished(desk_rig, job) for job in ids]

    kept = {bracket.id: bracket for bracket in desk_rig.workflow.brackets()}
    assert {job.bracket for job in jobs if job.bracket} == set(kept)
    assert all(bracket.frames_done == bracket.frames_planned for bracket in kept.values())
    assert not list(desk_rig.data.glob("b*.part"))


def test_a_job_that_does_not_exist_is_said_so(desk_rig: Rig) -> None:
    for ask in (desk_rig.workflow.imports.job, desk_rig.workflow.imports.cancel):
        with pytest.raises(NoSuchJobError):
            ask("j00000000")


def test_an_imported_bracket_cannot_be_extended_or_gone_on_with(desk_rig: Rig) -> None:
    job = finished(desk_rig, ordered(desk_rig, (0, 3))[0])
    for ask in (desk_rig.workflow.extend, desk_rig.workflow.fill_gaps, desk_rig.workflow.resume):
        with pytest.raises(NotAllowedError):
            ask(str(job.bracket))


def test_the_rig_shoots_while_brackets_are_imported_and_loses_none(desk_rig: Rig) -> None:
    ids = ordered(desk_rig, (0, 3), (5, 9))
    own = desk_rig.shoot(frames=3)
    states = [finished(desk_rig, job).state for job in ids]

    assert states == ["done", "done"]
    assert desk_rig.workflow.bracket(own).summary.outcome is Outcome.COMPLETE
    assert len(desk_rig.workflow.brackets()) == 3


def test_after_a_power_cut_while_copying_there_is_no_half_bracket(
    make_rig: Callable[..., Rig], card: FakeCard
) -> None:
    rig = make_rig({"sources.folders": [str(card.root)]})
    looked_through(rig)
    begun = rig.workflow._store.begin(1000, imported="EOS_DIGITAL", frames_planned=4)
    begun.frame_path(0).write_bytes(b"half a fra")
    rig.workflow.close()

    again = make_rig({"sources.folders": [str(card.root)]})
    assert again.workflow.brackets() == () and not list(again.data.glob("b*.part"))


# --- order ------------------------------------------------------------------------------------------

# A stacker that is never ready, but goes when it is told to.
PATIENT_STACKER = (
    sys.executable,
    "-c",
    "import sys\n"
    'print(\'{"event": "progress", "stage": "aligning", "done": 0, "total": 2}\', flush=True)\n'
    "any('cancel' in line for line in sys.stdin)",
)


def waiting(rig: Rig) -> list[str]:
    return [job.id for job in rig.workflow.imports.jobs() if job.place]


def until_state(rig: Rig, job_id: str, state: str) -> None:
    rig.until(lambda status: rig.workflow.imports.job(job_id).state == state)


def test_an_import_is_done_next_when_it_is_wished(make_rig: Callable[..., Rig], card: FakeCard) -> None:
    rig = make_rig({"sources.folders": [str(card.root)]}, stacker=PATIENT_STACKER)
    first, second, third = ordered(rig, (0, 1), (2, 3), (5, 9))
    assert rig.workflow.imports.wait_idle(PATIENCE_S)  # all are copied
    until_state(rig, first, "stacking")
    rig.workflow.imports.prefer(third)
    rig.workflow.imports.prefer(first)  # it is at work already

    assert waiting(rig) == [first, third, second]
    rig.workflow.imports.cancel(first)
    until_state(rig, third, "stacking")
    assert waiting(rig) == [third, second]


def test_what_is_not_there_cannot_be_done_next(desk_rig: Rig) -> None:
    with pytest.raises(NoSuchJobError, match="no import"):
        desk_rig.workflow.imports.prefer("j00000000")

"""What is on the card, over the API."""

from __future__ import annotations

import io
import zipfile

import cv2
import numpy as np
import piexif
import pytest
import tifffile
from simrig import Rig
from webphone import Phone

from webui import create_app


@pytest.fixture
def bracket(rig: Rig) -> str:
    return rig.shoot(frames=3)


@pytest.fixture
def stacked(rig: Rig, bracket: str) -> str:
    rig.workflow.stack(bracket, {"method": "average"})
    rig.workflow.wait_stacked(120)
    return bracket


def test_a_brackets_detail_has_its_frames(phone: Phone, bracket: str) -> None:
    detail = phone.get(f"/api/brackets/{bracket}").json

    assert [frame["index"] for frame in detail["frames"]] == [0, 1, 2]
    assert detail["v"]


def test_a_frame_and_its_thumbnail_are_pictures(phone: Phone, bracket: str) -> None:
    frame = phone.get(f"/api/brackets/{bracket}/frames/1.jpg")
    thumb = phone.get(f"/api/brackets/{bracket}/frames/1/thumb.jpg")
    screen = phone.get(f"/api/brackets/{bracket}/frames/1/screen.jpg?v=1")

    assert frame.data[:3] == thumb.data[:3] == screen.data[:3] == b"\xff\xd8\xff"
    assert phone.get(f"/api/brackets/{bracket}/frames/1/screen.jpg?v=1").data == screen.data
    assert frame.content_type == "image/jpeg"


def test_a_large_result_can_be_had_in_tiles(phone: Phone, rig: Rig, stacked: str) -> None:
    across, down = np.meshgrid(np.arange(2500), np.arange(1100))
    picture = np.dstack([across // 10, down // 5, (across + down) // 15]).astype(np.uint8)
    fused = rig.workflow.file(stacked, "fused")
    cv2.imwrite(str(fused), picture, [cv2.IMWRITE_JPEG_QUALITY, 100])

    def tile(column: int, row: int) -> np.ndarray:
        data = phone.get(f"/api/brackets/{stacked}/results/r01/tiles/{column}/{row}.jpg").data
        return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)

    for column, row in ((0, 0), (1, 0), (2, 1)):
        part = picture[row * 1024 :, column * 1024 :][:1024, :1024]
        got = tile(column, row)
        assert got.shape == part.shape
        assert np.abs(got.astype(int) - part).mean() < 2
    assert phone.get(f"/api/brackets/{stacked}/results/r01/tiles/3/0.jpg").status_code == 404


def test_a_frame_can_be_had_in_tiles_of_which_those_of_two_frames_are_kept(
    phone: Phone, rig: Rig, bracket: str
) -> None:
    across, down = np.meshgrid(np.arange(1500), np.arange(1100))
    picture = np.dstack([across // 10, down // 5, (across + down) // 15]).astype(np.uint8)
    for frame in range(3):
        file = rig.workflow.file(bracket, "frame", frame=frame)
        cv2.imwrite(str(file), picture[:, :, ::-1] if frame else picture, [cv2.IMWRITE_JPEG_QUALITY, 100])
        data = phone.get(f"/api/brackets/{bracket}/frames/{frame}/tiles/1/1.jpg").data
        got = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
        part = (picture[:, :, ::-1] if frame else picture)[1024:, 1024:]
        assert got.shape == part.shape
        assert np.abs(got.astype(int) - part).mean() < 2

    kept = {one.name for one in (rig.workflow.folder(bracket) / "frame-tiles").iterdir()}
    assert len(kept) == 2 and "002" in kept
    assert phone.get(f"/api/brackets/{bracket}/frames/2/tiles/2/0.jpg").status_code == 404
    assert phone.get(f"/api/brackets/{bracket}/frames/999/tiles/0/0.jpg").status_code == 404


def test_an_unchanged_file_is_not_sent_twice(phone: Phone, bracket: str) -> None:
    address = f"/api/brackets/{bracket}/frames/0.jpg"
    tag = phone.get(address).headers["ETag"]

    assert phone.get(address, headers={"If-None-Match": tag}).status_code == 304


def test_a_part_of_a_file_can_be_had(phone: Phone, bracket: str) -> None:
    answer = phone.get(f"/api/brackets/{bracket}/frames/0.jpg", headers={"Range": "bytes=0-9"})

    assert (answer.status_code, len(answer.data)) == (206, 10)


def test_only_an_address_with_the_brackets_mark_may_be_kept_for_ever(phone: Phone, bracket: str) -> None:
    address = f"/api/brackets/{bracket}/frames/0.jpg"

    assert "immutable" in phone.get(f"{address}?v=1").headers["Cache-Control"]
    assert "no-cache" in phone.get(address).headers["Cache-Control"]


def test_a_download_has_a_name_that_says_which_bracket_it_is_of(phone: Phone, bracket: str) -> None:
    headers = phone.get(f"/api/brackets/{bracket}/frames/0.jpg?download").headers

    assert headers["Content-Disposition"] == f"attachment; filename={bracket}-000.jpg"


def test_the_zip_has_the_length_it_promised_and_is_sound(phone: Phone, stacked: str) -> None:
    answer = phone.get(f"/api/brackets/{stacked}/bracket.zip")

    assert answer.content_length == len(answer.data)
    with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
    assert [f"{stacked}/frames/{n:03d}.jpg" for n in range(3)] == names[:3]
    assert f"{stacked}/r01/fused.jpg" in names


def test_frames_alone_can_be_had_as_a_zip(phone: Phone, bracket: str) -> None:
    answer = phone.get(f"/api/brackets/{bracket}/bracket.zip?what=frames")

    with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
        assert len(archive.namelist()) == 3


def test_a_zip_of_nothing_is_refused(phone: Phone, bracket: str) -> None:
    assert phone.get(f"/api/brackets/{bracket}/bracket.zip?what=results").status_code == 404
    assert phone.get(f"/api/brackets/{bracket}/bracket.zip?what=else").status_code == 400


def test_a_result_gives_its_files(phone: Phone, stacked: str) -> None:
    for kind in ("fused", "screen", "thumb"):
        assert phone.get(f"/api/brackets/{stacked}/results/r01/{kind}").data[:3] == b"\xff\xd8\xff"
    assert phone.get(f"/api/brackets/{stacked}/results/r01/report").content_type == "application/json"


def test_stacking_is_ordered_over_the_api(rig: Rig, phone: Phone, bracket: str) -> None:
    answer = phone.post(f"/api/brackets/{bracket}/stack", {"settings": {"method": "average"}})
    rig.workflow.wait_stacked(120)

    assert (answer.status_code, answer.json["result"]) == (202, "r01")
    assert phone.get(f"/api/brackets/{bracket}").json["results"][0]["method"] == "average"
    assert phone.get("/api/stack.jpg").data[:3] == b"\xff\xd8\xff"
    assert phone.get("/api/stack-depth.png").status_code == 404  # only while it grows


def test_an_unknown_setting_of_the_stacker_is_refused(phone: Phone, bracket: str) -> None:
    assert phone.post(f"/api/brackets/{bracket}/stack", {"settings": {"metod": "auto"}}).status_code == 422


def test_a_deleted_bracket_is_gone(phone: Phone, bracket: str) -> None:
    assert phone.delete(f"/api/brackets/{bracket}").status_code == 200

    assert phone.get(f"/api/brackets/{bracket}").status_code == 404
    assert phone.get("/api/brackets").json["total"] == 0


@pytest.mark.parametrize(
    "rest",
    [
        "",
        *(f"/frames/0{end}.jpg" for end in ("", "/screen", "/thumb")),
        "/thumb.jpg",
        "/bracket.zip",
        "/results/r01/fused",
    ],
)
def test_what_does_not_exist_is_a_problem_and_not_a_crash(phone: Phone, rest: str) -> None:
    answer = phone.get(f"/api/brackets/b000077{rest}")

    assert (answer.status_code, answer.content_type) == (404, "application/problem+json")


def test_a_frame_that_was_not_shot_does_not_exist(phone: Phone, bracket: str) -> None:
    assert phone.get(f"/api/brackets/{bracket}/frames/7.jpg").status_code == 404


def test_the_page_of_a_bracket_opens_and_that_of_none_does_not(phone: Phone, bracket: str) -> None:
    assert phone.get(f"/b/{bracket}").status_code == 200
    assert phone.get("/b/b000077").status_code == 404


def test_a_tiff_of_16_bit_is_made_when_asked_for(rig: Rig, phone: Phone, bracket: str) -> None:
    ordered = phone.post(f"/api/brackets/{bracket}/stack", {"settings": {"method": "average", "tiff": True}})
    rig.workflow.wait_stacked(120)
    result = phone.get(f"/api/brackets/{bracket}").json["results"][-1]
    answer = phone.get(f"/api/brackets/{bracket}/results/{result['id']}/tiff")
    picture = tifffile.imread(io.BytesIO(answer.data))

    assert (ordered.status_code, result["has_tiff"], answer.content_type) == (202, True, "image/tiff")
    assert (picture.dtype, picture.shape) == (np.uint16, (result["height"], result["width"], 3))
    assert picture.max() > 255


def test_a_tiff_for_which_there_is_no_room_is_refused_before_the_work(make_rig, page_settings) -> None:
    room = [10**9]
    rig = make_rig(free=lambda folder: room[0])
    bracket = rig.shoot(frames=2)
    phone = Phone(create_app(rig.workflow, page_settings).test_client())
    room[0] = rig.workflow.settings.store.reserve_mb * 1_000_000 + 100_000
    refused = phone.post(f"/api/brackets/{bracket}/stack", {"settings": {"tiff": True}})

    assert refused.status_code == 507 and "a TIFF needs" in refused.json["detail"]
    assert rig.workflow.status().stack is None


def test_a_nearly_full_card_is_not_filled_by_looking(make_rig, page_settings) -> None:
    room = [10**9]
    rig = make_rig(free=lambda folder: room[0])
    bracket = rig.shoot(frames=2)
    rig.workflow.stack(bracket, {"method": "average"})
    assert rig.workflow.wait_stacked(120)
    phone = Phone(create_app(rig.workflow, page_settings).test_client())
    room[0] = rig.workflow.settings.store.reserve_mb * 1_000_000
    refused = phone.get(f"/api/brackets/{bracket}/results/r01/tiles/0/0.jpg")

    assert refused.status_code == 507
    assert refused.json["detail_said"]["figures"]["what"]["code"] == "store.a_view"


def test_a_picture_to_be_shared_says_neither_where_nor_whose(rig: Rig, phone: Phone, stacked: str) -> None:
    fused = rig.workflow.file(stacked, "fused")
    place = {piexif.GPSIFD.GPSLatitude: ((48, 1), (7, 1), (0, 1)), piexif.GPSIFD.GPSLatitudeRef: b"N"}
    owner = {piexif.ExifIFD.CameraOwnerName: b"Anna", piexif.ExifIFD.BodySerialNumber: b"0815-4711"}
    piexif.insert(piexif.dump({"GPS": place, "Exif": owner}), str(fused))
    original = phone.get(f"/api/brackets/{stacked}/results/r01/fused?download").data
    shared = phone.get(f"/api/brackets/{stacked}/results/r01/share?download")

    assert b"0815-4711" in original and b"Exif" in original
    assert not any(word in shared.data for word in (b"0815-4711", b"Anna", b"Exif", b"http://ns.adobe.com"))
    decoded = [
        cv2.imdecode(np.frombuffer(one, np.uint8), cv2.IMREAD_COLOR) for one in (original, shared.data)
    ]
    assert np.array_equal(*decoded)
    assert f"{stacked}-r01.jpg" in shared.headers["Content-Disposition"]

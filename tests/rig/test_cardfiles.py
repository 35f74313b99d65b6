"""Only pictures within the root are listed and opened, however hostile the card; nothing is changed."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from fakecard import state_of

from rig import cardfiles
from rig.cardfiles import CardFile, FileChangedError, list_pictures, opened_file


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A card with two pictures, beside a secret that is not on it."""
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    root = tmp_path / "card"
    (root / "DCIM/100").mkdir(parents=True)
    for name in ("a.JPG", "b.jpeg"):
        (root / "DCIM/100" / name).write_bytes(b"picture " + name.encode())
    return root


def names(root: Path) -> list[str]:
    return sorted(file.path for file in list_pictures(root).files)


def read(root: Path, file: CardFile) -> bytes:
    with opened_file(root, file) as handle:
        return os.read(handle, 1000)


def test_pictures_are_listed_below_the_root_and_read(root: Path) -> None:
    assert names(root) == ["DCIM/100/a.JPG", "DCIM/100/b.jpeg"]
    assert read(root, list_pictures(root).files[0]).startswith(b"picture")


def test_links_of_any_kind_lead_nowhere(root: Path) -> None:
    (root / "link.jpg").symlink_to(root.parent / "secret.jpg")
    (root / "up").symlink_to(root.parent)
    (root / "inside.jpg").symlink_to(root / "DCIM/100/a.JPG")
    listing = list_pictures(root)

    assert len(listing.files) == 2 and listing.passed_over["link"] == 3


def test_a_file_that_became_a_link_since_is_not_opened(root: Path) -> None:
    file = next(file for file in list_pictures(root).files if file.path.endswith("a.JPG"))
    victim = root / file.path
    victim.unlink()
    victim.symlink_to(root.parent / "secret.jpg")

    with pytest.raises(OSError, match="symbolic"):
        read(root, file)


def test_a_folder_that_became_a_link_since_is_not_entered(root: Path) -> None:
    file = next(file for file in list_pictures(root).files if file.path.endswith("a.JPG"))
    (root / "DCIM/100").rename(root.parent / "moved")
    (root / "DCIM/100").symlink_to(root.parent / "moved")

    with pytest.raises(OSError):
        read(root, file)


@pytest.mark.parametrize(
    "path", ["../secret.jpg", "DCIM/../../secret.jpg", "/etc/passwd", "", "DCIM//100/a.JPG"]
)
def test_no_path_leads_out(root: Path, path: str) -> None:
    about = (root.parent / "secret.jpg").stat()

    with pytest.raises(OSError):
        read(root, CardFile(path, about.st_size, about.st_mtime_ns))


def test_a_file_that_changed_since_is_refused(root: Path) -> None:
    file = list_pictures(root).files[0]
    (root / file.path).write_bytes(b"something else")

    with pytest.raises(FileChangedError, match="has changed"):
        read(root, file)


def test_pipes_sockets_and_empty_files_are_passed_over_without_waiting(root: Path) -> None:
    os.mkfifo(root / "pipe.jpg")
    (root / "empty.jpg").touch()
    listing = list_pictures(root)

    assert len(listing.files) == 2 and (listing.passed_over["link"], listing.passed_over["damaged"]) == (1, 1)


def test_a_pipe_put_in_place_of_a_file_does_not_make_anybody_wait(root: Path) -> None:
    file = list_pictures(root).files[0]
    (root / file.path).unlink()
    os.mkfifo(root / file.path)

    with pytest.raises(FileChangedError):
        read(root, file)


def test_huge_files_and_hidden_ones_are_passed_over(root: Path) -> None:
    with (root / "huge.jpg").open("wb") as file:
        file.truncate(cardfiles.LARGEST_BYTES + 1)  # a hole: takes no space
    (root / "c.CR2").write_bytes(b"raw")
    (root / "._a.JPG").write_bytes(b"of another system")
    (root / ".Trashes").mkdir()
    (root / ".Trashes/x.jpg").write_bytes(b"x")
    listing = list_pictures(root)

    assert len(listing.files) == 3
    assert dict(listing.passed_over) == {"large": 1}


def test_of_a_picture_in_several_kinds_one_is_taken(root: Path) -> None:
    pair = root / "pair"
    pair.mkdir()
    names = "IMG_1.JPG IMG_1.CR3 IMG_2.cr3 IMG_3.DNG scan.tif slide.png photo.heic notes.txt"
    for name in names.split():
        (pair / name).write_bytes(b"x")
    (root / "IMG_2.jpg").write_bytes(b"x")  # of another folder

    listing = list_pictures(root)
    taken = {file.path for file in listing.files if file.path.startswith("pair/")}
    assert taken == {"pair/IMG_1.JPG", "pair/IMG_2.cr3", "pair/IMG_3.DNG", "pair/scan.tif", "pair/slide.png"}
    assert dict(listing.passed_over) == {"other_kind": 1}
    assert dict(list_pictures(root, raws=False).passed_over) == {"raw": 2, "other_kind": 1}


def test_thousands_of_files_and_endless_folders_have_an_end(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cardfiles, "MOST_PICTURES", 20)
    deep = root.joinpath(*["d"] * (cardfiles.DEEPEST + 3))
    deep.mkdir(parents=True)
    (deep / "deep.jpg").write_bytes(b"x")
    for number in range(50):
        (root / f"{number}.jpg").write_bytes(b"x")
    listing = list_pictures(root)

    assert len(listing.files) <= 20 and listing.passed_over["beyond"]


def test_the_rigs_own_folder_within_a_source_is_left_out(root: Path) -> None:
    (root / "data/b000001/frames").mkdir(parents=True)
    (root / "data/b000001/frames/000.jpg").write_bytes(b"ours")
    about = (root / "data").stat()

    assert len(list_pictures(root, [(about.st_dev, about.st_ino)]).files) == 2


def test_names_that_are_no_text_are_read_all_the_same(root: Path) -> None:
    (root / os.fsdecode(b"\xff\xfe.jpg")).write_bytes(b"odd")
    odd = next(file for file in list_pictures(root).files if "/" not in file.path)

    assert read(root, odd) == b"odd"


def test_a_card_that_may_not_be_written_to_is_read_and_nothing_on_it_changes(root: Path) -> None:
    for path in sorted(root.rglob("*"), reverse=True):
        path.chmod(stat.S_IRUSR | stat.S_IXUSR if path.is_dir() else stat.S_IRUSR)
    root.chmod(stat.S_IRUSR | stat.S_IXUSR)
    before = state_of(root)
    for file in list_pictures(root).files:
        read(root, file)

    assert state_of(root) == before
    for path in [root, *root.rglob("*")]:
        path.chmod(0o755)


def test_reading_leaves_no_trace_in_the_time_of_access(root: Path) -> None:
    picture = root / "DCIM/100/a.JPG"
    os.utime(picture, ns=(0, picture.stat().st_mtime_ns))
    for file in list_pictures(root).files:
        read(root, file)

    assert picture.stat().st_atime_ns == 0

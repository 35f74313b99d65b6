"""Results appear whole or not at all."""

import resource
import subprocess
import sys
from pathlib import Path

import pytest

from stacker.atomic import check_output, write_atomically, writing_atomically
from stacker.errors import OutputError


def test_a_file_has_its_name_only_when_it_is_whole(tmp_path):
    path = tmp_path / "result.jpg"
    with writing_atomically(path) as file:
        file.write(b"first half")
        assert not path.exists()
    assert path.read_bytes() == b"first half"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("failure", [RuntimeError, KeyboardInterrupt])
def test_a_failure_leaves_the_old_file_and_no_scrap(tmp_path, failure):
    path = tmp_path / "result.jpg"
    path.write_bytes(b"old")
    with pytest.raises(failure), writing_atomically(path) as file:
        file.write(b"new")
        raise failure
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_is_said_and_leaves_nothing(tmp_path):
    path = tmp_path / "result.jpg"
    (tmp_path / "result.jpg.part").symlink_to("/dev/full")  # the kernel answers ENOSPC to every write
    with pytest.raises(OutputError, match=r"result\.jpg was not written: there is no space left in "):
        write_atomically(path, bytes(100_000))
    assert list(tmp_path.iterdir()) == []


def test_a_write_refused_half_way_leaves_nothing(tmp_path):
    """In a process of its own, for which the kernel stops every file at 4000 bytes."""
    path = tmp_path / "result.jpg"
    code = (
        f"import pathlib, stacker.atomic as a; a.write_atomically(pathlib.Path({str(path)!r}), bytes(99999))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert "OutputError" in ended.stderr
    assert "File too large" in ended.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_good_place_passes_the_check_and_stays_as_it_was(tmp_path):
    (tmp_path / "result.jpg").write_bytes(b"old")
    check_output(tmp_path / "result.jpg", needed_bytes=1000)
    assert (tmp_path / "result.jpg").read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [tmp_path / "result.jpg"]


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(OutputError, match=r"the folder .*/nowhere does not exist"):
        check_output(tmp_path / "nowhere" / "result.jpg")


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(OutputError, match="is a folder; give the name of a file"):
        check_output(tmp_path)


def test_a_place_where_nobody_may_write_is_refused():
    with pytest.raises(OutputError, match=r"/proc/result\.jpg cannot be written: "):
        check_output(Path("/proc/result.jpg"))


def test_too_little_space_is_seen_before_the_work(tmp_path):
    with pytest.raises(OutputError, match=r"it needs about 1000000000 MB, only [0-9]+ MB are free"):
        check_output(tmp_path / "result.jpg", needed_bytes=10**15)


def test_a_name_too_long_for_the_disk_is_refused_before_the_work(tmp_path):
    with pytest.raises(OutputError, match="cannot be written"):
        check_output(tmp_path / ("x" * 300 + ".jpg"))

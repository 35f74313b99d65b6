"""A ZIP of known length that every unpacker reads."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from webui import zipstream
from webui.zipstream import Entry, archive_length, stream


def entries_of(folder: Path, contents: list[bytes]) -> list[Entry]:
    paths = [folder / f"{index}.bin" for index in range(len(contents))]
    for path, content in zip(paths, contents, strict=True):
        path.write_bytes(content)
    return [Entry(path, f"b000001/{path.name}") for path in paths]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=30)
@given(contents=st.lists(st.binary(max_size=2000), min_size=1, max_size=8))
def test_the_archive_has_the_promised_length_and_the_files_as_they_were(
    tmp_path: Path, contents: list[bytes]
) -> None:
    entries = entries_of(tmp_path, contents)
    archive = b"".join(stream(entries))

    assert len(archive) == archive_length(entries)
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        assert opened.testzip() is None
        assert [opened.read(entry.name) for entry in entries] == contents


def test_beyond_four_gigabytes_the_64_bit_records_are_written_and_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zipstream, "LIMIT", 2000)  # as if 32 bits held no more
    contents = [b"a" * 1500, b"b" * 1500, b"c" * 1500]
    entries = entries_of(tmp_path, contents)
    archive = b"".join(stream(entries))

    assert b"PK\6\6" in archive and len(archive) == archive_length(entries)
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        assert [opened.read(entry.name) for entry in entries] == contents


def test_no_piece_is_larger_than_a_chunk(tmp_path: Path) -> None:
    entries = entries_of(tmp_path, [bytes(3 * zipstream.CHUNK + 5)])

    assert max(len(piece) for piece in stream(entries)) <= zipstream.CHUNK

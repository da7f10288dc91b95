"""Killed, out of space, twice at once: an archive stays whole and the ingest goes on."""

from __future__ import annotations

import errno
import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson
import pyarrow.parquet as pq
import pytest

from allora_core.archive import files
from allora_core.archive.files import Archive, ArchiveError
from allora_core.archive.ingest import Ingested, ingest
from allora_core.archive.schema import TABLES
from allora_core.blocks.files import heights_in_order, source_files

CHAIN = "allora-recording-1"
POINTS = int(os.environ.get("ALLORA_CORE_STOPS", "5"))


@pytest.fixture(scope="module")
def blocks(answers: list[Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Heights 100 to 123 of the recording, one document a line."""
    path = tmp_path_factory.mktemp("blocks") / "blocks.jsonl"
    wanted = [each for each in answers if 100 <= height_of(each) < 124]
    path.write_bytes(b"".join(orjson.dumps({"result": each}) + b"\n" for each in wanted))
    return path


def height_of(answer: Any) -> int:
    header = answer["block"]["header"] if "block" in answer else answer
    return int(header["height"])


def run(blocks: Path, archive: Archive, batch: int = 8) -> Ingested:
    return ingest(heights_in_order(source_files(blocks)), archive, batch_heights=batch)


def contents(folder: Path) -> dict[str, Any]:
    archive = Archive(folder)
    return {table: archive.read(table).to_pylist() for table in TABLES}


@pytest.fixture(scope="module")
def whole(blocks: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("whole") / "archive"
    run(blocks, Archive.create(folder, CHAIN))
    return contents(folder)


@pytest.mark.parametrize("how", ["kill", "fail"])
def test_stopped_at_any_step_and_run_again(how: str, blocks: Path, tmp_path: Path) -> None:
    """Killed by signal 9, or without space for one step of the file system."""
    program = Path(__file__).with_name("stopped.py")
    few = tmp_path / "blocks.jsonl"
    few.write_bytes(b"".join(blocks.read_bytes().splitlines(keepends=True)[-6:]))
    command = [sys.executable, str(program), str(few), str(tmp_path), str(POINTS), how]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    outcome = json.loads(done.stdout)
    assert outcome["stopped"] == POINTS
    assert outcome["different"] == []
    assert outcome["strays"] == []
    # Some were stopped before the first step was kept, some between steps, some after the last.
    assert {0, 3} <= set(outcome["kept"])


@pytest.mark.parametrize("failing", [1, 9, 20])
def test_a_full_disk_changes_nothing(
    failing: int, blocks: Path, whole: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "archive"
    archive = Archive.create(folder, CHAIN)
    plain, calls = pq.write_table, [0]

    def write(*values: Any, **named: Any) -> None:
        calls[0] += 1
        if calls[0] >= failing:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        plain(*values, **named)

    with monkeypatch.context() as patch:
        patch.setattr(files.pq, "write_table", write)
        with pytest.raises(ArchiveError, match=r"No space left.*as it was before"):
            run(blocks, archive)
    reached = Archive(folder)
    assert reached.ranges in ([], [(100, 107)], [(100, 115)])
    written = [path for path in folder.rglob("*.parquet") if ".pending" not in path.parts]
    assert {str(path.relative_to(folder)) for path in written} == set(reached.manifest.parts)
    assert list((folder / ".pending").iterdir()) == []
    run(blocks, reached)
    assert contents(folder) == whole


def test_a_limit_on_the_size_of_files(blocks: Path, whole: Any, tmp_path: Path) -> None:
    """The kernel itself cuts a file off in the middle."""
    folder = tmp_path / "archive"
    archive = Archive.create(folder, CHAIN)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        with pytest.raises(ArchiveError, match="cannot write"):
            run(blocks, archive, batch=24)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert Archive(folder).ranges == []
    assert list(folder.rglob("*.parquet")) == []
    run(blocks, Archive(folder))
    assert contents(folder) == whole


def test_views_that_cannot_be_written(
    blocks: Path, whole: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tables are kept; only the views are missing, and come with the next ingest."""
    folder = tmp_path / "archive"
    archive = Archive.create(folder, CHAIN)

    def replace(source: Any, target: Any, plain: Any = os.replace) -> None:
        if str(target).endswith(".duckdb"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        plain(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", replace)
        with pytest.raises(ArchiveError, match=r"cannot write the views.*tables are whole"):
            run(blocks, archive)
    assert contents(folder) == whole
    assert not (folder / "archive.duckdb").exists()
    assert run(blocks, Archive(folder)).heights == 0
    assert (folder / "archive.duckdb").exists()


def test_moves_that_fail_are_made_up_for(
    blocks: Path, whole: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the manifest is in place rows are readable, though their files could not be moved."""
    folder = tmp_path / "archive"
    archive = Archive.create(folder, CHAIN)

    def rename(source: Any, target: Any) -> None:
        raise OSError(errno.EACCES, os.strerror(errno.EACCES))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", rename)
        with pytest.raises(ArchiveError, match="moved by the next ingest"):
            run(blocks, archive)
    assert Archive(folder).ranges == [(100, 107)]
    assert Archive(folder).read("blocks")["height"].to_pylist() == list(range(100, 108))
    run(blocks, Archive(folder))
    assert contents(folder) == whole


def test_two_writers(blocks: Path, tmp_path: Path) -> None:
    archive = Archive.create(tmp_path / "archive", CHAIN)
    with archive.writing(), pytest.raises(ArchiveError, match="another process writes"):
        run(blocks, Archive(tmp_path / "archive"))


def test_a_reader_beside_a_writer(blocks: Path, tmp_path: Path) -> None:
    """A reader that opened the archive before files were joined finds the same rows after."""
    folder = tmp_path / "archive"
    archive = Archive.create(folder, CHAIN)
    with archive.writing():
        ingest_steps(blocks, archive)
        reader = Archive(folder)
        archive.compact()
    assert reader.read("blocks")["height"].to_pylist() == list(range(100, 124))


def ingest_steps(blocks: Path, archive: Archive) -> None:
    """Three steps that are not joined yet."""
    from allora_core.archive.ingest import Batch

    batch = Batch(archive)
    for height, records in heights_in_order(source_files(blocks)):
        batch.take(height, records)
        if height % 8 == 3:
            batch.commit()


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"{", "damaged"), (b'{"format": 99}', "a format this version does not read")],
)
def test_damaged_manifests(content: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_bytes(content)
    with pytest.raises(ArchiveError, match=words):
        Archive(tmp_path)


def test_a_folder_of_other_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ArchiveError, match="neither empty nor an archive"):
        Archive.create(tmp_path, CHAIN)
    with pytest.raises(ArchiveError, match="no archive"):
        Archive(tmp_path)

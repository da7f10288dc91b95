"""Heights in any order and number of steps: gaps, overlaps, repeats, contradictions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from allora_core.archive.files import Archive, gaps_between, merge_ranges
from allora_core.archive.ingest import ingest
from allora_core.archive.schema import TABLES
from allora_core.blocks.answers import BlockError
from allora_core.blocks.files import BlockRange, heights_in_order, source_files
from allora_core.cli import app

CHAIN = "allora-recording-1"
runner = CliRunner()


def height_of(answer: Any) -> int:
    header = answer["block"]["header"] if "block" in answer else answer
    return int(header["height"])


@pytest.fixture(scope="module")
def write(answers: list[Any], tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A function that writes some heights of the recording to a file."""

    def written(heights: list[int], change: Any = None) -> Path:
        path = tmp_path_factory.mktemp("blocks") / "blocks.jsonl"
        wanted = [each for each in answers if height_of(each) in heights]
        wanted.sort(key=lambda each: (height_of(each), "block" not in each))
        documents = [orjson.loads(orjson.dumps(each)) for each in wanted]
        if change is not None:
            change(documents)
        path.write_bytes(b"".join(orjson.dumps({"result": each}) + b"\n" for each in documents))
        return path

    return written


def run(path: Path, folder: Path, *ranges: BlockRange) -> Any:
    archive = Archive(folder) if Archive.exists(folder) else Archive.create(folder, CHAIN)
    return ingest(heights_in_order(source_files(path)), archive, list(ranges))


def contents(folder: Path) -> dict[str, Any]:
    """All rows but for the place that each record was read from."""
    archive = Archive(folder)
    read = {table: archive.read(table) for table in TABLES}
    read["records"] = read["records"].drop_columns(["source", "line"])
    return {table: rows.to_pylist() for table, rows in read.items()}


def test_gaps_are_recorded_and_closed(write: Any, tmp_path: Path) -> None:
    folder = tmp_path / "archive"
    done = run(write([*range(100, 105), *range(108, 110)]), folder)
    assert done.gaps == [(105, 107)]
    assert Archive(folder).gaps == [(105, 107)]
    assert json.loads((folder / "manifest.json").read_bytes())["gaps"] == [[105, 107]]
    assert run(write([104, 105, 107]), folder).gaps == [(106, 106)]
    assert run(write([106]), folder).gaps == []
    assert Archive(folder).ranges == [(100, 109)]


def test_gaps_are_reported(write: Any, tmp_path: Path) -> None:
    source = str(write([100, 101, 104]))
    arguments = ["ingest", source, "--out", str(tmp_path / "archive")]
    result = runner.invoke(app, [*arguments, "--dry-run"])
    assert result.exit_code == 0, result.output
    assert "would read 3 heights" in result.stdout
    assert "gap: 102:103, 2 heights missing" in result.stdout
    assert not (tmp_path / "archive").exists()
    result = runner.invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert "added 3 heights" in result.stdout
    assert "gap: 102:103, 2 heights missing" in result.stdout
    result = runner.invoke(app, arguments)
    assert "added 0 heights, 0 rows" in result.stdout
    assert "3 heights were there already" in result.stdout


def test_wanted_ranges(write: Any, tmp_path: Path) -> None:
    path = write(list(range(100, 110)))
    arguments = ["ingest", str(path), "--out", str(tmp_path / "archive")]
    result = runner.invoke(app, [*arguments, "--blocks", "101:105", "--blocks", "105:"])
    assert result.exit_code == 2
    assert "overlap" in result.stderr
    result = runner.invoke(app, [*arguments, "--blocks", "107:", "--blocks", "0.101k:103"])
    assert result.exit_code == 0, result.output
    assert Archive(tmp_path / "archive").ranges == [(101, 103), (107, 109)]
    result = runner.invoke(app, [*arguments, "--chain", "allora-testnet-1"])
    assert result.exit_code == 2
    assert "keeps allora-recording-1, not allora-testnet-1" in result.stderr.replace("\n", " ")


def test_equal_repeats_are_skipped(write: Any, tmp_path: Path) -> None:
    """The same heights in two files, and again in a later ingest."""
    folder = tmp_path / "blocks"
    folder.mkdir()
    write(list(range(100, 108))).rename(folder / "a.jsonl")
    write(list(range(105, 112))).rename(folder / "b.jsonl")
    assert run(folder, tmp_path / "archive").heights == 12
    done = run(write(list(range(110, 114))), tmp_path / "archive")
    assert (done.heights, done.repeated) == (2, 2)
    run(write(list(range(100, 114))), tmp_path / "whole")
    assert contents(tmp_path / "archive") == contents(tmp_path / "whole")


def test_contradictions_are_errors(write: Any, tmp_path: Path) -> None:
    def other_time(documents: list[Any]) -> None:
        documents[0]["block"]["header"]["time"] = "2026-11-27T00:00:00Z"

    folder = tmp_path / "blocks"
    folder.mkdir()
    write([100, 101]).rename(folder / "a.jsonl")
    write([101, 102], other_time).rename(folder / "b.jsonl")
    with pytest.raises(BlockError, match=r"b\.jsonl.*height 101.*differ.*a\.jsonl"):
        run(folder, tmp_path / "archive")
    assert Archive(tmp_path / "archive").ranges == [(100, 100)]
    run(write([101]), tmp_path / "archive")
    with pytest.raises(BlockError, match=r"line 1, height 101.*differs from the one"):
        run(write([101], other_time), tmp_path / "archive")


def test_late_results_are_refused(write: Any, tmp_path: Path) -> None:
    def blocks_alone(documents: list[Any]) -> None:
        documents[:] = [each for each in documents if "block" in each]

    def results_alone(documents: list[Any]) -> None:
        documents[:] = [each for each in documents if "block" not in each]

    done = run(write([111], blocks_alone), tmp_path / "archive")
    assert (done.without_results, done.without_bytes) == (1, 0)
    done = run(write([111], results_alone), tmp_path / "other")
    assert (done.without_results, done.without_bytes) == (0, 1)
    with pytest.raises(BlockError, match="ingest all answers of a height together"):
        run(write([111], results_alone), tmp_path / "archive")


@settings(max_examples=4, deadline=None)
@given(data=st.data())
def test_any_split_gives_the_same_archive(
    data: st.DataObject, write: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Heights in pieces, in any order, with repeats: the same rows in the same order."""
    heights = list(range(104, 110))
    piece = st.lists(st.sampled_from(heights), min_size=1, max_size=4, unique=True)
    pieces = data.draw(st.lists(piece, min_size=1, max_size=3))
    missing = [height for height in heights if all(height not in each for each in pieces)]
    folder = tmp_path_factory.mktemp("split")
    for each in [*pieces, missing] if missing else pieces:
        run(write(each), folder / "archive")
    run(write(heights), folder / "whole")
    assert contents(folder / "archive") == contents(folder / "whole")
    assert Archive(folder / "archive").ranges == [(104, 109)]


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 9))))
def test_merged_ranges_hold_the_same_heights(pairs: list[tuple[int, int]]) -> None:
    ranges = [(first, first + more) for first, more in pairs]
    merged = merge_ranges(ranges)
    listed = {height for first, last in ranges for height in range(first, last + 1)}
    assert [height for first, last in merged for height in range(first, last + 1)] == sorted(listed)
    missing = {height for first, last in gaps_between(merged) for height in range(first, last + 1)}
    between = set(range(min(listed), max(listed) + 1)) if listed else set()
    assert missing == between - listed


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("16M:17M", 16_000_000, 17_000_000),
        ("16.5M:", 16_500_000, 2**63 - 1),
        (":1_000k", 0, 1_000_000),
        ("7:7", 7, 7),
    ],
)
def test_ranges_as_people_write_them(text: str, first: int, last: int) -> None:
    assert BlockRange.parse(text) == BlockRange(first, last)


@pytest.mark.parametrize("text", ["16M", "2:1", "x:2", "1.5:2", "1.2345k:2k", "-1:2", "1:2:3"])
def test_ranges_that_are_none(text: str) -> None:
    with pytest.raises(ValueError, match="--blocks"):
        BlockRange.parse(text)

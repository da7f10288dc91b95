"""Blocks from a node's RPC: whole, in trouble, behind, and followed live."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from node_server import NodeServer
from typer.testing import CliRunner

from allora_core.archive.files import Archive
from allora_core.archive.ingest import Ingested, ingest
from allora_core.archive.schema import TABLES
from allora_core.blocks.answers import BlockError
from allora_core.blocks.files import BlockRange
from allora_core.blocks.node import Node, NodeState, Patience, wanted_heights
from allora_core.cli import app

CHAIN = "allora-recording-1"
runner = CliRunner()
FAST = Patience(timeout=5, tries=4, pause=0.001, longest=0.002, poll=0.001)


@pytest.fixture
def server(answers: list[Any]) -> Iterator[Any]:
    with NodeServer(answers, 100, 112, CHAIN) as running:
        yield running


def run(server: Any, folder: Path, *ranges: BlockRange, **options: Any) -> Ingested:
    archive = Archive(folder) if Archive.exists(folder) else Archive.create(folder, CHAIN)
    node = Node(server.url, in_flight=4, patience=FAST)
    groups = node.heights(list(ranges), archive.complete, **options)
    return ingest(groups, archive, idle_seconds=0)


def contents(folder: Path) -> dict[str, Any]:
    archive = Archive(folder)
    read = {table: archive.read(table) for table in TABLES}
    read["records"] = read["records"].drop_columns(["source", "line"])
    return {table: rows.to_pylist() for table, rows in read.items()}


def test_all_that_a_node_keeps(server: Any, recorded: Archive, tmp_path: Path) -> None:
    assert Node(server.url, patience=FAST).state() == NodeState(CHAIN, 100, 112)
    done = run(server, tmp_path)
    assert (done.heights, done.ranges, done.gaps) == (13, [(100, 112)], [])
    found = contents(tmp_path)
    for table in ("txs", "inferences", "reputer_losses", "network_losses", "scores"):
        whole = recorded.read(table, (100, 112)).to_pylist()
        key = ("height", "tx_index", "event_index")
        assert sorted(found[table], key=repr) == sorted(whole, key=repr), (table, key)
    assert {row["source"] for row in Archive(tmp_path).read("records").to_pylist()} == {server.url}


def test_heights_that_are_there_are_not_asked_for(server: Any, tmp_path: Path) -> None:
    run(server, tmp_path, BlockRange(103, 105), BlockRange(108, 108))
    assert Archive(tmp_path).gaps == [(106, 107)]
    server.asked.clear()
    run(server, tmp_path)
    asked = {height for path, height in server.asked if path == "block"}
    assert asked == {100, 101, 102, 106, 107, 109, 110, 111, 112}
    assert Archive(tmp_path).ranges == [(100, 112)]


def test_trouble_is_waited_out(server: Any, recorded: Archive, tmp_path: Path) -> None:
    """Failures of every kind, each twice, change nothing but the time it takes."""
    kinds: list[Any] = [
        (503, b"busy"),
        (500, b'{"error": {"message": "Internal error"}}'),
        "drop",
        "cut",
        (200, b'{"result": '),
        (200, b'{"error": {"code": 1, "message": "later", "data": "behind"}}'),
    ]
    server.trouble = lambda path, height, count: kinds[height % 6] if count <= 2 else None
    run(server, tmp_path)
    assert Archive(tmp_path).ranges == [(100, 112)]
    expected = recorded.read("network_losses", (100, 112)).to_pylist()
    assert contents(tmp_path)["network_losses"] == expected
    assert set(server.asked.values()) == {3}


@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        ((503, b"busy"), "status 503: busy"),
        ((500, b'{"error": {"message": "x", "data": "pruned"}}'), "status 500: pruned"),
        ("drop", "Remote end closed"),
        ("cut", "possibly cut off"),
        ((200, b"{"), "invalid JSON"),
    ],
)
def test_trouble_that_lasts(trouble: Any, words: str, server: Any, tmp_path: Path) -> None:
    """What was read before is kept; the error names node, height and reason."""
    server.trouble = lambda path, height, count: trouble if height == 105 else None
    with pytest.raises(BlockError) as error:
        run(server, tmp_path)
    for word in (server.url, "height 105", "block?height=105", "after 4 tries", words):
        assert word in str(error.value)
    assert Archive(tmp_path).ranges == [(100, 104)]
    server.trouble = lambda path, height, count: None
    assert run(server, tmp_path).heights == 8


def test_answers_to_another_question(server: Any, tmp_path: Path) -> None:
    other = json.dumps(server.answers[("block", 101)]).encode()
    server.trouble = lambda path, height, count: (
        (200, other) if (path, height) == ("block", 105) else None
    )
    with pytest.raises(BlockError, match=r"height 105: block: the node answered with 101"):
        run(server, tmp_path)


def test_a_node_of_another_chain(server: Any, tmp_path: Path) -> None:
    archive = Archive.create(tmp_path, "allora-mainnet-1")
    node = Node(server.url, patience=FAST)
    with pytest.raises(BlockError, match="chain allora-recording-1; the archive keeps"):
        ingest(node.heights([], []), archive)
    assert archive.ranges == []


def test_no_node(tmp_path: Path) -> None:
    node = Node("http://127.0.0.1:9", patience=Patience(tries=2, pause=0.001))
    with pytest.raises(BlockError, match=r"status: no answer after 2 tries: .*refused"):
        node.state()


def test_connections_are_kept(server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One connection for each request in flight, and one for the state."""
    opened: list[Any] = []

    def connect(self: Any, plain: Any = http.client.HTTPConnection.connect) -> None:
        opened.append(self)
        plain(self)

    monkeypatch.setattr(http.client.HTTPConnection, "connect", connect)
    run(server, tmp_path)
    assert sum(server.asked.values()) == 27
    assert len(opened) <= 5
    assert all(connection.sock is None for connection in opened)


@pytest.mark.parametrize("url", ["http://", "ftp://127.0.0.1:1", "127.0.0.1:26657", "http:///x"])
def test_addresses_that_are_none(url: str) -> None:
    with pytest.raises(ValueError, match="no address of a node"):
        Node(url)


def test_following(server: Any, tmp_path: Path) -> None:
    """New blocks arrive while the node is followed; results lag behind their block."""
    server.latest = 102
    seen: list[list[tuple[int, int]]] = []

    def trouble(path: str, height: int, count: int) -> Any:
        late = path == "block_results" and count <= 2
        return (500, b'{"error": {"message": "no results yet"}}') if late else None

    def until() -> bool:
        """Called whenever all there was has been read and written."""
        seen.append(Archive(tmp_path).ranges)
        server.latest = min(server.latest + 1, 112)
        return len(seen) > 12

    server.trouble = trouble
    done = run(server, tmp_path, BlockRange(101, 10_000), follow=True, until=until)
    assert done.ranges[0][0] == 101
    assert done.ranges[0][1] >= 107
    assert [(101, 102)] in seen
    assert [(101, 104)] in seen


def test_files_are_joined_while_following(
    server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("allora_core.archive.ingest.STEPS_JOINED", 2)
    server.latest = 100
    parts: list[int] = []

    def until() -> bool:
        manifest = Archive(tmp_path).manifest
        parts.append(sum(name.startswith("blocks/") for name in manifest.parts))
        server.latest += 1
        return server.latest > 111

    run(server, tmp_path, follow=True, until=until)
    assert max(parts) <= 3
    assert Archive(tmp_path).read("blocks").num_rows == Archive(tmp_path).ranges[0][1] - 99
    run(server, tmp_path)
    assert contents(tmp_path)["blocks"] == sorted(
        contents(tmp_path)["blocks"], key=lambda row: row["height"]
    )


def test_somebody_stops_it(server: Any, tmp_path: Path) -> None:
    """Ctrl-C while a node is followed: what was read is kept, and the views show it."""
    server.latest = 104

    def until() -> bool:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(server, tmp_path, follow=True, until=until)
    assert Archive(tmp_path).ranges == [(100, 104)]
    with duckdb.connect(str(tmp_path / "archive.duckdb"), read_only=True) as database:
        assert database.execute("SELECT count(*) FROM blocks").fetchall() == [(5,)]


def test_following_ends_with_the_range(server: Any, tmp_path: Path) -> None:
    assert run(server, tmp_path, BlockRange(101, 107), follow=True).ranges == [(101, 107)]


@pytest.mark.parametrize(
    ("ranges", "kept", "wanted"),
    [
        ([], [], range(10, 21)),
        ([], [(5, 12), (15, 18), (20, 30)], [13, 14, 19]),
        ([BlockRange(12, 14), BlockRange(18, 20)], [(13, 18)], [12, 19, 20]),
        ([BlockRange(0, 11)], [], [10, 11]),
        ([BlockRange(19, 2**63 - 1)], [], [19, 20]),
    ],
)
def test_wanted_heights(ranges: list[BlockRange], kept: Any, wanted: Any) -> None:
    state = NodeState(CHAIN, 10, 20)
    assert list(wanted_heights(ranges, kept, state)) == list(wanted)


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (BlockRange(9, 12), "keeps heights from 10 on, 9 is gone"),
        (BlockRange(12, 21), "has reached height 20"),
        (BlockRange(21, 2**63 - 1), "has reached height 20"),
    ],
)
def test_heights_that_a_node_lacks(wanted: BlockRange, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        list(wanted_heights([wanted], [], NodeState(CHAIN, 10, 20)))


def test_command(server: Any, tmp_path: Path) -> None:
    out = str(tmp_path / "archive")
    dry = runner.invoke(app, ["ingest", server.url, "--out", out, "--dry-run"])
    assert dry.exit_code == 0, dry.output
    assert "keeps heights 100:112, 13 of those asked for" in dry.stdout
    assert not Path(out).exists()
    done = runner.invoke(app, ["ingest", server.url, "--out", out, "--blocks", "104:108"])
    assert done.exit_code == 0, done.output
    assert "added 5 heights" in done.stdout
    again = runner.invoke(app, ["ingest", server.url, "--out", out, "--in-flight", "2"])
    assert "8 of those asked for are not in the archive" in again.stdout
    assert "heights: 100:112" in again.stdout
    other = runner.invoke(
        app, ["ingest", server.url, "--out", str(tmp_path / "b"), "--chain", "allora-mainnet-1"]
    )
    assert other.exit_code == 2
    assert "a node of allora-recording-1" in other.stderr.replace("\n", " ")


def test_files_cannot_be_followed(tmp_path: Path) -> None:
    result = runner.invoke(app, ["ingest", str(tmp_path), "--out", "archive", "--follow"])
    assert result.exit_code == 2
    assert "only a node" in result.stderr

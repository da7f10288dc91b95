"""Block data that is damaged, contradictory or hostile: errors that name file, line and height."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from allora_core.archive.files import Archive
from allora_core.archive.ingest import ingest
from allora_core.blocks.answers import BlockError
from allora_core.blocks.files import heights_in_order, source_files

SAMPLES = Path(__file__).parents[1] / "vectors" / "blocks"
RECORDING = SAMPLES.with_name("blocks_v06") / "blocks.jsonl.zst"
EVENT = {
    "type": "emissions.v10.EventRegretStdNormSet",
    "attributes": [
        {"key": "block_height", "value": '"90"', "index": True},
        {"key": "stdnorm", "value": '"1.5"', "index": True},
        {"key": "topic_id", "value": '"7"', "index": True},
        {"key": "mode", "value": "EndBlock", "index": True},
    ],
}


def block(height: int, txs: list[str] | None = None, chain: str = "allora-testnet-1") -> Any:
    header = {
        "chain_id": chain,
        "height": str(height),
        "time": f"2026-01-01T00:00:{height % 60:02}.5Z",
        "proposer_address": "AB" * 20,
    }
    found = {"header": header, "data": {"txs": txs or []}}
    return {"result": {"block_id": {"hash": f"{height:064X}"}, "block": found}}


def results(height: int, events: list[Any] | None = None, txs: list[Any] | None = None) -> Any:
    listed = [EVENT] if events is None else events
    answer = {"height": str(height), "txs_results": txs, "finalize_block_events": listed}
    return {"result": answer}


def pair(height: int) -> list[Any]:
    return [block(height), results(height)]


def lines(*documents: Any) -> bytes:
    return b"".join(json.dumps(each).encode() + b"\n" for each in documents)


def changed(change: Callable[[dict[str, Any]], Any]) -> bytes:
    """Heights 1 to 3, the event of height 3 changed."""
    event = json.loads(json.dumps(EVENT))
    change(event)
    return lines(*pair(1), *pair(2), block(3), results(3, [event]))


def attribute(name: str, value: Any) -> Callable[[dict[str, Any]], Any]:
    def change(event: dict[str, Any]) -> None:
        for each in event["attributes"]:
            if each["key"] == name:
                each["value"] = value

    return change


def without(name: str) -> Callable[[dict[str, Any]], Any]:
    def change(event: dict[str, Any]) -> None:
        event["attributes"] = [each for each in event["attributes"] if each["key"] != name]

    return change


WHOLE = lines(*pair(1), *pair(2), *pair(3))
TWO = lines(*pair(1), *pair(2))
DAMAGES: dict[str, tuple[bytes, list[str], list[tuple[int, int]]]] = {
    "cut": (WHOLE[:-40], ["line 6", "invalid JSON", "last height read was 3"], [(1, 2)]),
    "empty": (b"", ["the file is empty"], []),
    "no_json": (TWO + b"hello\n", ["line 5", "invalid JSON"], [(1, 1)]),
    "no_utf8": (TWO + b'{"result": "\xff"}\n', ["line 5", "UTF-8"], [(1, 1)]),
    "deep": (TWO + b"[" * 100_000 + b"\n", ["line 5", "depth limit"], [(1, 1)]),
    "nested": (TWO + b"[" * 500 + b"]" * 500 + b"\n", ["line 5", "neither"], [(1, 1)]),
    "number": (TWO + b'{"result": {"height": 1' + b"0" * 500 + b"}}\n", ["line 5"], [(1, 1)]),
    "height": (
        TWO + lines({"result": {"height": "9" * 5000, "txs_results": []}}),
        ["line 5", "height 9999", "out of range"],
        [(1, 1)],
    ),
    "negative_height": (
        TWO + lines({"result": {"height": "-4", "txs_results": []}}),
        ["line 5", "height is '-4'"],
        [(1, 1)],
    ),
    "wide_digits": (
        TWO + lines({"result": {"height": "\uff11", "txs_results": []}}),
        ["line 5", "not a whole number"],
        [(1, 1)],
    ),
    "chain": (
        TWO + lines(block(3, chain="allora-mainnet-1")),
        ["line 5", "height 3", "chain allora-mainnet-1", "allora-testnet-1"],
        [(1, 2)],
    ),
    "base64": (
        TWO + lines(block(3, ["AAA*"])),
        ["line 5", "height 3", "transaction 0", "base64"],
        [(1, 1)],
    ),
    "order": (
        lines(*pair(1), *pair(3), *pair(2)),
        ["line 5", "height 2", "heights out of order: 2 after 3"],
        [(1, 1)],
    ),
    "contradiction": (
        lines(*pair(1), *pair(2), results(2, [])),
        ["line 5", "height 2", "two results answers differ", "line 4"],
        [(1, 1)],
    ),
    "count": (
        lines(*pair(1), block(2, ["AAAA"]), results(2, txs=[])),
        ["line 4", "height 2", "0 results for 1 transactions"],
        [(1, 1)],
    ),
    "error": (
        TWO + lines({"error": {"code": -32603, "message": "height 3 is not available"}}),
        ["line 5", "answered with an error", "height 3 is not available"],
        [(1, 1)],
    ),
    "unknown": (TWO + lines({"result": {"peers": []}}), ["line 5", "no answer", "peers"], [(1, 1)]),
    "missing": (changed(without("stdnorm")), ["line 6", "height 3", "stdnorm"], [(1, 2)]),
    "decimal": (
        changed(attribute("stdnorm", '"1.2.3"')),
        ["line 6", "height 3", "EventRegretStdNormSet", "stdnorm is '1.2.3', no decimal"],
        [(1, 2)],
    ),
    "lines_in_decimal": (changed(attribute("stdnorm", '"1\\n2"')), ["no decimal"], [(1, 2)]),
    "object_for_decimal": (
        changed(attribute("stdnorm", '{"a": 1}')),
        ["line 6", "height 3", "stdnorm is dict, not str"],
        [(1, 2)],
    ),
    "number_for_decimal": (changed(attribute("stdnorm", "1.5")), ["is float"], [(1, 2)]),
    "topic": (
        changed(attribute("topic_id", '"9999999999999999999999"')),
        ["line 6", "height 3", "topic_id is '9999999999999999999999'"],
        [(1, 2)],
    ),
    "flag_for_topic": (changed(attribute("topic_id", "true")), ["topic_id is True"], [(1, 2)]),
    "attribute": (
        changed(attribute("stdnorm", "1.5e")),
        ["line 6", "height 3", "an attribute is no JSON"],
        [(1, 2)],
    ),
    "deep_attribute": (
        changed(attribute("stdnorm", "[" * 900 + "]" * 900)),
        ["line 6", "height 3", "stdnorm is list"],
        [(1, 2)],
    ),
    "no_text": (changed(attribute("stdnorm", 5)), ["line 6", "height 3", "is no text"], [(1, 2)]),
    "type": (changed(lambda event: event.update(type=4)), ["line 6", "type of an event"], [(1, 2)]),
    "shape": (
        changed(lambda event: event.update(attributes=[["key", "value"]])),
        ["line 6", "wrong shape"],
        [(1, 2)],
    ),
    "no_code": (
        lines(*pair(1), *pair(2), block(3, ["AAAA"]), results(3, txs=[{"events": []}])),
        ["line 6", "height 3", "field code is missing"],
        [(1, 2)],
    ),
    "old_results": (
        lines(*pair(1), *pair(2), block(3))
        + lines(results(3)).replace(b"finalize_block_events", b"end_block_events"),
        ["line 6", "height 3", "field finalize_block_events is missing"],
        [(1, 2)],
    ),
    "time": (
        lines(*pair(1)) + lines(block(2)).replace(b"2026-01-01T", b"2026-13-01T"),
        ["line 3", "height 2"],
        [],
    ),
    "hash": (
        lines(*pair(1)) + lines(block(2)).replace(b"0" * 60, b"0" * 59),
        ["line 3", "height 2", "block hash"],
        [],
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damages_are_named(damage: str, tmp_path: Path, ingested: Any) -> None:
    content, words, kept = DAMAGES[damage]
    path = tmp_path / "blocks.jsonl"
    path.write_bytes(content)
    with pytest.raises(BlockError) as error:
        ingested(path)
    message = str(error.value)
    assert [word for word in ["blocks.jsonl", *words] if word not in message] == []
    # What stood before the damage is in the archive, whole heights alone.
    reached = Archive(tmp_path / "archive").ranges if Archive.exists(tmp_path / "archive") else []
    assert reached == kept
    if kept:
        archive = Archive(tmp_path / "archive")
        heights = list(range(kept[0][0], kept[-1][1] + 1))
        assert archive.read("blocks")["height"].to_pylist() == heights
        assert archive.read("regret_scales")["height"].to_pylist() == heights


def flipped(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 255]) + content[middle + 1 :]


def zstd(content: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as file:
        file.write(content)
    packed: bytes = sink.getvalue().to_pybytes()
    return packed


@pytest.mark.parametrize("packing", ["gz", "zst"])
@pytest.mark.parametrize("damage", ["cut", "flipped", "tail"])
def test_damaged_packing(packing: str, damage: str, tmp_path: Path, ingested: Any) -> None:
    """Nothing is taken from a file whose checksum does not vouch for it."""
    packed = RECORDING.read_bytes()
    if packing == "gz":
        with pa.CompressedInputStream(str(RECORDING), "zstd") as file:
            packed = gzip.compress(file.read(2_000_000), 1)
    content = {
        "cut": packed[: len(packed) // 2],
        "flipped": flipped(packed),
        "tail": packed + b"tail",
    }[damage]
    path = tmp_path / f"blocks.jsonl.{packing}"
    path.write_bytes(content)
    with pytest.raises(BlockError, match=r"blocks\.jsonl.*cannot unpack"):
        ingest(heights_in_order(source_files(path)), Archive.create(tmp_path / "archive", "x"))
    assert Archive(tmp_path / "archive").ranges == []


@pytest.mark.parametrize("packing", ["plain", "gz", "zst"])
def test_every_packing_reads_the_same(packing: str, tmp_path: Path, ingested: Any) -> None:
    """The packing is told by the content, whatever the name says."""
    content = {"plain": WHOLE, "gz": gzip.compress(WHOLE), "zst": zstd(WHOLE)}[packing]
    path = tmp_path / "blocks.jsonl"
    path.write_bytes(content)
    assert ingested(path).ranges == [(1, 3)]


def test_one_document_over_many_lines(tmp_path: Path, ingested: Any) -> None:
    folder = tmp_path / "blocks"
    folder.mkdir()
    for number, document in enumerate([*pair(1), *pair(2)]):
        (folder / f"{number}.json").write_text(json.dumps(document, indent=2))
    (folder / "all.json").write_text(json.dumps([*pair(3), *pair(4)], indent=1))
    (folder / ".hidden.json").write_text("nothing")
    (folder / "notes.txt").write_text("nothing")
    archive = ingested(folder)
    assert archive.ranges == [(1, 4)]
    assert archive.read("regret_scales").num_rows == 4


def test_events_need_a_height(tmp_path: Path, ingested: Any) -> None:
    path = tmp_path / "events.json"
    path.write_text(json.dumps([EVENT]))
    with pytest.raises(BlockError, match="events without a height"):
        ingested(path)
    assert ingested(path, 95).ranges == [(95, 95)]


def test_states_need_a_height(ingested: Any) -> None:
    with pytest.raises(BlockError, match="without a height"):
        ingested(SAMPLES / "testnet_mint_v5_params.json")

"""Transactions as REST gives them: the same rows as from the bytes in the block."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from random import Random
from typing import Any

import pytest
from odd_writer import versions_of
from rest_forms import as_json, responses
from witness import EXEC, MESSAGES, NAMES, any_of, transaction, type_url

from allora_core.archive.files import Archive
from allora_core.archive.ingest import ingest
from allora_core.archive.schema import TABLES
from allora_core.blocks.answers import BlockError
from allora_core.blocks.files import heights_in_order, source_files

CHAIN = "allora-recording-1"


DECIMALS = {name for table in TABLES.values() for name in table.decimals}
DECIMALS |= {"combined_value", "naive_value", "inference_value"}


def tame(message: Any, rng: Random) -> Any:
    """The message with something in every field, decimals where the archive keeps decimals."""

    def value(field: Any) -> Any:
        if field.type == field.TYPE_STRING:
            digits = f"{rng.randrange(10**9)}"
            return f"-0.{digits}" if field.name in DECIMALS else f"{field.name}{digits}"
        if field.type == field.TYPE_BYTES:
            return rng.randbytes(6)
        return rng.random() < 0.5 if field.type == field.TYPE_BOOL else rng.randrange(1, 3)

    for field in message.DESCRIPTOR.fields:
        if field.message_type is not None:
            parts = getattr(message, field.name)
            for _ in range(2 if field.is_repeated else 1):
                tame(parts.add() if field.is_repeated else parts, rng)
        elif field.is_repeated:
            getattr(message, field.name).extend(value(field) for _ in range(2))
        else:
            setattr(message, field.name, value(field))
    return message


def run(folder: Path, *documents: Any) -> Archive:
    path = folder / "answers.jsonl"
    path.write_text("".join(json.dumps(each) + "\n" for each in documents))
    ingest(heights_in_order(source_files(path)), Archive.create(folder / "archive", CHAIN))
    return Archive(folder / "archive")


def comparable(rows: Any) -> list[str]:
    """Rows without the places that REST does not tell; empty text counts as null."""
    untold = ("tx_index", "topic_type", "output_arity")  # of enums the witness has no names
    plain = rows.drop_columns([name for name in untold if name in rows.column_names])
    return sorted(
        repr({key: value or None for key, value in row.items() if not key.endswith("_f64")})
        for row in plain.to_pylist()
    )


def test_a_list_of_transactions(answers: list[Any], recorded: Archive, tmp_path: Path) -> None:
    """Ten heights, among them the topics' creation and failed transactions."""
    heights = range(12, 32)
    listed = responses(answers, heights)
    assert len(listed) > 50
    archive = run(tmp_path, {"txs": [each["tx"] for each in listed], "tx_responses": listed})
    for table in ("messages", "inferences", "forecasts", "reputer_losses", "registrations"):
        expected = recorded.read(table, (heights[0], heights[-1]))
        assert comparable(archive.read(table)) == comparable(expected), table
    for table in ("topics", "stake_moves", "funding", "ema_scores"):
        expected = recorded.read(table, (heights[0], heights[-1]))
        assert comparable(archive.read(table)) == comparable(expected), table
    assert sorted(archive.read("topics")["topic_id"].to_pylist()) == [1, 2, 3, 4]
    hashes = {row["hash"]: row for row in archive.read("txs").to_pylist()}
    for row in recorded.read("txs", (heights[0], heights[-1])).to_pylist():
        assert hashes[row["hash"]]["code"] == row["code"]
        assert hashes[row["hash"]]["raw"] is None


@pytest.mark.parametrize("version", [5, 9, 10])
def test_every_message(version: int, tmp_path: Path) -> None:
    """Each message of the module, alone and within a MsgExec, from JSON and from bytes."""
    rng = Random(version)
    packed = [
        any_of(type_url(name, version), tame(MESSAGES[name](), rng).SerializeToString())
        for name in NAMES
        if version in versions_of(name)
    ]
    inner = MESSAGES["MsgExec"](grantee="allo1grantee", msgs=packed[:5])
    packed.append(any_of(EXEC, inner.SerializeToString()))
    raw = transaction(*packed)
    digest = hashlib.sha256(raw).hexdigest().upper()
    text = base64.b64encode(raw).decode()
    result = {"code": 0, "events": []}
    placed = {"hash": digest, "height": "7", "index": 0, "tx_result": result, "tx": text}
    (tmp_path / "bytes").mkdir()
    from_bytes = run(tmp_path / "bytes", {"result": placed})
    body = {"messages": [as_json(each) for each in packed]}
    response = {"height": "7", "txhash": digest, "code": 0, "events": [], "tx": {"body": body}}
    from_json = run(tmp_path, {"tx_response": response})
    seen = 0
    for table in TABLES:
        if table in ("txs", "records"):
            continue
        read, expected = from_json.read(table), from_bytes.read(table)
        assert comparable(read) == comparable(expected), table
        seen += read.num_rows
    assert seen > 100


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ({"@type": "/emissions.v9.NobodyKnowsRequest"}, "NobodyKnowsRequest is not known"),
        ({"@type": "/emissions.v9.AddStakeRequest", "sender": "a", "topic_id": "1"}, "amount"),
        (
            {"@type": "/emissions.v9.AddStakeRequest", "sender": "a", "topic_id": "x"},
            "topic_id is 'x'",
        ),
        ({"@type": "/emissions.v9.InsertWorkerPayloadRequest"}, "worker_data_bundle"),
    ],
)
def test_messages_that_cannot_be_read(message: Any, words: str, tmp_path: Path) -> None:
    body = {"messages": [message]}
    response = {"height": "7", "txhash": "AB" * 32, "code": 0, "events": [], "tx": {"body": body}}
    with pytest.raises(BlockError) as error:
        run(tmp_path, {"tx_response": response})
    for word in ("height 7", "AB" * 32, "was executed but cannot be read", words):
        assert word in str(error.value)

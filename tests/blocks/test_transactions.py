"""Transactions of a real block, executed or not, and such as nobody can read."""

from __future__ import annotations

import base64
import hashlib
import json
from collections import Counter
from pathlib import Path
from typing import Any

import duckdb
import pytest

from allora_core.archive.files import Archive
from allora_core.blocks.answers import BlockError

SAMPLES = Path(__file__).parents[1] / "vectors" / "blocks"
HEIGHT = 7038753


def block() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(
        (SAMPLES / "testnet_block_7038753_rest.json").read_bytes()
    )["data"]
    return document


def results(*codes: int) -> dict[str, Any]:
    """What ``/block_results`` could have said of the block."""
    listed = [{"code": code, "data": None, "events": []} for code in codes]
    answer = {"height": str(HEIGHT), "txs_results": listed, "finalize_block_events": []}
    return {"jsonrpc": "2.0", "id": -1, "result": answer}


def written(path: Path, *documents: Any) -> Path:
    path.write_text("".join(json.dumps(document) + "\n" for document in documents))
    return path


def rows(archive: Archive, table: str) -> list[dict[str, Any]]:
    return archive.read(table).to_pylist()


def test_executed_transactions_are_decoded(tmp_path: Path, ingested: Any) -> None:
    archive = ingested(written(tmp_path / "blocks.jsonl", block(), results(0, 0, 0, 0)))
    inferences = [
        (row["topic_id"], row["nonce"], row["inferer"], row["value"], row["tx_index"])
        for row in rows(archive, "inferences")
    ]
    assert len(inferences) == 2
    assert {each[:2] for each in inferences} == {(71, 7038747)}
    assert {each[4] for each in inferences} == {0, 2}
    assert {row["source"] for row in rows(archive, "inferences")} == {"transaction"}
    losses = rows(archive, "reputer_losses")
    assert Counter(row["kind"] for row in losses) == {
        "combined": 1,
        "naive": 1,
        "inferer": 32,
        "one_out_inferer": 32,
    }
    assert {(row["topic_id"], row["nonce"], row["tx_index"], row["height"]) for row in losses} == {
        (71, 7032987, 1, HEIGHT)
    }
    # Every value stands in the transaction as text, beside the address of its inferer.
    raw = base64.b64decode(block()["block"]["data"]["txs"][1])
    for row in losses:
        address = (row["inferer"] or "").encode()
        value = row["value"].encode()
        pair = address and b"\n" + bytes([len(address)]) + address + b"\x12"
        assert pair + (bytes([len(value)]) if pair else b"") + value in raw
    messages = rows(archive, "messages")
    assert [row["name"] for row in messages] == [
        "InsertWorkerPayload",
        "InsertReputerPayload",
        "InsertWorkerPayload",
        None,
    ]
    assert messages[3]["type_url"] == "/cosmos.bank.v1beta1.MsgMultiSend"
    assert {row["api_version"] for row in losses} == {"v9"}


def test_failed_transactions_are_kept_but_not_decoded(tmp_path: Path, ingested: Any) -> None:
    archive = ingested(written(tmp_path / "blocks.jsonl", block(), results(0, 5, 11, 0)))
    assert [row["code"] for row in rows(archive, "txs")] == [0, 5, 11, 0]
    assert len(rows(archive, "inferences")) == 1
    assert rows(archive, "reputer_losses") == []


def test_codes_may_come_with_single_transactions(tmp_path: Path, ingested: Any) -> None:
    texts = block()["block"]["data"]["txs"]
    hashes = [hashlib.sha256(base64.b64decode(text)).hexdigest() for text in texts]
    single = [
        {
            "result": {
                "hash": hashes[index],
                "height": str(HEIGHT),
                "index": index,
                "tx_result": {"code": code, "events": []},
                "tx": texts[index],
            }
        }
        for index, code in ((1, 0), (2, 7))
    ]
    archive = ingested(written(tmp_path / "blocks.jsonl", block(), *single))
    assert [row["code"] for row in rows(archive, "txs")] == [None, 0, 7, None]
    assert len(rows(archive, "reputer_losses")) == 66
    assert rows(archive, "inferences") == []


def test_websocket_transactions(tmp_path: Path, ingested: Any) -> None:
    text = block()["block"]["data"]["txs"][0]
    result = {"height": str(HEIGHT), "tx": text, "result": {"events": []}}
    value = {"TxResult": result}
    event = {"result": {"data": {"type": "tendermint/event/Tx", "value": value}}}
    subscribed = {"jsonrpc": "2.0", "id": 1, "result": {}}
    archive = ingested(written(tmp_path / "events.jsonl", subscribed, event))
    (row,) = rows(archive, "txs")
    assert (row["tx_index"], row["code"], row["height"]) == (0, 0, HEIGHT)
    assert len(rows(archive, "inferences")) == 1


def test_an_executed_transaction_that_cannot_be_read_is_an_error(
    tmp_path: Path, ingested: Any
) -> None:
    document = block()
    raw = base64.b64decode(document["block"]["data"]["txs"][1])
    damaged = raw[:300] + b"\xff" * 40 + raw[340:]
    document["block"]["data"]["txs"][1] = base64.b64encode(damaged).decode()
    path = written(tmp_path / "blocks.jsonl", document, results(0, 0, 0, 0))
    with pytest.raises(BlockError) as error:
        ingested(path)
    message = str(error.value)
    digest = hashlib.sha256(damaged).hexdigest().upper()
    for word in ("blocks.jsonl", f"height {HEIGHT}", digest, "message 0", "byte "):
        assert word in message
    assert Archive(tmp_path / "archive").ranges == []


def test_a_decimal_that_is_none(tmp_path: Path, ingested: Any) -> None:
    document = block()
    raw = base64.b64decode(document["block"]["data"]["txs"][0])
    at = raw.index(b"0.001")
    changed = raw[:at] + b"0x001" + raw[at + 5 :]
    document["block"]["data"]["txs"][0] = base64.b64encode(changed).decode()
    path = written(tmp_path / "blocks.jsonl", document, results(0, 0, 0, 0))
    with pytest.raises(BlockError, match=r"height 7038753.*message 0, value is '0x001"):
        ingested(path)
    assert Archive(tmp_path / "archive").ranges == []


def test_an_unknown_message_of_the_module_is_an_error(tmp_path: Path, ingested: Any) -> None:
    document = block()
    raw = base64.b64decode(document["block"]["data"]["txs"][0])
    changed = raw.replace(b"InsertWorkerPayloadRequest", b"InsertWorkerPaylaodRequest")
    document["block"]["data"]["txs"][0] = base64.b64encode(changed).decode()
    path = written(tmp_path / "blocks.jsonl", document, results(0, 0, 0, 0))
    with pytest.raises(BlockError, match=r"emissions\.v9\.InsertWorkerPaylaodRequest"):
        ingested(path)


def test_heights_below_the_error_are_kept(tmp_path: Path, ingested: Any) -> None:
    """The blocks before one that cannot be read are whole in the archive."""
    good, bad = block(), block()
    good["block"]["header"]["height"] = str(HEIGHT - 1)
    earlier = results(0, 0, 0, 0)
    earlier["result"]["height"] = str(HEIGHT - 1)
    bad["block"]["data"]["txs"][0] = base64.b64encode(b"\x0a\x7f").decode()
    path = written(tmp_path / "blocks.jsonl", good, earlier, bad, results(0, 0, 0, 0))
    with pytest.raises(BlockError, match=f"height {HEIGHT}"):
        ingested(path)
    archive = Archive(tmp_path / "archive")
    assert archive.ranges == [(HEIGHT - 1, HEIGHT - 1)]
    assert {row["height"] for row in rows(archive, "inferences")} == {HEIGHT - 1}
    assert {row["height"] for row in rows(archive, "txs")} == {HEIGHT - 1}
    with duckdb.connect(str(archive.folder / "archive.duckdb"), read_only=True) as database:
        assert database.execute("SELECT count(*) FROM inferences").fetchall() == [(2,)]

"""The transactions of a recorded block, value by value."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from witness_rows import rows_of

from allora_core.wire import WireTables, decode_transactions

BLOCK = Path(__file__).parents[1] / "vectors/blocks/testnet_block_7038753_rest.json"


def transactions() -> list[bytes]:
    texts = json.loads(BLOCK.read_text())["data"]["block"]["data"]["txs"]
    return [base64.b64decode(text) for text in texts]


@pytest.fixture(scope="module")
def decoded() -> WireTables:
    return decode_transactions(transactions())


def test_messages(decoded: WireTables) -> None:
    rows = decoded.messages.to_pylist()
    assert [(row["transaction"], row["message"], row["inner"]) for row in rows] == [
        (0, 0, None),
        (1, 0, None),
        (2, 0, None),
        (3, 0, None),
    ]
    assert [row["name"] for row in rows] == [
        "InsertWorkerPayload",
        "InsertReputerPayload",
        "InsertWorkerPayload",
        None,
    ]
    assert [row["api_version"] for row in rows] == ["v9", "v9", "v9", None]
    assert rows[1]["sender"] == "allo1ta70nqsg9m0f873665gjca54ehgjpty5p32dud"
    assert rows[3]["type_url"] == "/cosmos.bank.v1beta1.MsgMultiSend"
    assert [row["is_decoded"] for row in rows] == [True, True, True, False]


def test_inferences(decoded: WireTables) -> None:
    rows = decoded.inferences.to_pylist()
    assert [(row["topic_id"], row["nonce"]) for row in rows] == [(71, 7038747)] * 2
    assert {row["inferer"]: row["value"] for row in rows} == {
        "allo1jmkc3gx6zxcqs64tvdhxd7v0qx36082g9xcxnq": "0.0015779049442497368",
        "allo1xz93rtd3twdqpkst9wlrdvy8qf4ak639pucqjz": "-0.026054634772502413",
    }
    assert decoded.forecasts.num_rows == 0


def test_losses_are_those_in_the_bytes(decoded: WireTables) -> None:
    """Found by their looks: 34-digit decimals and addresses stand in the payload as text."""
    raw = transactions()[1]
    texts = [
        (found[1], raw[found.end() : found.end() + found[2][0]])
        for found in re.finditer(rb"\n\+(allo1[a-z0-9]{38})\x12(.)", raw)
    ]
    pairs = [(address, text) for address, text in texts if re.fullmatch(rb"-?\d+\.\d+", text)]
    rows = decoded.reputer_losses.to_pylist()
    listed = [row for row in rows if row["kind"] not in ("combined", "naive")]
    assert len(rows) == 66
    assert len(pairs) == 64
    assert [(row["inferer"].encode(), row["value"].encode()) for row in listed] == pairs
    kinds = [row["kind"] for row in rows]
    assert kinds == ["combined", "naive"] + ["inferer"] * 32 + ["one_out_inferer"] * 32
    assert all(row["forecaster"] is None for row in rows)
    assert {(row["topic_id"], row["nonce"], row["reputer"]) for row in rows} == {
        (71, 7032987, "allo1ta70nqsg9m0f873665gjca54ehgjpty5p32dud")
    }
    assert [row["value"] for row in rows[:2]] == [
        "0.01509793107039315898529518580095987",
        "-0.06316195195885649592571709029358721",
    ]


def test_protobuf_reads_the_same(decoded: WireTables) -> None:
    for table, rows in rows_of(transactions()).items():
        assert getattr(decoded, table).to_pylist() == rows
    assert decoded.faults.num_rows == 0


def test_many_transactions_come_in_parts(decoded: WireTables) -> None:
    """Arrow's texts end at 2 GiB a chunk, so that a long list gives several chunks of rows."""
    many = decode_transactions(transactions() * 2000)
    losses = many.reputer_losses
    assert losses.column("value").num_chunks > 1
    assert losses.num_rows == 66 * 2000
    once = decoded.reputer_losses.drop_columns("transaction")
    places = pa.array(np.repeat(np.arange(1, 8000, 4), 66))
    assert losses.column("transaction").combine_chunks().equals(places)
    for at in (0, 999, 1999):
        rows = losses.slice(66 * at, 66).drop_columns("transaction")
        assert rows.equals(once)
    assert many.messages.column("transaction").to_pylist() == list(range(8000))

"""Hostile transactions: a named fault each, and nobody else's rows touched."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from random import Random

import pytest
from google.protobuf.message import DecodeError
from odd_writer import BYTES, FIXED64, VARINT, odd_transaction, packed, tagged, varint
from witness import EXEC, MESSAGES, any_of, transaction, type_url
from witness_rows import rows_of

from allora_core.wire import WireTables, decode_transactions

BLOCK = Path(__file__).parents[1] / "vectors/blocks/testnet_block_7038753_rest.json"
RECORDED = [
    base64.b64decode(text) for text in json.loads(BLOCK.read_text())["data"]["block"]["data"]["txs"]
]
MUTATIONS = 20 * int(os.environ.get("ALLORA_CORE_HISTORIES", "100"))

GOOD = transaction(
    any_of(
        type_url("AddStake", 9),
        MESSAGES["AddStake"](sender="allo1good", topic_id=3, amount="7").SerializeToString(),
    )
)
GOOD_ROW = {
    "message": 0,
    "inner": None,
    "topic_id": 3,
    "reputer": "allo1good",
    "delegator": "allo1good",
    "reason": "add",
    "amount": "7",
}


def fault_between_good_ones(bad: bytes) -> dict[str, object]:
    """The one fault, after a look that the neighbours have all their rows and `bad` has none."""
    decoded = decode_transactions([GOOD, bad, GOOD])
    assert decoded.stake_moves.to_pylist() == [
        {"transaction": index, **GOOD_ROW} for index in (0, 2)
    ]
    for table in set(vars(decoded)) - {"stake_moves", "messages", "faults"}:
        assert getattr(decoded, table).num_rows == 0
    assert decoded.messages.column("transaction").to_pylist() == [0, 2]
    (fault,) = decoded.faults.to_pylist()
    assert fault.pop("transaction") == 1
    return dict(fault)


def with_value(value: bytes, name: str = "InsertReputerPayload", version: int = 9) -> bytes:
    """A transaction of one message with these bytes."""
    return transaction(any_of(type_url(name, version), value))


def nested(levels: int) -> bytes:
    """MsgExec within MsgExec."""
    message = any_of(type_url("AddStake", 9), b"")
    for _ in range(levels):
        message = any_of(EXEC, MESSAGES["MsgExec"](msgs=[message]).SerializeToString())
    return transaction(message)


LOSSES = tagged(1, BYTES, b"allo1") + tagged(2, BYTES, b"0.1")
HUGE = varint(2**63 + 5)

CASES = {
    "body longer than the transaction": (b"\x0a\x7f\x00", "truncated"),
    "length of 2^63": (b"\x0a" + HUGE, "truncated"),
    "length of 2^64 - 1 in a message": (with_value(b"\x12" + varint(2**64 - 1)), "truncated"),
    "tag without a value": (with_value(b"\x12"), "truncated"),
    "fixed64 cut": (with_value(b"\x81\x08\x00"), "truncated"),
    "fixed32 cut": (with_value(b"\x85\x08\x00"), "truncated"),
    "unknown length cut": (with_value(b"\x82\x08\x05ab"), "truncated"),
    "varint without an end": (with_value(b"\x80\x08" + b"\x80" * 11), "overlong_varint"),
    "varint of 65 bits": (with_value(b"\x80\x08" + b"\xff" * 9 + b"\x02"), "overlong_varint"),
    "tag of 11 bytes": (with_value(b"\x80" * 10 + b"\x01"), "overlong_varint"),
    "length without an end": (b"\x0a" + b"\xff" * 10, "overlong_varint"),
    "start of a group": (with_value(b"\x83\x08\x84\x08"), "wrong_wire_type"),
    "wire type 6": (with_value(b"\x86\x08"), "wrong_wire_type"),
    "wire type 7": (b"\x0f\x00", "wrong_wire_type"),
    "body as a number": (tagged(1, VARINT, b"\x01"), "wrong_wire_type"),
    "sender as a number": (with_value(tagged(1, VARINT, b"\x01")), "wrong_wire_type"),
    "bundle as fixed64": (with_value(tagged(2, FIXED64, b"\0" * 8)), "wrong_wire_type"),
    "topic as text": (with_value(tagged(2, BYTES, b"1"), "AddStake"), "wrong_wire_type"),
    "field 0": (with_value(b"\x02\x00"), "invalid_field"),
    "field of 2^29": (with_value(varint(2**32) + b"\x00"), "invalid_field"),
    "sender not UTF-8": (with_value(tagged(1, BYTES, b"\xff\xfe")), "invalid_utf8"),
    "surrogate": (with_value(tagged(1, BYTES, b"\xed\xa0\x80")), "invalid_utf8"),
    "overlong UTF-8": (with_value(tagged(1, BYTES, b"\xc0\xaf")), "invalid_utf8"),
    "above U+10FFFF": (with_value(tagged(1, BYTES, b"\xf4\x90\x80\x80")), "invalid_utf8"),
    "character cut": (with_value(tagged(1, BYTES, b"plain text \xe2\x82")), "invalid_utf8"),
    "type url not UTF-8": (
        transaction() + tagged(1, BYTES, tagged(1, BYTES, tagged(1, BYTES, b"\x80"))),
        "invalid_utf8",
    ),
    "topic above 2^63": (with_value(b"\x10" + HUGE, "AddStake"), "out_of_range"),
    "MsgExec nested nine deep": (nested(9), "too_deep"),
    "MsgExec nested 5000 deep": (nested(5000), "too_deep"),
    "5000 messages": (transaction(*[any_of("/x", b"")] * 5000), "too_many"),
    "5 MiB": (with_value(tagged(9, BYTES, bytes(5 << 20))), "too_large"),
    "an address repeated in every row": (
        with_value(
            tagged(
                2,
                BYTES,
                tagged(1, BYTES, tagged(3, BYTES, b"x" * 100_000) + tagged(6, BYTES, b"") * 10_000),
            )
        ),
        "too_large",
    ),
    "a forecaster repeated in every row": (
        with_value(
            tagged(
                2,
                BYTES,
                tagged(
                    4,
                    BYTES,
                    tagged(2, BYTES, tagged(3, BYTES, b"x" * 99_999) + b"\x22\x00" * 50_000),
                ),
            ),
            "InsertWorkerPayload",
        ),
        "too_large",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_named_fault(case: str) -> None:
    bad, cause = CASES[case]
    fault = fault_between_good_ones(bad)
    assert fault["cause"] == cause
    offset = fault["offset"]
    assert isinstance(offset, int)
    assert 0 <= offset < len(bad)


def test_fault_tells_message_and_byte() -> None:
    """The offset is that of the faulty field's tag."""
    first = any_of(type_url("AddStake", 9), b"")
    second = any_of(type_url("AddStake", 9), tagged(2, VARINT, b"\x05") + b"\x0a\x03ab\xff")
    bad = transaction(first, second)
    fault = fault_between_good_ones(bad)
    assert fault == {"message": 1, "offset": bad.index(b"\x0a\x03ab"), "cause": "invalid_utf8"}
    assert fault_between_good_ones(b"\x0a\x01")["message"] is None


def test_deepest_allowed_nesting() -> None:
    decoded = decode_transactions([nested(8)])
    assert decoded.faults.num_rows == 0
    assert decoded.stake_moves.num_rows == 1


def test_faults_leave_rows_of_all_tables_before_them() -> None:
    """A transaction whose last message is at fault takes back what its others had written."""
    rng = Random(5)
    good = [odd_transaction([packed(rng) for _ in range(6)], rng) for _ in range(20)]
    last = any_of(type_url("AddStake", 9), b"\x0a\x7f")
    bad = [transaction(*[packed(rng) for _ in range(6)], last) for _ in range(20)]
    mixed = [each for pair in zip(bad, good, strict=True) for each in pair]
    alone = decode_transactions(good)
    decoded = decode_transactions(mixed)
    assert decoded.faults.column("transaction").to_pylist() == list(range(0, 40, 2))
    assert decoded.faults.column("message").to_pylist() == [6] * 20
    for table in set(vars(decoded)) - {"faults"}:
        rows = getattr(decoded, table).to_pylist()
        expected = [
            row | {"transaction": 2 * row["transaction"] + 1}
            for row in getattr(alone, table).to_pylist()
        ]
        assert rows == expected, table


def rows_by_transaction(decoded: WireTables) -> dict[int, list[object]]:
    """All rows but faults, gathered under their transaction, which they no longer name."""
    gathered: dict[int, list[object]] = {}
    for table in set(vars(decoded)) - {"faults"}:
        for row in getattr(decoded, table).to_pylist():
            gathered.setdefault(row.pop("transaction"), []).append((table, row))
    return gathered


@pytest.mark.parametrize("index", range(len(RECORDED)))
def test_truncated_at_every_byte(index: int) -> None:
    """The whole transaction cut, and the message's value cut under whole containers."""
    raw = RECORDED[index]
    body = MESSAGES["TxBody"].FromString(MESSAGES["TxRaw"].FromString(raw).body_bytes)
    (message,) = body.messages
    cut = [raw[:size] for size in range(len(raw))]
    cut += [
        transaction(any_of(message.type_url, message.value[:size]))
        for size in range(len(message.value))
    ]
    decoded = decode_transactions([each for bad in cut for each in (bad, GOOD)])
    faults = {row["transaction"]: row["cause"] for row in decoded.faults.to_pylist()}
    assert set(faults.values()) == {"truncated"}
    assert all(place % 2 == 0 for place in faults)
    assert decoded.stake_moves.num_rows == len(cut)
    found = rows_by_transaction(decoded)
    for place, bad in enumerate(cut):
        if 2 * place in faults:
            assert 2 * place not in found
            with pytest.raises(DecodeError):
                rows_of([bad])
        else:
            assert_witnessed(decoded, found.get(2 * place, []), bad)


def assert_witnessed(decoded: WireTables, rows: list[object], raw: bytes) -> None:
    """The rows of one transaction are those that google.protobuf finds."""
    expected = rows_of([raw])
    assert len(rows) == sum(map(len, expected.values()))
    for table, listed in expected.items():
        for row in listed:
            del row["transaction"]
            whole = dict.fromkeys(getattr(decoded, table).column_names[1:]) | row
            assert (table, whole) in rows


def mutated(raw: bytes, rng: Random) -> bytes:
    """A few bytes changed, put in, left out, or copied from elsewhere."""
    data = bytearray(raw)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(data))
        match rng.randrange(5):
            case 0:
                data[at] = rng.randrange(256)
            case 1:
                data[at] ^= 1 << rng.randrange(8)
            case 2:
                data[at:at] = rng.randbytes(rng.randint(1, 9))
            case 3:
                del data[at : at + rng.randint(1, 9)]
            case _:
                start = rng.randrange(len(data))
                data[at:at] = data[start : start + rng.randint(1, 30)]
        if not data:
            data.append(0)
    return bytes(data)


def test_mutations() -> None:
    """What is read is what google.protobuf reads; what is not leaves nothing but its fault."""
    rng = Random(7038753)
    sources = [*RECORDED[:3], *(odd_transaction([packed(rng)], rng) for _ in range(60))]
    small = [raw for raw in sources if len(raw) < 4000]
    bad = [
        mutated(rng.choice(sources if rng.random() < 0.1 else small), rng) for _ in range(MUTATIONS)
    ]
    decoded = decode_transactions([each for raw in bad for each in (raw, GOOD)])
    found = rows_by_transaction(decoded)
    faults = set(decoded.faults.column("transaction").to_pylist())
    assert 0 < len(faults) < len(bad)
    for place, raw in enumerate(bad):
        assert found[2 * place + 1] == found[1]
        if 2 * place in faults:
            assert 2 * place not in found
        else:
            assert_witnessed(decoded, found.get(2 * place, []), raw)

"""google.protobuf reads the same from any spelling of any message."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from odd_writer import filled, odd_transaction, packed, spelled, versions_of
from witness import EXEC, MESSAGES, NAMES, any_of, transaction, type_url
from witness_rows import Row, rows_of

from allora_core.wire import WireTables, decode_transactions


def in_order(table: str, rows: list[Row]) -> list[Row]:
    """Parameters come as they were sent; the witness knows them by number only."""
    if table != "params":
        return rows
    return sorted(rows, key=lambda row: (place(row), row["name"]))


def place(row: Row) -> tuple[int, int, int]:
    inner = row["inner"]
    return row["transaction"], row["message"], -1 if inner is None else inner


def assert_same(transactions: list[bytes]) -> WireTables:
    """Equal rows, the columns that a message does not fill null."""
    decoded = decode_transactions(transactions)
    assert decoded.faults.to_pylist() == []
    expected = rows_of(transactions)
    for table in vars(decoded):
        found = getattr(decoded, table)
        found.validate(full=True)
        wanted = [dict.fromkeys(found.column_names) | row for row in expected.get(table, [])]
        assert in_order(table, found.to_pylist()) == in_order(table, wanted)
    return decoded


@pytest.mark.parametrize("name", NAMES)
def test_every_message_of_every_version(name: str) -> None:
    rng = Random(name)
    transactions = [
        odd_transaction([any_of(type_url(name, version), spelled(filled(name, rng), rng))], rng)
        for version in versions_of(name)
        for _ in range(4)
    ]
    decoded = assert_same(transactions)
    assert set(decoded.messages.column("name").to_pylist()) == {name}
    assert all(decoded.messages.column("is_decoded").to_pylist())


@settings(deadline=None)
@given(random=st.randoms(use_true_random=True), counts=st.lists(st.integers(0, 4), max_size=6))
def test_mixed_transactions(random: Random, counts: list[int]) -> None:
    assert_same(
        [odd_transaction([packed(random) for _ in range(count)], random) for count in counts]
    )


def test_no_transactions() -> None:
    decoded = assert_same([])
    assert decoded.messages.column_names[:3] == ["transaction", "message", "inner"]


def test_places_within_exec() -> None:
    stake = any_of(type_url("AddStake", 9), b"")
    deep = any_of(EXEC, MESSAGES["MsgExec"](msgs=[stake, stake]).SerializeToString())
    outer = any_of(EXEC, MESSAGES["MsgExec"](msgs=[stake, deep, stake]).SerializeToString())
    decoded = assert_same([transaction(stake, outer)])
    places = [(row["message"], row["inner"]) for row in decoded.stake_moves.to_pylist()]
    assert places == [(0, None), (1, 0), (1, 2), (1, 3), (1, 4)]


@pytest.mark.parametrize(
    "url",
    [
        "/emissions.v1.MsgAddStake",
        "/emissions.v3.AddStakeRequest",
        "/emissions.v4.MsgAddStake",
        "/emissions.v11.AddStakeRequest",
        "/emissions.v09.AddStakeRequest",
        "/emissions.v.AddStakeRequest",
        "/emissions.v9.AddStakeRequests",
        "/emissions.v9",
        "/emissions.v9.Request",
        "emissions.v9.AddStakeRequest",
    ],
)
def test_other_type_urls_are_not_decoded(url: str) -> None:
    decoded = assert_same([transaction(any_of(url, b"\xff"))])
    assert decoded.messages.column("is_decoded").to_pylist() == [False]


def test_columns_have_the_archive_types() -> None:
    from allora_core.archive.schema import TABLES

    decoded = decode_transactions([])
    for table in set(vars(decoded)) & set(TABLES):
        known = TABLES[table].schema
        for field in getattr(decoded, table).schema:
            if field.name in known.names:
                assert field.type == known.field(field.name).type, (table, field.name)


def test_only_bytes_are_read() -> None:
    with pytest.raises(TypeError, match="transaction 1 is no bytes object"):
        decode_transactions([b"", "text"])  # type: ignore[list-item]

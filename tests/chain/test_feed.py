"""Payloads out of an archive's rows: runs, repeats, order."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from allora_core.archive.files import Archive
from allora_core.archive.schema import Rows
from allora_core.batch import DecimalArray, NumberName
from allora_core.chain import columns
from allora_core.chain.columns import Addresses, joined, missing
from allora_core.chain.feed import Feed, end_of, height_of, order_at, order_of

Make = Callable[..., Archive]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """A function that makes an archive of losses, one row per value."""

    def made(*payloads: dict[str, Any], values: int = 3) -> Archive:
        rows = Rows()
        for payload in payloads:
            origin = {"height": payload["height"], "tx_index": payload["tx"], "msg_index": 0}
            for number in range(values):
                rows.add(
                    "reputer_losses",
                    origin,
                    1,
                    topic_id=payload["topic"],
                    nonce=payload["nonce"],
                    reputer=payload["reputer"],
                    kind="inferer",
                    inferer=f"j{number}",
                    source=payload.get("source", "transaction"),
                    value=f"{payload['first'] + number}.50",
                )
        archive = Archive.create(tmp_path / "archive", "allora-test-1")
        with archive.writing():
            archive.commit(rows.tables(), 0, {"block": list(range(1, 100))})
        return archive

    return made


def read(archive: Archive, number: NumberName = "decimal") -> tuple[Feed, list[Any]]:
    """The feed, and its submissions in chain order: height, topic, nonce, actor, values."""
    addresses = Addresses()
    feed = Feed.load(archive, (1, 99), number, addresses)
    payloads = feed.roles["reputer"]
    found = []
    for at in payloads.between(0, end_of(99)).tolist():
        rows, _ = payloads.rows(np.array([at]))
        part = payloads.values[rows]  # type: ignore[index]
        values = part.texts() if isinstance(part, DecimalArray) else part.tolist()
        actor = addresses.texts[int(payloads.actor[at])]
        height = int(height_of(payloads.order[at]))
        found.append((height, int(payloads.topic[at]), int(payloads.nonce[at]), actor, values))
    return feed, found


A = {"topic": 2, "nonce": 10, "reputer": "a", "height": 12, "tx": 3, "first": 0}
B = {"topic": 1, "nonce": 10, "reputer": "b", "height": 12, "tx": 1, "first": 10}
C = {"topic": 2, "nonce": 10, "reputer": "a", "height": 11, "tx": 9, "first": 20}


def test_submissions_stand_in_chain_order(make: Make) -> None:
    _, found = read(make(A, B, C))
    assert found == [
        (11, 2, 10, "a", ["20.50", "21.50", "22.50"]),
        (12, 1, 10, "b", ["10.50", "11.50", "12.50"]),
        (12, 2, 10, "a", ["0.50", "1.50", "2.50"]),
    ]


def test_an_event_that_repeats_a_transaction_counts_once(make: Make) -> None:
    echo = {**A, "source": "event"}
    alone = {**B, "source": "event"}
    feed, found = read(make(echo, A, alone))
    assert [(height, actor) for height, _, _, actor, _ in found] == [(12, "b"), (12, "a")]
    # One fee for each.
    assert {topic: len(orders) for topic, orders in feed.fees.items()} == {1: 1, 2: 1}


@pytest.mark.parametrize("size", [1, 2, 4, 7])
def test_batches_of_any_size_give_the_same(
    make: Make, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = make(A, {**A, "source": "event"}, B, C)
    _, expected = read(archive)
    monkeypatch.setattr(columns, "ROWS_AT_ONCE", size)
    assert read(archive)[1] == expected


def test_float64_takes_the_doubles(make: Make) -> None:
    _, found = read(make(A), "float64")
    assert found == [(12, 2, 10, "a", [0.5, 1.5, 2.5])]


def test_orders_rise_along_the_chain() -> None:
    places = [(1, 0, 0), (1, 0, 1), (1, 1, 0), (1, 5000, 1023), (2, 0, 0), (10**8, 0, 0)]
    heights, transactions, messages = (np.array(part) for part in zip(*places, strict=True))
    orders = order_of(heights, transactions, messages)
    assert (np.diff(orders) > 0).all()
    assert height_of(orders).tolist() == heights.tolist()
    assert [order_at(*place) for place in places] == orders.tolist()
    # What a block itself does comes after its transactions.
    assert orders[3] < order_at(1, 1 << 40, 0) < end_of(1) == orders[4]


def test_addresses_keep_their_codes_and_know_their_order() -> None:
    addresses = Addresses()
    first = addresses.codes(["b", None, "a"])
    assert first.tolist() == [0, -1, 1]
    assert addresses.codes(["c", "b"]).tolist() == [2, 0]
    assert [addresses.texts[code] for code in addresses.by_rank.tolist()] == ["a", "b", "c"]
    assert addresses.rank.tolist() == [1, 0, 2]
    assert addresses.column(first).to_pylist() == ["b", None, "a"]


def test_columns_of_long_decimals_are_joined() -> None:
    long = "1" * 90
    parts = [DecimalArray.from_texts([long, "1.20"]), missing("decimal", 1)]
    parts.append(DecimalArray.from_texts(["7" * 91]))
    whole = joined(parts, "decimal")
    assert isinstance(whole, DecimalArray)
    assert whole.texts() == [long, "1.20", None, "7" * 91]

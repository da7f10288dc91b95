"""Payloads of an archive: rows of values, and the submissions that own them, in chain order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain, pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..archive.files import Archive
from ..batch import NumberName, Numbers
from .columns import Addresses, Codes, Integers, integers, joined, numbers_of, read_batches

__all__ = ["KINDS", "ROLES", "Feed", "Payloads", "end_of", "height_of", "order_at", "order_of"]

ROLES = ("inferer", "forecaster", "reputer")
KINDS = (
    "combined",
    "naive",
    "inferer",
    "forecaster",
    "one_out_inferer_forecaster",
    "one_out_inferer",
    "one_out_forecaster",
    "one_in_forecaster",
)
"""Kinds of losses in the order of a value bundle's slots."""

SOURCES = {
    "inferer": ("inferences", "inferer", ("label",)),
    "forecaster": ("forecasts", "forecaster", ("inferer",)),
    "reputer": ("reputer_losses", "reputer", ("kind", "inferer", "forecaster")),
}
TRANSACTION_BITS, MESSAGE_BITS = 20, 10


def order_of(height: Integers, transaction: Integers, message: Integers) -> Integers:
    """One number that rises along the chain: height, transaction, message."""
    place = (transaction << MESSAGE_BITS) | message
    return (height << (TRANSACTION_BITS + MESSAGE_BITS)) | place


def height_of(order: Integers) -> Integers:
    """The height of such a number."""
    return order >> (TRANSACTION_BITS + MESSAGE_BITS)


def order_at(height: int, transaction: int, message: int) -> int:
    """The same for one place."""
    place = min(transaction, (1 << TRANSACTION_BITS) - 1) << MESSAGE_BITS | message
    return height << (TRANSACTION_BITS + MESSAGE_BITS) | place


def end_of(height: int) -> int:
    """The first order after a height."""
    return (height + 1) << (TRANSACTION_BITS + MESSAGE_BITS)


@dataclass
class Payloads:
    """One role's payloads.

    Attributes:
        values: numbers of all rows.
        columns: per row, by name: codes of labels, inferers and forecasters, kinds.
        topic, nonce, actor, order, begin, end: per submission, sorted by topic and order; its rows
            are those from begin to end.
        topics: topic -> its first submission and the one after its last.
        extra: labels by code.
    """

    values: Numbers
    columns: dict[str, Codes]
    topic: Integers
    nonce: Integers
    actor: Codes
    order: Integers
    begin: Integers
    end: Integers
    topics: dict[int, tuple[int, int]]
    extra: list[str] = field(default_factory=list)

    @cached_property
    def in_order(self) -> tuple[Integers, Integers]:
        """All submissions in chain order, and their orders."""
        by_order = np.argsort(self.order, kind="stable")
        return by_order, self.order[by_order]

    def between(self, order: int, limit: int) -> Integers:
        """Submissions after one order and before another, in chain order."""
        by_order, orders = self.in_order
        begin, end = np.searchsorted(orders, (order + 1, limit))
        return by_order[begin:end]

    def find(self, topic: int, nonce: int, actor: int) -> int:
        """The first submission of an actor to a nonce.

        Raises:
            ValueError: there is none.
        """
        first, last = self.topics.get(topic, (0, 0))
        part = slice(first, last)
        found = np.flatnonzero((self.actor[part] == actor) & (self.nonce[part] == nonce))
        if not len(found):
            raise ValueError(f"topic {topic} nonce {nonce}: a payload that counts is not there")
        return first + int(found[0])

    def last(self, topic: int, nonce: int, actor: int) -> int:
        """The last submission of an actor to a nonce, or -1."""
        first, last = self.topics.get(topic, (0, 0))
        part = slice(first, last)
        found = np.flatnonzero((self.actor[part] == actor) & (self.nonce[part] == nonce))
        return first + int(found[-1]) if len(found) else -1

    def rows(self, submissions: Integers) -> tuple[Integers, Integers]:
        """Rows of submissions one after the other, and how many each has."""
        begin, counts = self.begin[submissions], self.end[submissions] - self.begin[submissions]
        ends = np.cumsum(counts)
        total = int(ends[-1]) if len(ends) else 0
        shift = np.repeat(begin - (ends - counts), counts)
        return np.arange(total) + shift, counts


@dataclass
class Feed:
    """All payloads of a range of heights.

    Attributes:
        heights: the range.
        roles: payloads by role.
        fees: topic -> orders of the payloads that paid a fee, ascending: one per message.
    """

    heights: tuple[int, int]
    roles: dict[str, Payloads]
    fees: dict[int, Integers]

    @classmethod
    def load(
        cls,
        archive: Archive,
        heights: tuple[int, int],
        number: NumberName,
        addresses: Addresses,
        held: Mapping[str, pa.RecordBatch] | None = None,
        fees_from: int = 0,
    ) -> Feed:
        """Read the payloads of some heights.

        Args:
            held: rows by role that a state holds, of payloads before these heights.
            fees_from: the first height whose fees count.
        """
        more = held or {}
        roles = {
            role: load_role(archive, heights, number, addresses, role, more.get(role))
            for role in ROLES
        }
        workers = [roles["inferer"], roles["forecaster"]]
        # An inference and a forecast of one message are one payload and pay once.
        keys = np.concatenate(
            [np.stack([p.topic, p.order, p.actor.astype(np.int64)], 1) for p in workers]
        )
        keys = np.unique(keys, axis=0) if len(keys) else keys
        reputers = roles["reputer"]
        topics = np.concatenate([keys[:, 0], reputers.topic])
        orders = np.concatenate([keys[:, 1], reputers.order])
        paid = orders >= order_at(fees_from, 0, 0)
        topics, orders = topics[paid], orders[paid]
        fees = {}
        for topic in np.unique(topics).tolist():
            fees[topic] = np.sort(orders[topics == topic])
        return cls(heights, roles, fees)

    def rows_of(self, role: str) -> int:
        """How many rows of values a role has."""
        return len(self.roles[role].values)


def load_role(
    archive: Archive,
    heights: tuple[int, int],
    number: NumberName,
    addresses: Addresses,
    role: str,
    held: pa.RecordBatch | None,
) -> Payloads:
    """Read one role's payloads, those that a state holds first."""
    table, actor, names = SOURCES[role]
    value = "value" if number == "decimal" else "value_f64"
    wanted = ["topic_id", "nonce", actor, *names, "source", value]
    wanted += ["height", "tx_index", "msg_index"]
    dictionaries = [actor, *names, "source"]
    parts: list[dict[str, Any]] = []
    numbers: list[Numbers] = []
    labels: dict[str, int] = {}
    read = read_batches(archive, table, heights, wanted, dictionaries)
    for batch in chain((held,) if held is not None else (), read):
        part, values = arrays_of(batch, actor, names, number, value, addresses, labels)
        parts.append(part)
        numbers.append(values)
    columns = {
        name: np.concatenate([part[name] for part in parts])
        if parts
        else np.empty(0, np.int64 if name in ("topic", "nonce", "order") else np.int32)
        for name in ("topic", "nonce", "order", "actor", "event", *names)
    }
    whole = joined(numbers, number) if parts else numbers_of(number, pa.array([], pa.string()))
    return grouped(columns, names, whole, list(labels))


def arrays_of(
    batch: pa.RecordBatch,
    actor: str,
    names: tuple[str, ...],
    number: NumberName,
    value: str,
    addresses: Addresses,
    labels: dict[str, int],
) -> tuple[dict[str, Any], Numbers]:
    """The arrays of one batch of rows."""

    def column(name: str) -> Any:
        return batch.column(name)

    part: dict[str, Any] = {
        "topic": integers(column("topic_id")),
        "nonce": integers(column("nonce")),
        "order": order_of(
            integers(column("height")),
            integers(column("tx_index")),
            integers(column("msg_index")),
        ),
        "actor": addresses.of_column(column(actor)),
        "event": pc.equal(column("source"), "event").to_numpy(zero_copy_only=False),
    }
    for name in names:
        if name == "label":
            part[name] = coded(column(name), labels)
        elif name == "kind":
            part[name] = coded(column(name), {kind: at for at, kind in enumerate(KINDS)})
        else:
            part[name] = addresses.of_column(column(name))
    read = column(value)
    return part, numbers_of(number, read, read if number == "float64" else None)


def coded(column: Any, known: dict[str, int]) -> Codes:
    """Codes of a dictionary column by a table that grows; null is -1."""
    encoded = column if pa.types.is_dictionary(column.type) else pc.dictionary_encode(column)
    listed = encoded.dictionary.to_pylist()
    table = np.array([known.setdefault(text, len(known)) for text in listed], np.int32)
    indices = pc.fill_null(encoded.indices.cast(pa.int32()), -1).to_numpy(zero_copy_only=False)
    if not len(table):
        return np.full(len(column), -1, np.int32)
    found: Codes = np.where(indices < 0, np.int32(-1), table[indices])
    return found


def grouped(
    columns: dict[str, Any], names: tuple[str, ...], values: Numbers, labels: list[str]
) -> Payloads:
    """Rows as submissions; what a transaction and its event both tell counts once."""
    chosen = chosen_rows(columns)
    keys = [columns[name][chosen] for name in ("topic", "nonce", "actor", "order")]
    changes = np.ones(len(chosen), bool)
    if len(chosen):
        changes[1:] = np.any([key[1:] != key[:-1] for key in keys], axis=0)
    starts = np.flatnonzero(changes)
    topic, nonce, actor, order = (key[starts] for key in keys)
    ends = np.append(starts[1:], len(chosen)).astype(np.int64)
    by_order = np.lexsort((actor, order, topic))
    topic = topic[by_order]
    bounds = np.flatnonzero(np.diff(topic, prepend=-1)) if len(topic) else np.empty(0, np.int64)
    limits = np.append(bounds, len(topic)).tolist()
    return Payloads(
        values=take(values, chosen),
        columns={name: columns[name][chosen] for name in names},
        topic=topic,
        nonce=nonce[by_order],
        actor=actor[by_order],
        order=order[by_order],
        begin=starts[by_order].astype(np.int64),
        end=ends[by_order],
        topics={int(topic[b]): (b, e) for b, e in pairwise(limits)},
        extra=labels,
    )


def chosen_rows(columns: dict[str, Any]) -> Integers:
    """Rows so that each submission is one run, without events that repeat a transaction."""
    names = ("order", "actor", "nonce", "topic")
    count = len(columns["topic"])
    event = columns["event"].astype(bool)
    rows = np.arange(count)
    if event.any() and not event.all():
        told = set(zip(*(columns[name][~event].tolist() for name in names), strict=True))
        rows_told = zip(*(columns[name].tolist() for name in names), strict=True)
        twice = np.fromiter((key in told for key in rows_told), bool, count)
        rows = rows[~(event & twice)]
    keys = [columns[name][rows] for name in names]
    changes = np.any([key[1:] != key[:-1] for key in keys], axis=0) if count else np.empty(0, bool)
    starts = np.append(0, np.flatnonzero(changes) + 1) if len(rows) else np.empty(0, np.int64)
    runs = np.stack([key[starts] for key in keys], 1) if len(rows) else np.empty((0, 4))
    if len(np.unique(runs, axis=0)) != len(runs):
        rows = rows[np.lexsort(keys)]
    return rows


def take(values: Numbers, rows: Integers) -> Numbers:
    """Numbers at these rows."""
    if len(rows) == len(values) and np.array_equal(rows, np.arange(len(rows))):
        return values
    return values[rows]  # type: ignore[index]

"""Payloads of an archive: rows of values, and the submissions that own them, in chain order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain, pairwise
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..archive.files import Archive
from ..batch import NumberName, Numbers
from .columns import Addresses, Codes, Integers, joined, numbers_of, read_batches

__all__ = [
    "KINDS",
    "ROLES",
    "SOURCES",
    "Feed",
    "Payloads",
    "columns_of",
    "end_of",
    "height_of",
    "order_at",
    "order_of",
]

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

Unreadable: TypeAlias = tuple[int, int, int, str, str]
"""Height, topic, nonce, actor and text of a value that is no number of the chain."""


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
        unreadable: values that are no numbers of the chain; they are missing.
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
    unreadable: list[Unreadable] = field(default_factory=list)

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
        begin = self.begin[submissions]
        return spread(begin, self.end[submissions] - begin)


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
            held: rows by role of payloads before these heights that are still to be used.
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


def value_of(number: NumberName) -> str:
    """The column that holds a kind of numbers."""
    return "value" if number == "decimal" else "value_f64"


def columns_of(role: str, number: NumberName) -> list[str]:
    """The columns that a role's payloads are read from."""
    _, actor, names = SOURCES[role]
    wanted = ["topic_id", "nonce", actor, *names, "source", value_of(number)]
    return [*wanted, "height", "tx_index", "msg_index"]


def load_role(
    archive: Archive,
    heights: tuple[int, int],
    number: NumberName,
    addresses: Addresses,
    role: str,
    held: pa.RecordBatch | None,
) -> Payloads:
    """Read one role's payloads, those that are held first."""
    table, actor, names = SOURCES[role]
    runs = Runs(actor, names, number, value_of(number), addresses)
    wanted = columns_of(role, number)
    read = read_batches(archive, table, heights, wanted, [actor, *names, "source"])
    for batch in chain((held,) if held is not None else (), read):
        runs.take(batch)
    return runs.payloads()


class Runs:
    """Rows on their way into payloads: one run of rows a payload, as archives are sorted."""

    def __init__(
        self,
        actor: str,
        names: tuple[str, ...],
        number: NumberName,
        value: str,
        addresses: Addresses,
    ) -> None:
        self.actor, self.names, self.value = actor, names, value
        self.number, self.addresses = number, addresses
        self.labels: dict[str, int] = {}
        self.rows: dict[str, list[Codes]] = {name: [] for name in names}
        self.values: list[Numbers] = []
        self.keys: list[Integers] = []
        self.bounds: list[Integers] = []
        self.told: list[Any] = []
        self.unreadable: list[Unreadable] = []
        self.count = 0

    def take(self, batch: pa.RecordBatch) -> None:
        """Add rows. Those of transactions and of events are runs of their own."""
        source = batch.column("source")
        kinds = pc.unique(source).to_pylist()
        for kind in kinds:
            part = batch if len(kinds) == 1 else batch.filter(pc.equal(source, kind))
            self.take_part(part, kind == "event")

    def take_part(self, batch: pa.RecordBatch, event: bool) -> None:
        """Add rows of one source."""
        columns = [batch.column(name) for name in ("topic_id", "nonce", "height")]
        columns += [pc.fill_null(batch.column(name), 0) for name in ("tx_index", "msg_index")]
        actor = batch.column(self.actor)
        indices = actor.indices if pa.types.is_dictionary(actor.type) else actor
        ends = [pc.run_end_encode(each).run_ends.to_numpy() for each in (*columns, indices)]
        cuts = np.unique(np.concatenate(ends)).astype(np.int64)
        starts = np.concatenate([[0], cuts[:-1]])
        firsts = pa.array(starts)
        topic, nonce, height, index, message = (
            each.take(firsts).to_numpy().astype(np.int64) for each in columns
        )
        order = order_of(height, index, message)
        code = self.addresses.of_column(actor.take(firsts)).astype(np.int64)
        self.keys.append(np.stack([topic, order, code, nonce], 1))
        self.bounds.append(np.stack([starts, cuts], 1) + self.count)
        self.told.append(np.full(len(starts), event))
        for name in self.names:
            self.rows[name].append(self.codes(name, batch.column(name)))
        read = batch.column(self.value)
        try:
            values = numbers_of(self.number, read, read if self.number == "float64" else None)
        except ValueError:
            values = numbers_of(self.number, self.readable(batch))
        self.values.append(values)
        self.count += batch.num_rows

    def readable(self, batch: pa.RecordBatch) -> pa.Array:
        """The values with those that are no numbers of the chain left out, and told."""
        kept: list[str | None] = []
        columns = (batch.column(name) for name in ("height", "topic_id", "nonce", self.actor))
        rows = zip(*(column.to_pylist() for column in columns), strict=True)
        for text, row in zip(batch.column(self.value).to_pylist(), rows, strict=True):
            try:
                numbers_of(self.number, pa.array([text], pa.string()))
                kept.append(text)
            except ValueError:
                self.unreadable.append((*row, text))
                kept.append(None)
        return pa.array(kept, pa.string())

    def codes(self, name: str, column: Any) -> Codes:
        """Codes of labels, kinds or addresses."""
        if name == "label":
            return coded(column, self.labels)
        if name == "kind":
            return coded(column, {kind: at for at, kind in enumerate(KINDS)})
        return self.addresses.of_column(column)

    def payloads(self) -> Payloads:
        """Runs as submissions; what a transaction and its event both tell counts once."""
        keys = np.concatenate([np.empty((0, 4), np.int64), *self.keys])
        bounds = np.concatenate([np.empty((0, 2), np.int64), *self.bounds])
        event = np.concatenate([np.empty(0, bool), *self.told])
        if event.any() and not event.all():
            told = set(map(tuple, keys[~event].tolist()))
            repeats = np.fromiter((tuple(key) in told for key in keys.tolist()), bool, len(keys))
            keep = ~(event & repeats)
            keys, bounds = keys[keep], bounds[keep]
        # Payloads of one message, as a MsgExec may hold them, stand by address: rows keep no order.
        rank = self.addresses.rank[keys[:, 2]]
        by_key = np.lexsort((bounds[:, 0], keys[:, 3], rank, keys[:, 1], keys[:, 0]))
        keys, bounds = keys[by_key], bounds[by_key]
        values = joined(self.values, self.number) if self.values else no_numbers(self.number)
        columns = {
            name: np.concatenate([np.empty(0, np.int32), *parts])
            for name, parts in self.rows.items()
        }
        fresh = np.ones(len(keys), bool)
        fresh[1:] = np.any(keys[1:] != keys[:-1], axis=1)
        split = ~fresh[1:]
        if split.any() and np.all(bounds[1:, 0][split] == bounds[:-1, 1][split]):
            # Only cut where one batch of rows ended and the next began.
            last = np.append(fresh[1:], True)
            bounds = np.stack([bounds[fresh, 0], bounds[last, 1]], 1)
            keys = keys[fresh]
        elif split.any():
            rows, counts = spread(bounds[:, 0], bounds[:, 1] - bounds[:, 0])
            columns = {name: column[rows] for name, column in columns.items()}
            values = values[rows]
            ends = np.cumsum(np.add.reduceat(counts, np.flatnonzero(fresh)))
            bounds = np.stack([np.concatenate([[0], ends[:-1]]), ends], 1)
            keys = keys[fresh]
        topic = keys[:, 0].copy()
        limits = [*np.flatnonzero(np.diff(topic, prepend=-1)).tolist(), len(topic)]
        return Payloads(
            values=values,
            columns=columns,
            topic=topic,
            nonce=keys[:, 3].copy(),
            actor=keys[:, 2].astype(np.int32),
            order=keys[:, 1].copy(),
            begin=bounds[:, 0].copy(),
            end=bounds[:, 1].copy(),
            topics={int(topic[b]): (b, e) for b, e in pairwise(limits)} if len(topic) else {},
            extra=list(self.labels),
            unreadable=self.unreadable,
        )


def no_numbers(number: NumberName) -> Numbers:
    """A column of no numbers."""
    return numbers_of(number, pa.array([], pa.string()))


def spread(begin: Integers, counts: Integers) -> tuple[Integers, Integers]:
    """Rows of parts one after the other, and how many each has."""
    ends = np.cumsum(counts)
    total = int(ends[-1]) if len(ends) else 0
    return np.arange(total) + np.repeat(begin - (ends - counts), counts), counts


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

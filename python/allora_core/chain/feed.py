"""Payloads of an archive: rows of values, and the submissions that own them, in chain order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import TypeAlias

import numpy as np
import pyarrow as pa

from .. import _core
from ..archive.files import Archive
from ..batch import NumberName, Numbers, from_column
from ..topics import Role
from .columns import Addresses, Codes, Integers, encoded, read_batches

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

ROLES: tuple[Role, ...] = ("inferer", "forecaster", "reputer")
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
PLACES = ("topic_id", "nonce", "height", "tx_index", "msg_index")
"""Where every row stands, in the order in which the compiled pass takes these columns."""

TRANSACTION_BITS, MESSAGE_BITS = 20, 10
MOST = (1 << 63 - TRANSACTION_BITS - MESSAGE_BITS) - 2
ALL_HEIGHTS = (0, MOST)

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


Read = tuple[pa.RecordBatch, tuple[int, int]]


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
        read: rows as they were read, each part with the heights of which it was taken.
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
    read: list[Read] = field(default_factory=list)

    @cached_property
    def in_order(self) -> tuple[Integers, Integers]:
        """All submissions in chain order, and their orders."""
        by_order = np.argsort(self.order, kind="stable")
        return by_order, self.order[by_order]

    @cached_property
    def first(self) -> int:
        """The order of the first of all submissions."""
        return int(self.order.min()) if len(self.order) else end_of(MOST)

    @cached_property
    def lengths(self) -> Integers:
        """How many rows each submission has."""
        return self.end - self.begin

    def between(self, order: int, limit: int) -> Integers:
        """Submissions after one order and before another, in chain order."""
        if limit <= self.first:
            return self.topic[:0]
        by_order, orders = self.in_order
        begin, end = orders.searchsorted((order + 1, limit))
        return by_order[begin:end]

    def find(self, topic: int, nonces: int | Integers, actors: Codes) -> Integers:
        """The first submission of each actor to its nonce.

        Raises:
            ValueError: there is none.
        """
        first, last = self.topics.get(topic, (0, 0))
        known = self.nonce[first:last] << 32 | self.actor[first:last]
        asked = np.asarray(nonces, np.int64) << 32 | actors
        by_key = np.argsort(known, kind="stable")
        ordered = np.append(known[by_key], -1)
        places = np.searchsorted(ordered[:-1], asked)
        wrong = np.flatnonzero(ordered[places] != asked)
        if len(wrong):
            nonce = int(asked[wrong[0]]) >> 32
            raise ValueError(f"topic {topic} nonce {nonce}: a payload that counts is not there")
        return first + by_key[places]

    def last(self, topic: int, nonce: int, actor: int) -> int:
        """The last submission of an actor to a nonce, or -1."""
        first, last = self.topics.get(topic, (0, 0))
        part = slice(first, last)
        found = np.flatnonzero((self.actor[part] == actor) & (self.nonce[part] == nonce))
        return first + int(found[-1]) if len(found) else -1

    def rows(self, submissions: Integers) -> tuple[Integers, Integers]:
        """Rows of submissions one after the other, and how many each has."""
        return spread(self.begin[submissions], self.lengths[submissions])


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
        roles: dict[str, Payloads] = {
            role: load_role(archive, heights, number, addresses, role, more.get(role))
            for role in ROLES
        }
        return cls(heights, roles, fees_of(roles, order_at(fees_from, 0, 0)))

    def rows_of(self, role: str) -> int:
        """How many rows of values a role has."""
        return len(self.roles[role].values)


def value_of(number: NumberName) -> str:
    """The column that holds a kind of numbers."""
    return "value" if number == "decimal" else "value_f64"


def texts_of(actor: str, names: tuple[str, ...]) -> tuple[str, ...]:
    """The columns of texts that a role's payloads are read from."""
    return (actor, "source", *names)


def columns_of(role: str, number: NumberName) -> list[str]:
    """The columns that a role's payloads are read from."""
    _, actor, names = SOURCES[role]
    return [*PLACES, value_of(number), *texts_of(actor, names)]


def fees_of(roles: Mapping[str, Payloads], first: int) -> dict[int, Integers]:
    """Topic -> orders of the payloads that paid a fee, from an order on."""
    # An inference and a forecast of one message are one payload and pay once.
    workers = [roles["inferer"], roles["forecaster"]]
    topic, order, actor = (
        np.concatenate([getattr(payloads, name) for payloads in workers])
        for name in ("topic", "order", "actor")
    )
    by_key = np.lexsort((actor, order, topic))
    fresh = np.ones(len(by_key), bool)
    changes = (np.diff(key[by_key]) != 0 for key in (topic, order, actor))
    fresh[1:] = np.logical_or.reduce(list(changes))
    once = by_key[fresh]
    topics = np.concatenate([topic[once], roles["reputer"].topic])
    orders = np.concatenate([order[once], roles["reputer"].order])
    by_topic = np.lexsort((orders, topics))
    by_topic = by_topic[orders[by_topic] >= first]
    topics, orders = topics[by_topic], orders[by_topic]
    begins = np.flatnonzero(np.diff(topics, prepend=-1))
    return dict(zip(topics[begins].tolist(), np.split(orders, begins[1:]), strict=False))


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
    runs = Runs(actor, names, number, addresses)
    if held is not None:
        runs.take(held, ALL_HEIGHTS)
    for batch in read_batches(archive, table, heights, runs.columns, runs.texts):
        runs.take(batch, heights)
    return runs.payloads()


class Runs:
    """Rows on their way into payloads: one run of rows a payload, as archives are sorted.

    Attributes:
        columns: names of the columns that rows have.
        texts: those of them that are taken as dictionaries.
    """

    def __init__(
        self, actor: str, names: tuple[str, ...], number: NumberName, addresses: Addresses
    ) -> None:
        self.number, self.addresses = number, addresses
        self.texts = texts_of(actor, names)
        self.value = value_of(number)
        self.columns = [*PLACES, self.value, *self.texts]
        self.labels: dict[str, int] = {}
        self.tables: dict[str, tuple[pa.Array, Codes]] = {}
        self.rows = _core.PayloadRows(number, len(names))
        self.read: list[Read] = []
        self.unreadable: list[Unreadable] = []

    def take(self, batch: pa.RecordBatch, heights: tuple[int, int]) -> None:
        """Add the rows of some heights. Those of transactions and of events are runs apart."""
        texts = [encoded(batch.column(name)) for name in self.texts]
        rest = [batch.column(name) for name in (*PLACES, self.value)]
        tables = [
            self.table(name, column.dictionary)
            for name, column in zip(self.texts, texts, strict=True)
        ]
        rows = pa.RecordBatch.from_arrays([*rest, *texts], names=self.columns)
        self.read.append((rows, heights))
        wrong = self.rows.take(rows, tables, *heights)
        named = [rows.column(name) for name in ("height", "topic_id", "nonce", self.texts[0])]
        for row in wrong:
            height, topic, nonce, actor, text = (
                column[row].as_py() for column in (*named, rows.column(self.value))
            )
            self.unreadable.append((height, topic, nonce, actor, text))

    def table(self, name: str, dictionary: pa.Array) -> Codes:
        """Codes of a dictionary's entries; batches that follow each other often share one."""
        known = self.tables.get(name)
        if known is None or not known[0].equals(dictionary):
            known = (dictionary, self.codes(name, dictionary.to_pylist()))
            self.tables[name] = known
        return known[1]

    def codes(self, name: str, texts: list[str]) -> Codes:
        """Codes of labels, kinds, sources or addresses."""
        if name == "source":
            return np.array([text == "event" for text in texts], np.int32)
        if name == "label":
            return coded(texts, self.labels)
        if name == "kind":
            return coded(texts, {kind: at for at, kind in enumerate(KINDS)})
        return self.addresses.codes(texts)

    def payloads(self) -> Payloads:
        """Runs as submissions; what a transaction and its event both tell counts once.

        Payloads of one message, as a MsgExec may hold them, stand by address: rows keep no order.
        """
        found = self.rows.finish(self.addresses.rank)
        topic = found["topic"]
        limits = [*np.flatnonzero(np.diff(topic, prepend=-1)).tolist(), len(topic)]
        return Payloads(
            values=from_column(found["values"]),
            columns=dict(zip(self.texts[2:], found["codes"], strict=True)),
            topic=topic,
            nonce=found["nonce"],
            actor=found["actor"],
            order=order_of(found["height"], found["transaction"], found["message"]),
            begin=found["begin"],
            end=found["end"],
            topics={int(topic[b]): (b, e) for b, e in pairwise(limits)} if len(topic) else {},
            extra=list(self.labels),
            unreadable=self.unreadable,
            read=self.read,
        )


def spread(begin: Integers, counts: Integers) -> tuple[Integers, Integers]:
    """Rows of parts one after the other, and how many each has."""
    ends = np.cumsum(counts)
    total = int(ends[-1]) if len(ends) else 0
    return np.arange(total) + np.repeat(begin - (ends - counts), counts), counts


def coded(texts: list[str], known: dict[str, int]) -> Codes:
    """Codes of texts by a table that grows."""
    return np.array([known.setdefault(text, len(known)) for text in texts], np.int32)

"""The record of an archive against tables that were computed from its inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from ..archive.files import Archive
from ..archive.schema import TABLES
from ..reference.number_text import parse, plain_text
from .compare import Comparison, compare, merged
from .inputs import inputs_of
from .quantities import QUANTITIES, SENT, SETTINGS, Quantity
from .settings import changed_values

__all__ = [
    "Tables",
    "compare_sent",
    "compare_settings",
    "of_source",
    "recorded_tables",
    "told_heights",
    "verify",
    "with_inputs",
]

Tables = dict[str, pa.Table]


def recorded_tables(
    archive: Archive,
    names: Sequence[str],
    topics: Sequence[int] | None = None,
    heights: tuple[int, int] | None = None,
) -> Tables:
    """Tables of an archive, of some topics and heights."""
    found = {}
    for name in dict.fromkeys(names):
        lone = topics[0] if topics is not None and len(topics) == 1 else None
        lone = lone if "topic_id" in TABLES[name].keys else None
        table = archive.read(name, heights, topic=lone)
        if topics is not None and lone is None and "topic_id" in table.column_names:
            wanted = pa.array(list(topics), pa.int64())
            table = table.filter(pc.is_in(table["topic_id"], wanted))
        found[name] = table
    return found


def told_heights(archive: Archive, heights: tuple[int, int] | None = None) -> pa.Array:
    """The heights whose events the archive has, ascending."""
    records = archive.read("records", heights, ["height", "kind"])
    with_events = pc.is_in(records["kind"], pa.array(["results", "events"]))
    told = pc.unique(records.filter(with_events)["height"].combine_chunks())
    return pc.take(told, pc.sort_indices(told))


def of_source(table: pa.Table, source: str) -> pa.Table:
    """The rows that came from events, or from transactions."""
    return table.filter(pc.equal(table["source"], source))


def in_plain_notation(table: pa.Table, column: str) -> pa.Table:
    """The table with every number as events print it, without an exponent."""
    texts = table[column].combine_chunks()
    powers = pc.match_substring(texts, "e", ignore_case=True)
    if not pc.any(powers).as_py():
        return table
    written = pc.unique(texts.filter(powers))
    plain = pa.array([plain_text(parse(text)) for text in written.to_pylist()], pa.string())
    found = pc.take(plain, pc.index_in(texts, written))
    place = table.schema.get_field_index(column)
    return table.set_column(place, column, pc.coalesce(found, texts))


PAIRS = "one_out_inferer_forecaster"
BUNDLE = ("topic_id", "nonce", "outlier_resistant")


def of_unnamed_pairs(recorded: pa.Table, computed: pa.Table) -> pa.Table:
    """Computed network inferences, their pairs without names where the record has none.

    From v10 on a bundle in which a pair is missing lists the others in order, and no position
    tells whose they are: they can only be compared in their order.
    """
    unnamed = pc.and_(pc.equal(recorded["kind"], PAIRS), pc.is_null(recorded["inferer"]))
    if not pc.any(unnamed).as_py():
        return computed
    there = pc.is_in(keys_of(computed), pc.unique(keys_of(recorded.filter(unnamed))))
    nameless = pc.and_(there, pc.equal(computed["kind"].cast(pa.string()), PAIRS))
    order = [(name, "ascending") for name in (*BUNDLE, "forecaster", "inferer")]
    found = computed.append_column("nameless", nameless).sort_by(order)
    for name in ("forecaster", "inferer"):
        place = found.schema.get_field_index(name)
        names = found[name].cast(pa.string())
        kept = pc.if_else(found["nameless"], pa.scalar(None, pa.string()), names)
        found = found.set_column(place, name, kept)
    return found.drop_columns(["nameless"])


def keys_of(table: pa.Table) -> pa.Array:
    """Topic, nonce and kind of bundle in one text."""
    texts = [pc.cast(table[name], pa.string()) for name in BUNDLE]
    return pc.binary_join_element_wise(*texts, "/").combine_chunks()


def verify(
    archive: Archive,
    computed: Mapping[str, pa.Table],
    topics: Sequence[int] | None = None,
    heights: tuple[int, int] | None = None,
    relative: float | None = None,
    quantities: Sequence[Quantity] = QUANTITIES,
) -> list[Comparison]:
    """Compare everything that an archive's events tell with what was computed.

    Args:
        computed: table name -> rows in the archive's schema, such as a replay gives.
        topics: those that were replayed; all by default.
        heights: first and last height compared.
        relative: see `allora_core.verify_blocks.compare.compare`.

    Returns:
        What actors sent against what events say that they sent, then every quantity. The first
        difference of each has the inputs that led there.
    """
    names = [quantity.table for quantity in quantities]
    recorded = recorded_tables(archive, names, topics, heights)
    if "active_sets" in recorded:
        recorded["active_sets"] = of_source(recorded["active_sets"], "event")
    if "network_inferences" in recorded and "network_inferences" in computed:
        named = of_unnamed_pairs(recorded["network_inferences"], computed["network_inferences"])
        computed = {**computed, "network_inferences": named}
    told = told_heights(archive, heights)
    found = compare(recorded, computed, told, quantities, relative)
    return with_inputs(archive, [*compare_sent(archive, topics, heights), *found])


def with_inputs(archive: Archive, comparisons: list[Comparison]) -> list[Comparison]:
    """The comparisons, each first difference with what led to it."""
    for comparison in comparisons:
        if comparison.first is not None:
            led = inputs_of(archive, comparison.first)
            comparison.first = replace(comparison.first, inputs=led)
    return comparisons


PIECE = 10_000_000
"""Rows of what actors sent that are compared at once; where there are more, topic by topic."""


def compare_sent(
    archive: Archive,
    topics: Sequence[int] | None = None,
    heights: tuple[int, int] | None = None,
) -> list[Comparison]:
    """Compare what transactions hold with what events say that actors sent."""
    names = {quantity.table for quantity in SENT}
    parts = archive.manifest.parts.items()
    rows = sum(count for name, count in parts if name.partition("/")[0] in names)
    pieces: list[Sequence[int] | None] = [topics]
    if rows > PIECE:
        pieces = [[topic] for topic in (known_topics(archive) if topics is None else topics)]
    found = [compare_sent_of(archive, piece, heights) for piece in pieces]
    settings = compare_settings(archive, topics, heights)
    return [*(merged(each) for each in zip(*found, strict=True)), *settings]


def compare_settings(
    archive: Archive,
    topics: Sequence[int] | None = None,
    heights: tuple[int, int] | None = None,
) -> list[Comparison]:
    """Compare what transactions set with what events say was set."""
    tables = recorded_tables(archive, ("owners", "whitelists", "params", "topics"), topics, heights)
    told, sent = {}, {}
    told["params"], sent["params"] = changed_values(tables["params"], tables["topics"])
    for name in ("owners", "whitelists"):
        told[name] = of_source(tables[name], "event")
        sent[name] = of_source(tables[name], "transaction")
    named = {name: table for name, table in sent.items() if table.num_rows}
    return compare(told, named, pa.array([], pa.int64()), SETTINGS)


def known_topics(archive: Archive) -> list[int]:
    """All topics that anything was sent to or told of."""
    found: set[int] = set()
    for name in ("topics", "registrations", "funding", "epoch_steps"):
        column = archive.read(name, columns=["topic_id"])["topic_id"]
        found |= {topic for topic in pc.unique(column).to_pylist() if topic is not None}
    return sorted(found)


def compare_sent_of(
    archive: Archive, topics: Sequence[int] | None, heights: tuple[int, int] | None
) -> list[Comparison]:
    """The same of some topics."""
    tables = recorded_tables(archive, [quantity.table for quantity in SENT], topics, heights)
    told, sent = {}, {}
    for name, table in tables.items():
        told[name] = of_source(table, "event")
        rows = of_source(table, "transaction")
        if TABLES[name].decimals:
            rows = in_plain_notation(rows, TABLES[name].decimals[0])
        if told[name].num_rows and rows.num_rows:
            sent[name] = rows
    # A release may tell of some payloads only; what it does not tell is not lacking.
    return compare(told, sent, pa.array([], pa.int64()), SENT)

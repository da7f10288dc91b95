"""The record of an archive against tables that were computed from its inputs."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from ..archive.files import Archive, Range
from ..archive.pieces import pieces_of
from ..archive.schema import TABLES
from ..chain.replay import Piece, Replay
from ..reference.number_text import parse, plain_text
from .compare import Comparer, Comparison
from .inputs import inputs_of
from .quantities import QUANTITIES, SENT, SETTINGS, Quantity
from .settings import changed_values

__all__ = [
    "Tables",
    "Verification",
    "compare_sent",
    "of_source",
    "recorded_tables",
    "told_heights",
    "verify",
    "verify_replay",
    "with_inputs",
]

Tables: TypeAlias = dict[str, pa.Table]


def recorded_tables(
    archive: Archive,
    names: Sequence[str],
    topics: Sequence[int] | None = None,
    heights: Range | None = None,
    nonces: Collection[int] | None = None,
) -> Tables:
    """Tables of an archive, of some topics, heights and nonces."""
    found = {}
    for name in dict.fromkeys(names):
        lone = topics[0] if topics is not None and len(topics) == 1 else None
        lone = lone if "topic_id" in TABLES[name].keys else None
        table = archive.read(name, heights, topic=lone, nonces=nonces)
        if topics is not None and lone is None and "topic_id" in table.column_names:
            wanted = pa.array(list(topics), pa.int64())
            table = table.filter(pc.is_in(table["topic_id"], wanted))
        found[name] = table
    return found


def told_heights(archive: Archive, heights: Range | None = None) -> pa.Array:
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


class Verification:
    """An archive's record compared, piece by piece, with what was computed.

    Args:
        topics: those that were replayed; all by default.
        relative: see `allora_core.verify_blocks.compare.compare`.
        quantities: what to compare.
    """

    def __init__(
        self,
        archive: Archive,
        topics: Sequence[int] | None = None,
        relative: float | None = None,
        quantities: Sequence[Quantity] = QUANTITIES,
    ) -> None:
        self.archive, self.topics = archive, topics
        self.names = list(dict.fromkeys(quantity.table for quantity in quantities))
        never = [name for name in self.names if not archive.paths(name)]
        self.comparer = Comparer(quantities, relative, never)

    def __enter__(self) -> Verification:
        return self

    def __exit__(self, *_: object) -> None:
        self.comparer.__exit__()

    def take(self, computed: Mapping[str, pa.Table], heights: Range | None) -> None:
        """Compare everything that was computed of some heights, above those taken before.

        Args:
            computed: table name -> rows in the archive's schema; texts may be dictionaries.
            heights: first and last height; None: all that there are.
        """
        recorded = recorded_tables(self.archive, self.names, self.topics, heights)
        if "active_sets" in recorded:
            recorded["active_sets"] = of_source(recorded["active_sets"], "event")
        self.comparer.take(recorded, computed, told_heights(self.archive, heights))

    def take_piece(self, piece: Piece) -> None:
        """Compare a piece of a replay."""
        tables = {name: piece.table(name, plain=False) for name in piece.names}
        self.take(tables, piece.heights)

    def finish(self, heights: Range | None) -> list[Comparison]:
        """What actors sent at these heights against what events say of it, then every quantity.

        The first difference of each has the inputs that led there.
        """
        found = self.comparer.finish()
        sent = compare_sent(self.archive, self.topics, heights)
        return with_inputs(self.archive, [*sent, *found])


def verify(
    archive: Archive,
    computed: Mapping[str, pa.Table],
    topics: Sequence[int] | None = None,
    heights: Range | None = None,
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
    with Verification(archive, topics, relative, quantities) as verification:
        verification.take(computed, heights)
        return verification.finish(heights)


def verify_replay(
    archive: Archive,
    run: Replay,
    topics: Sequence[int] | None = None,
    relative: float | None = None,
) -> list[Comparison]:
    """Run a replay, and compare each piece of it as soon as it is computed.

    Args:
        run: not begun yet.
        topics, relative: as of `verify`.

    Returns:
        As of `verify`.
    """
    with Verification(archive, topics, relative) as verification:
        for piece in run.pieces():
            verification.take_piece(piece)
        return verification.finish(run.heights)


def with_inputs(archive: Archive, comparisons: list[Comparison]) -> list[Comparison]:
    """The comparisons, each first difference with what led to it."""
    for comparison in comparisons:
        if comparison.first is not None:
            led = inputs_of(archive, comparison.first)
            comparison.first = replace(comparison.first, inputs=led)
    return comparisons


def compare_sent(
    archive: Archive,
    topics: Sequence[int] | None = None,
    heights: Range | None = None,
) -> list[Comparison]:
    """Compare what transactions hold with what events say that actors sent, and what was set."""
    sent = dict.fromkeys(quantity.table for quantity in SENT)
    names = [*sent, "owners", "whitelists", "params", "topics"]
    # A release may tell of some payloads only; what it does not tell is not lacking.
    nowhere = pa.array([], pa.int64())
    with Comparer(SENT) as payloads, Comparer(SETTINGS) as settings:
        for piece in pieces_of(archive, heights):
            tables = recorded_tables(archive, names, topics, piece)
            payloads.take(*sides_of({name: tables[name] for name in sent}), nowhere)
            told, own = changed_values(tables["params"], tables["topics"])
            listed = sides_of({name: tables[name] for name in ("owners", "whitelists")})
            own_params = {"params": own} if own.num_rows else {}
            settings.take({**listed[0], "params": told}, {**listed[1], **own_params}, nowhere)
        return [*payloads.finish(), *settings.finish()]


def sides_of(tables: Tables) -> tuple[Tables, Tables]:
    """The rows that events tell, and those of transactions where there are any."""
    told, sent = {}, {}
    for name, table in tables.items():
        told[name] = of_source(table, "event")
        rows = of_source(table, "transaction")
        if TABLES[name].decimals:
            rows = in_plain_notation(rows, TABLES[name].decimals[0])
        if rows.num_rows:
            sent[name] = rows
    return told, sent

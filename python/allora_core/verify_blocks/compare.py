"""Recorded and computed tables joined on their keys, value by value, by DuckDB.

Texts are compared: the chain's digits, trailing zeros included. From v10 on the chain moves every
computed value into 1e-40 to 1e40 before it tells it, and so the computed one is moved as well.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from ..archive.schema import TABLES
from .quantities import QUANTITIES, Quantity

__all__ = ["Comparison", "Difference", "compare", "first_difference", "merged"]

VERDICTS = ("equal", "form", "different", "missing", "not recorded")


@dataclass(frozen=True)
class Difference:
    """One value that is not as recorded.

    Attributes:
        quantity: its name in `allora_core.verify_blocks.quantities.QUANTITIES`.
        verdict: ``form`` (equal in value), ``different``, ``missing`` (recorded, not computed) or
            ``not recorded`` (computed, and the record, which tells this quantity, lacks it).
        height: the block that carries it.
        topic_id: the topic; None where no topic is concerned.
        keys: what identifies the value, without what is empty.
        recorded, computed: both texts.
        inputs: what the value follows from, in words.
    """

    quantity: str
    verdict: str
    height: int
    topic_id: int | None
    actor: str | None
    keys: dict[str, str]
    recorded: str | None
    computed: str | None
    inputs: tuple[str, ...] = ()

    def __str__(self) -> str:
        topic = "" if self.topic_id is None else f" topic {self.topic_id}"
        said = {"topic_id", "height"} | ({"address"} if self.actor else set())
        rest = " ".join(
            f"{name} {value}"
            for name, value in self.keys.items()
            if name not in said and value != self.actor
        )
        actor = f" actor {self.actor}" if self.actor else ""
        found = f"recorded {self.recorded or '-'}, computed {self.computed or '-'}"
        where = f"height {self.height}{topic}{actor}"
        return (
            f"{where}: {self.quantity} ({rest}): {found}"
            if rest
            else (f"{where}: {self.quantity}: {found}")
        )


@dataclass
class Comparison:
    """What one quantity came to.

    Attributes:
        is_computed: whether anything computed this quantity; if not, nothing is compared.
        is_exact: whether the form of a number counts, as it does in decimals.
        counts: values by verdict.
        largest_error: of those that differ, relative to the largest of their block.
    """

    quantity: str
    recorded: int = 0
    is_computed: bool = True
    is_exact: bool = True
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(VERDICTS, 0))
    largest_error: float = 0.0
    first: Difference | None = None

    @property
    def compared(self) -> int:
        """Values present on both sides."""
        return sum(self.counts[name] for name in ("equal", "form", "different"))

    @property
    def failed(self) -> int:
        """Values that are not as recorded; where decimals are compared, the form counts."""
        passed = ("equal",) if self.is_exact else ("equal", "form")
        return sum(self.counts[name] for name in VERDICTS if name not in passed)


def first_difference(comparisons: Sequence[Comparison]) -> Difference | None:
    """The difference of the lowest height, of several the one that the chain computes first."""
    found = [each.first for each in comparisons if each.first is not None]
    return min(found, key=lambda difference: difference.height, default=None)


def merged(parts: Sequence[Comparison]) -> Comparison:
    """One quantity that was compared part by part, such as topic by topic."""
    whole = Comparison(
        parts[0].quantity,
        recorded=sum(part.recorded for part in parts),
        is_computed=any(part.is_computed for part in parts),
        is_exact=parts[0].is_exact,
        largest_error=max(part.largest_error for part in parts),
        first=first_difference(parts),
    )
    for part in parts:
        for verdict, number in part.counts.items():
            whole.counts[verdict] += number
    return whole


def compare(
    recorded: Mapping[str, pa.Table],
    computed: Mapping[str, pa.Table],
    told: pa.Array,
    quantities: Sequence[Quantity] = QUANTITIES,
    relative: float | None = None,
) -> list[Comparison]:
    """Compare tables in the archive's schema.

    Args:
        recorded: table name -> rows as the chain told them.
        computed: table name -> rows computed; a table that is not there was not computed.
        told: int64, the heights whose events the record has. Only there can a value be lacking.
        quantities: what to compare.
        relative: a value this close, relative to the largest recorded one of its quantity and
            block, counts as equal in value: for numbers in binary floating point.
    """
    found = []
    with duckdb.connect() as database:
        database.register("told", pa.table({"height": told}))
        for quantity in quantities:
            known = recorded.get(quantity.table)
            if known is None:
                known = TABLES[quantity.table].schema.empty_table()
            found.append(
                compared(database, quantity, known, computed.get(quantity.table), relative)
            )
    return found


def compared(
    database: duckdb.DuckDBPyConnection,
    quantity: Quantity,
    recorded: pa.Table,
    computed: pa.Table | None,
    relative: float | None,
) -> Comparison:
    """One quantity."""
    result = Comparison(quantity.name, is_exact=relative is None)
    database.register("recorded", positioned(recorded))
    database.execute(f"CREATE OR REPLACE TEMP TABLE r AS {side(quantity, 'recorded')}")
    result.recorded = count(database, "SELECT count(*) FROM r")
    result.is_computed = computed is not None
    if computed is None or not result.recorded:
        return result  # what the record never tells cannot be lacking
    database.register("computed", positioned(computed))
    database.execute(f"CREATE OR REPLACE TEMP TABLE c AS {side(quantity, 'computed')}")
    database.execute(f"CREATE OR REPLACE TEMP TABLE joined AS {joined(quantity, relative)}")
    rows = database.execute(
        "SELECT verdict, count(*), max(error) FROM joined GROUP BY verdict"
    ).fetchall()
    for verdict, number, error in rows:
        result.counts[verdict] = number
        if verdict in ("form", "different") and error is not None:
            result.largest_error = max(result.largest_error, error)
    result.first = first_of(database, quantity, result.is_exact)
    return result


def count(database: duckdb.DuckDBPyConnection, statement: str) -> int:
    """The one number that a statement gives."""
    ((number,),) = database.execute(statement).fetchall()
    return int(number)


def positioned(table: pa.Table) -> pa.Table:
    """The table with the place of each row."""
    return table.append_column("position", pa.array(np.arange(table.num_rows)))


def key_text(name: str) -> str:
    """A key as text that can be joined; the one label of a single output may go unnamed."""
    nothing = "y" if name == "label" else ""
    text = f"coalesce(CAST(\"{name}\" AS VARCHAR), '{nothing}')"
    return f"{text} AS key_{name}"


def side(quantity: Quantity, table: str) -> str:
    """The rows of one side: keys, value, and which of several under one key it is."""
    keys = ", ".join(key_text(name) for name in quantity.key_names)
    names = ", ".join(f"key_{name}" for name in quantity.key_names)
    value = "'present'" if quantity.value is None else f'CAST("{quantity.value}" AS VARCHAR)'
    floating = f"TRY_CAST({value} AS DOUBLE)"
    if not quantity.is_whole:  # numbers in binary floating point come without a text
        floating = f'"{quantity.value}_f64"'
        value = f"coalesce({value}, CAST({floating} AS VARCHAR))"
    origin = "api_version, position, height, tx_index, event_index"
    rows = (
        f"SELECT {keys}, {value} AS value, {floating} AS value_f64, {origin} FROM {table} "
        f"WHERE {quantity.where}"
    )
    order = "height, tx_index NULLS LAST, event_index NULLS LAST, position"
    absent = " AND value <> 'NaN'" if quantity.nan_is_absent else ""
    listed = (
        f"SELECT *, row_number() OVER (PARTITION BY {names} ORDER BY {order}) AS occurrence "
        f"FROM ({rows}) WHERE value IS NOT NULL{absent}"
    )
    if not quantity.is_last:
        return listed
    return (
        f"SELECT * REPLACE (1 AS occurrence) FROM ({listed}) "
        f"QUALIFY row_number() OVER (PARTITION BY {names} ORDER BY occurrence DESC) = 1"
    )


CLAMPED_FLOAT = (
    "CASE WHEN c.value_f64 = 0 OR isnan(c.value_f64) THEN c.value_f64 ELSE "
    "sign(c.value_f64) * least(greatest(abs(c.value_f64), 1e-40), 1e40) END"
)
SIGN = "CASE WHEN {0} LIKE '-%' THEN '-' ELSE '' END"
TINY = "(regexp_full_match({0}, '-?0[.]0{{40,}}[0-9]*') AND regexp_matches({0}, '[1-9]'))"
HUGE = (
    "(regexp_full_match({0}, '-?[1-9][0-9]{{40,}}([.][0-9]*)?') "
    "AND NOT regexp_full_match({0}, '-?10{{40}}([.]0*)?'))"
)


def clamped(text: str) -> str:
    """SQL: a plain text moved into 1e-40 to 1e40, as v10 does; zero and NaN stay."""
    sign = SIGN.format(text)
    return (
        f"CASE WHEN {TINY.format(text)} THEN {sign} || '0.' || repeat('0', 39) || '1' "
        f"WHEN {HUGE.format(text)} THEN {sign} || '1' || repeat('0', 40) ELSE {text} END"
    )


def valued(text: str) -> str:
    """SQL: the text with nothing that does not change its value."""
    bare = f"ltrim({text}, '-')"
    cut = f"CASE WHEN contains({bare}, '.') THEN rtrim(rtrim({bare}, '0'), '.') ELSE {bare} END"
    digits = f"ltrim({cut}, '0')"
    return f"CASE WHEN {digits} = '' THEN '0' ELSE {SIGN.format(text)} || {digits} END"


def joined(quantity: Quantity, relative: float | None) -> str:
    """Both sides on their keys, with a verdict; what the record does not tell is left out."""
    keys = [f"key_{name}" for name in quantity.key_names]
    chosen = ", ".join(f"coalesce(r.{key}, c.{key}) AS {key}" for key in keys)
    same = " AND ".join(f"r.{key} = c.{key}" for key in [*keys, "occurrence"])
    own, floating = "c.value", "c.value_f64"
    if quantity.is_clamped and not quantity.is_whole:
        own = f"CASE WHEN r.api_version = 'v10' THEN {clamped('c.value')} ELSE c.value END"
        floating = f"CASE WHEN r.api_version = 'v10' THEN {CLAMPED_FLOAT} ELSE c.value_f64 END"
    # A number near 0 may be the difference of large ones: the block's largest sets the scale.
    scale = "max(abs(r.value_f64)) OVER (PARTITION BY r.height)"
    error = f"abs({floating} - r.value_f64) / greatest({scale}, 1e-300)"
    close = "" if relative is None else f"WHEN error <= {relative!r} THEN 'form' "
    verdict = (
        "CASE WHEN computed IS NULL THEN 'missing' WHEN recorded IS NULL THEN 'not recorded' "
        "WHEN recorded = computed THEN 'equal' "
        f"WHEN {valued('recorded')} = {valued('computed')} THEN 'form' "
        f"{close}ELSE 'different' END"
    )
    alike = " AND ".join(f"told_r.key_{key} = c.key_{key}" for key in quantity.told_by.split())
    first_told = f"(SELECT min(told_r.height) FROM r AS told_r WHERE {alike or 'true'})"
    lacking = (
        f"(c.height >= {first_told} AND c.height IN (SELECT height FROM told))"
        if not quantity.is_optional
        else "false"
    )
    return (
        f"SELECT *, {verdict} AS verdict FROM (SELECT {chosen}, r.value AS recorded, "
        f"{own} AS computed, {error} AS error, coalesce(r.height, c.height) AS height, "
        "r.tx_index AS tx_index, coalesce(r.event_index, 0) AS event_index, "
        "coalesce(r.position, c.position) AS position "
        f"FROM r FULL JOIN c ON {same} WHERE r.value IS NOT NULL OR {lacking})"
    )


def first_of(
    database: duckdb.DuckDBPyConnection, quantity: Quantity, is_exact: bool
) -> Difference | None:
    """The first value in the chain's order that is not as recorded."""
    passed = "('equal')" if is_exact else "('equal', 'form')"
    names = ", ".join(f"key_{name}" for name in quantity.key_names)
    rows = database.execute(
        f"SELECT verdict, height, recorded, computed, {names} FROM joined "
        f"WHERE verdict NOT IN {passed} "
        "ORDER BY height, tx_index NULLS LAST, event_index, position LIMIT 1"
    ).fetchall()
    if not rows:
        return None
    verdict, height, known, own, *values = rows[0]
    keys: dict[str, Any] = {
        name: value for name, value in zip(quantity.key_names, values, strict=True) if value
    }
    topic = keys.get("topic_id")
    return Difference(
        quantity.name,
        verdict,
        int(height),
        None if topic is None else int(topic),
        keys.get(quantity.actor) if quantity.actor else None,
        keys,
        known,
        own,
    )

"""Recorded and computed tables joined on their keys, value by value, by DuckDB.

Texts are compared: the chain's digits, trailing zeros included. From v10 on the chain moves every
computed value into 1e-40 to 1e40 before it tells it, and so the computed one is moved as well.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeAlias

import duckdb
import numpy as np
import pyarrow as pa

from ..archive.schema import TABLES
from .joins import column_of, joined, keys_of, side
from .quantities import QUANTITIES, Quantity

__all__ = ["Comparer", "Comparison", "Difference", "compare", "first_difference"]

Place: TypeAlias = tuple[int, bool, int, int, bool, int]
"""Height, whether outside transactions, transaction, event, whether unrecorded, row."""

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
        return sum(self.counts[name] for name in VERDICTS if name not in self.passed)

    @property
    def passed(self) -> tuple[str, ...]:
        """The verdicts that are no differences."""
        return ("equal",) if self.is_exact else ("equal", "form")


def first_difference(comparisons: Sequence[Comparison]) -> Difference | None:
    """The difference of the lowest height, of several the one that the chain computes first."""
    found = [each.first for each in comparisons if each.first is not None]
    return min(found, key=lambda difference: difference.height, default=None)


def compare(
    recorded: Mapping[str, pa.Table],
    computed: Mapping[str, pa.Table],
    told: pa.Array,
    quantities: Sequence[Quantity] = QUANTITIES,
    relative: float | None = None,
) -> list[Comparison]:
    """Compare tables in the archive's schema; `Comparer` does it piece by piece.

    Args:
        recorded: table name -> rows as the chain told them.
        computed: table name -> rows computed; a table that is not there was not computed.
        told: int64, the heights whose events the record has. Only there can a value be lacking.
        quantities: what to compare.
        relative: a value this close, relative to the largest recorded one of its quantity and
            block, counts as equal in value: for numbers in binary floating point.
    """
    with Comparer(quantities, relative) as comparer:
        comparer.take(recorded, computed, told)
        return comparer.finish()


class Comparer:
    """A comparison of tables that come piece by piece, in the order of heights.

    The result does not depend on the pieces. A value whose keys name no height may be recorded at
    another height than it is computed at: until its partner comes it waits on disk.

    Args:
        quantities, relative: as of `compare`.
        never: tables of which nothing will be recorded.
    """

    def __init__(
        self,
        quantities: Sequence[Quantity] = QUANTITIES,
        relative: float | None = None,
        never: Collection[str] = (),
    ) -> None:
        self.folder = TemporaryDirectory(prefix="allora-core-")
        self.database = duckdb.connect(str(Path(self.folder.name) / "waiting.duckdb"))
        # Its bar would stand in the middle of what is printed.
        self.database.execute("SET enable_progress_bar = false")
        self.never = never
        self.pairings = [
            Pairing(self.database, at, quantity, relative) for at, quantity in enumerate(quantities)
        ]

    def __enter__(self) -> Comparer:
        return self

    def __exit__(self, *_: object) -> None:
        self.database.close()
        self.folder.cleanup()

    def take(
        self,
        recorded: Mapping[str, pa.Table],
        computed: Mapping[str, pa.Table],
        told: pa.Array,
    ) -> None:
        """Compare all rows of some heights, which lie above those that came before.

        Args:
            recorded, computed, told: as of `compare`, of these heights.
        """
        self.database.register("told", pa.table({"height": told}))
        for pairing in self.pairings:
            table = pairing.quantity.table
            own = computed.get(table)
            pairing.result.is_computed |= own is not None
            if table not in self.never:
                pairing.take(recorded.get(table), own)

    def finish(self) -> list[Comparison]:
        """What every quantity came to; nothing can be taken any more."""
        found = [pairing.finish() for pairing in self.pairings]
        self.database.close()
        return found


class Pairing:
    """One quantity on its way: counts so far, and in tables of the database what waits.

    ``waiting_r`` and ``waiting_c`` with a number hold recorded and computed rows without a partner,
    ``first_told`` with it since when events are told.
    """

    def __init__(
        self,
        database: duckdb.DuckDBPyConnection,
        at: int,
        quantity: Quantity,
        relative: float | None,
    ) -> None:
        self.database, self.at, self.quantity, self.relative = database, at, quantity, relative
        self.result = Comparison(quantity.name, is_computed=False, is_exact=relative is None)
        self.first: tuple[Place, Difference] | None = None
        self.waiting: dict[str, str] = {}
        self.first_told = f"first_told_{at}"
        told_by = "".join(f", {column_of(name)} VARCHAR" for name in quantity.told_by.split())
        self.run(f"CREATE TEMP TABLE {self.first_told} (height BIGINT{told_by})")

    def run(self, statement: str) -> list[tuple[Any, ...]]:
        """The rows that a statement gives."""
        return self.database.execute(statement).fetchall()

    def take(self, recorded: pa.Table | None, computed: pa.Table | None) -> None:
        """Compare the rows of some heights."""
        if not any(table is not None and table.num_rows for table in (recorded, computed)):
            return
        known = self.fill("r", recorded)
        self.result.recorded += known
        own = self.fill("c", computed)
        never_told = not self.result.recorded and self.quantity.is_local
        if never_told or not (known or own):
            return  # what the record never told cannot be lacking
        if self.quantity.unnamed:
            self.leave_unnamed()
        if self.waiting:
            self.fetch(keys_of(self.quantity), "SELECT * FROM r UNION ALL SELECT * FROM c")
        self.note_told()
        self.join(self.quantity.is_local)

    def fill(self, name: str, rows: pa.Table | None) -> int:
        """Put rows of one side into its table; returns how many there are."""
        if rows is None:
            rows = TABLES[self.quantity.table].schema.empty_table()
        self.database.register("rows", positioned(rows))
        self.run(
            f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT *, "
            "max(abs(value_f64)) OVER (PARTITION BY height) AS scale, NULL::BOOLEAN AS lacking "
            f"FROM ({side(self.quantity, 'rows')})"
        )
        self.database.unregister("rows")
        return self.size(name)

    def size(self, table: str) -> int:
        """How many rows a table has."""
        ((number,),) = self.run(f"SELECT count(*) FROM {table}")
        return int(number)

    def note_told(self) -> None:
        """Since when events like those of the recorded rows are told."""
        names = [column_of(name) for name in self.quantity.told_by.split()]
        alike = " AND ".join(f"f.{name} = r.{name}" for name in names) or "true"
        told = "".join(f", {name}" for name in names)
        self.run(
            f"INSERT INTO {self.first_told} SELECT min(height){told} FROM r WHERE NOT EXISTS "
            f"(FROM {self.first_told} AS f WHERE {alike}) GROUP BY ALL HAVING count(*) > 0"
        )

    def join(self, all_counts: bool) -> None:
        """Join both sides and count; rows without a partner wait unless all are to be counted."""
        self.run(
            "CREATE OR REPLACE TEMP TABLE joined AS "
            f"{joined(self.quantity, self.relative, self.first_told)}"
        )
        failed, left = False, False
        for verdict, number, error in self.run(
            "SELECT verdict, count(*), max(error) FROM joined GROUP BY verdict"
        ):
            if not all_counts and verdict in (None, "missing", "not recorded"):
                left = True
            elif verdict is not None:
                self.result.counts[verdict] += number
                failed |= verdict not in self.result.passed
                if verdict in ("form", "different") and error is not None:
                    self.result.largest_error = max(self.result.largest_error, error)
        if failed:
            self.note_first("verdict IS NOT NULL" if all_counts else PAIRED)
        if left:
            self.leave("r", "c_place IS NULL")
            self.leave("c", "r_place IS NULL")

    def note_first(self, condition: str) -> None:
        """Keep the first value in the chain's order that is not as recorded."""
        passed = ", ".join(f"'{verdict}'" for verdict in self.result.passed)
        rows = self.run(
            "SELECT height, tx_index, event_index, recorded IS NULL, position, verdict, recorded, "
            f"computed, {keys_of(self.quantity)} FROM joined "
            f"WHERE {condition} AND verdict NOT IN ({passed}) "
            "ORDER BY height, tx_index NULLS LAST, event_index, recorded IS NULL, position LIMIT 1"
        )
        for height, index, event, unrecorded, position, *found in rows:
            place = (height, index is None, index or 0, event, unrecorded, position)
            if self.first is None or place < self.first[0]:
                self.first = place, self.difference(int(height), *found)

    def difference(
        self, height: int, verdict: str, recorded: str | None, computed: str | None, *values: Any
    ) -> Difference:
        """One value that is not as recorded."""
        quantity = self.quantity
        keys: dict[str, Any] = {
            name: value for name, value in zip(quantity.key_names, values, strict=True) if value
        }
        topic = keys.get("topic_id")
        actor = keys.get(quantity.actor) if quantity.actor else None
        topic_id = None if topic is None else int(topic)
        return Difference(quantity.name, verdict, height, topic_id, actor, keys, recorded, computed)

    # What waits

    def leave(self, name: str, condition: str) -> None:
        """Let the rows of one side that have no partner wait."""
        table = f"waiting_{name}_{self.at}"
        rows = (
            f"SELECT side.* REPLACE (joined.lacking AS lacking), {self.when} AS moment "
            f"FROM {name} AS side JOIN joined ON side.rowid = joined.{name}_place WHERE {condition}"
        )
        if table in self.waiting:
            self.run(f"INSERT INTO {table} {rows}")
        else:
            self.run(f"CREATE TABLE {table} AS {rows}")
            self.waiting[table] = name

    def fetch(self, keys: str, rows: str) -> None:
        """Bring back the waiting rows that share keys with some rows."""
        self.run(f"CREATE OR REPLACE TEMP TABLE touched AS SELECT DISTINCT {keys} FROM ({rows})")
        ((least,),) = self.run(f"SELECT min({self.when}) FROM touched AS side")
        # Rows of long ago are passed over without a look at them.
        near = "moment IS NULL" if least is None else f"(moment IS NULL OR moment >= {least})"
        for table, name in self.waiting.items():
            self.run(
                "CREATE OR REPLACE TEMP TABLE back AS SELECT waiting.rowid AS place, waiting.* "
                f"FROM {table} AS waiting SEMI JOIN touched USING ({keys}) WHERE {near}"
            )
            if self.size("back"):
                self.run(f"INSERT INTO {name} SELECT * EXCLUDE (place, moment) FROM back")
                self.run(f"DELETE FROM {table} WHERE rowid IN (SELECT place FROM back)")

    @property
    def when(self) -> str:
        """SQL: the nonce of a row, or the height that stands for it."""
        return f"TRY_CAST(side.{column_of(self.quantity.moment)} AS BIGINT)"

    def leave_unnamed(self) -> None:
        """Take the names off computed pairs of bundles whose recorded pairs have none.

        From v10 on a bundle in which a pair is missing lists the others in order, and no position
        tells whose they are: they can only be compared in their order.
        """
        bundle = ", ".join(column_of(name) for name in BUNDLE)
        table, pair = f"unnamed_{self.at}", f"key_kind = '{self.quantity.unnamed}'"
        self.run(f"CREATE TABLE IF NOT EXISTS {table} AS SELECT {bundle}, key_kind FROM r LIMIT 0")
        found = f"SELECT {bundle}, key_kind FROM r WHERE {pair} AND key_inferer = ''"
        self.run(f"INSERT INTO {table} {found} EXCEPT FROM {table}")
        if not self.size(table):
            return
        if self.waiting:
            self.fetch(f"{bundle}, key_kind", found)
        self.run(
            "CREATE OR REPLACE TEMP TABLE c AS SELECT * EXCLUDE nameless REPLACE ("
            "if(nameless, '', key_forecaster) AS key_forecaster, "
            "if(nameless, '', key_inferer) AS key_inferer, "
            "if(nameless, row_number() OVER (ORDER BY key_forecaster, key_inferer, position), "
            "position) AS position) "
            f"FROM (SELECT *, ({bundle}, key_kind) IN (FROM {table}) AS nameless FROM c)"
        )

    def finish(self) -> Comparison:
        """What it came to."""
        result = self.result
        if not result.is_computed or not result.recorded:
            # What is never told cannot be lacking, and what is never computed is not compared.
            return Comparison(result.quantity, result.recorded, result.is_computed, result.is_exact)
        if self.waiting:
            for name in ("r", "c"):
                self.fill(name, None)
            for table, name in self.waiting.items():
                counts = "true" if name == "r" else "lacking"
                rows = f"SELECT * EXCLUDE moment FROM {table} WHERE {counts}"
                self.run(f"INSERT INTO {name} {rows}")
            self.join(all_counts=True)
        result.first = None if self.first is None else self.first[1]
        return result


PAIRED = "recorded IS NOT NULL AND computed IS NOT NULL"
BUNDLE = ("topic_id", "nonce", "outlier_resistant")


def positioned(table: pa.Table) -> pa.Table:
    """The table with the place of each row."""
    return table.append_column("position", pa.array(np.arange(table.num_rows)))

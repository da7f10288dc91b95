"""What a replay computed, gathered as arrays and given as tables of the archive's schema."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..archive.schema import TABLES, in_order
from ..batch import DecimalArray, NumberName, Numbers
from .columns import Addresses

__all__ = ["Book", "present"]

ADDRESSES = {"inferer", "forecaster", "reputer", "actor", "other_actor", "address"}
MISSING_FORM = 1


def present(values: Numbers) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Where a column of numbers holds one."""
    if isinstance(values, DecimalArray):
        found: np.ndarray[Any, np.dtype[np.bool_]] = values.values["form"] != MISSING_FORM
        return found
    return ~np.isnan(values)


class Book:
    """Rows of all tables, in the order in which they were computed."""

    def __init__(self, number: NumberName, addresses: Addresses) -> None:
        self.number = number
        self.addresses = addresses
        self.parts: dict[str, list[tuple[int, dict[str, Any]]]] = {}

    def add(self, table: str, count: int, **columns: Any) -> None:
        """Add rows.

        Args:
            table: a name of `TABLES`.
            count: how many rows.
            columns: by name: an array, a list, an Arrow array or one value for all rows; int32
                arrays under the names of actors are codes of addresses; a decimal column takes the
                engine's numbers or texts.
        """
        if count:
            self.parts.setdefault(table, []).append((count, columns))

    def add_numbers(self, table: str, name: str, values: Numbers, **columns: Any) -> None:
        """Add one row per number that is there; other columns are arrays or one value for all."""
        there = present(values)
        rows = np.flatnonzero(there)
        if len(rows) == len(there):
            self.add(table, len(rows), **columns, **{name: values})
            return
        kept = {
            key: column[rows] if isinstance(column, np.ndarray) else column
            for key, column in columns.items()
        }
        self.add(table, len(rows), **kept, **{name: values[rows]})  # type: ignore[index]

    def table(self, name: str) -> pa.Table:
        """One table in the archive's schema and order."""
        known = TABLES[name]
        parts = self.parts.get(name, [])
        if not parts:
            return known.schema.empty_table()
        arrays: dict[str, Any] = {}
        for column in known.written:
            numeric = column in known.decimals
            pieces = [
                self.piece(column, numeric, count, values.get(column)) for count, values in parts
            ]
            if numeric:
                arrays[column] = pa.chunked_array([text for text, _ in pieces], pa.string())
                arrays[f"{column}_f64"] = pa.chunked_array([near for _, near in pieces])
            else:
                kind = known.schema.field(column).type
                arrays[column] = pa.chunked_array([piece.cast(kind) for piece in pieces], kind)
        whole = pa.table({field.name: arrays[field.name] for field in known.schema})
        return in_order(whole.cast(known.schema), known)

    def piece(self, name: str, numeric: bool, count: int, values: Any) -> Any:
        """One part of a column."""
        if numeric:
            return self.numbers(count, values)
        if isinstance(values, np.ndarray):
            if name in ADDRESSES:
                return self.addresses.column(values).cast(pa.string())
            return pa.array(values)
        if isinstance(values, (pa.Array, pa.DictionaryArray)):
            return values
        if isinstance(values, list):
            return pa.array(values)
        return pa.nulls(count) if values is None else pa.repeat(values, count)

    def numbers(self, count: int, values: Any) -> tuple[pa.Array, pa.Array]:
        """Texts and nearest doubles of a part; float64 has no texts."""
        if values is None:
            return pa.nulls(count, pa.string()), pa.nulls(count, pa.float64())
        if isinstance(values, np.ndarray):
            return pa.nulls(count, pa.string()), pa.array(values, pa.float64())
        texts = values.texts(plain=True) if isinstance(values, DecimalArray) else values
        column = pa.array(texts, pa.string())
        return column, pc.cast(column, pa.float64())

    def tables(self) -> dict[str, pa.Table]:
        """All tables that have rows."""
        return {name: self.table(name) for name in self.parts}

"""What a replay computed, gathered as arrays and given as tables of the archive's schema."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ..archive.schema import TABLES, TableForm
from ..batch import DecimalArray, NumberName, Numbers
from .columns import Addresses

__all__ = ["Book", "present"]

ADDRESSES = {"inferer", "forecaster", "reputer", "actor", "other_actor", "address"}
MISSING_FORM = 1
LAST = np.iinfo(np.int64).max

Part = tuple[int, dict[str, Any]]
"""A number of rows, and their columns."""


def present(values: Numbers) -> npt.NDArray[np.bool_]:
    """Where a column of numbers holds one."""
    if isinstance(values, DecimalArray):
        found: npt.NDArray[np.bool_] = values.values["form"] != MISSING_FORM
        return found
    return ~np.isnan(values)


class Book:
    """Rows of all tables, in the order in which they were computed."""

    def __init__(self, number: NumberName, addresses: Addresses) -> None:
        self.number = number
        self.addresses = addresses
        self.parts: dict[str, list[Part]] = {}

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
        self.add(table, len(rows), **kept, **{name: values[rows]})

    def extend(self, other: Book) -> None:
        """Add the rows of another book, which has the same addresses."""
        for name, parts in other.parts.items():
            self.parts.setdefault(name, []).extend(parts)

    def table(self, name: str, plain: bool = True) -> pa.Table:
        """One table in the archive's order of rows.

        Args:
            name: of `TABLES`.
            plain: texts as such, the archive's schema; else as dictionaries, for writing.
        """
        known = TABLES[name]
        parts = self.parts.get(name, [])
        if not parts:
            return known.schema.empty_table()
        arrays: dict[str, Any] = {}
        keys: dict[str, npt.NDArray[np.int64]] = {}
        for column in known.written:
            if column in known.decimals:
                texts, near = self.numbers(parts, column)
                arrays[column], arrays[f"{column}_f64"] = texts, near
            elif pa.types.is_string(known.schema.field(column).type):
                arrays[column], keys[column] = self.texts(parts, column)
            else:
                arrays[column], keys[column] = wholes(parts, column, known)
        order = [*known.order, *(() if "height" in known.order else ("height",))]
        rows = pa.array(np.lexsort([keys[column] for column in reversed(order)]))
        table = pa.table({field.name: arrays[field.name].take(rows) for field in known.schema})
        return table.cast(known.schema) if plain else table

    def texts(self, parts: list[Part], name: str) -> tuple[Any, npt.NDArray[np.int64]]:
        """A column of texts as a dictionary, and numbers that sort it, null last."""
        if name in ADDRESSES:
            codes = np.concatenate([self.addressed(count, part.get(name)) for count, part in parts])
            column = self.addresses.column(codes)
            ranks = np.append(self.addresses.rank, LAST)
            return column, ranks[codes]
        vocabulary: dict[str, int] = {}
        codes = np.concatenate([coded(count, part.get(name), vocabulary) for count, part in parts])
        names = list(vocabulary)
        ranks = np.full(len(names) + 1, LAST)
        ranks[sorted(range(len(names)), key=names.__getitem__)] = np.arange(len(names))
        indices = pa.array(codes, mask=codes < 0)
        column = pa.DictionaryArray.from_arrays(indices, pa.array(names, pa.string()))
        return column, ranks[codes]

    def addressed(self, count: int, values: Any) -> npt.NDArray[np.int32]:
        """Codes of addresses in one part."""
        if isinstance(values, np.ndarray):
            return values
        return self.addresses.codes(values if isinstance(values, list) else [values] * count)

    def numbers(self, parts: list[Part], name: str) -> tuple[Any, Any]:
        """Texts and nearest doubles; float64 has no texts but where the chain itself has whole
        numbers.
        """
        texts, near = [], []
        for count, columns in parts:
            values = columns.get(name)
            if isinstance(values, np.ndarray):
                texts.append(pa.nulls(count, pa.string()))
                near.append(pa.array(values, pa.float64()))
                continue
            listed = values.texts(plain=True) if isinstance(values, DecimalArray) else values
            column = (
                pa.nulls(count, pa.string()) if listed is None else pa.array(listed, pa.string())
            )
            texts.append(column)
            near.append(pc.cast(column, pa.float64()))
        return pa.concat_arrays(texts), pa.concat_arrays(near)


def coded(count: int, values: Any, vocabulary: dict[str, int]) -> npt.NDArray[np.int32]:
    """Codes of texts in one part; -1 for null."""
    if isinstance(values, pa.DictionaryArray):
        listed = values.dictionary.to_pylist()
        table = np.array(
            [vocabulary.setdefault(text, len(vocabulary)) for text in listed], np.int32
        )
        codes: npt.NDArray[np.int32] = table[values.indices.to_numpy(zero_copy_only=False)]
        return codes
    if isinstance(values, pa.Array):
        values = values.to_pylist()
    if not isinstance(values, list):
        code = -1 if values is None else vocabulary.setdefault(values, len(vocabulary))
        return np.full(count, code, np.int32)
    found = (
        -1 if text is None else vocabulary.setdefault(text, len(vocabulary)) for text in values
    )
    return np.fromiter(found, np.int32, count)


def wholes(parts: list[Part], name: str, known: TableForm) -> tuple[Any, npt.NDArray[np.int64]]:
    """A column of whole numbers or of yes and no, and numbers that sort it, null last."""
    keys = []
    for count, columns in parts:
        values = columns.get(name)
        if isinstance(values, list):
            values = np.array([LAST if value is None else value for value in values], np.int64)
        elif not isinstance(values, np.ndarray):
            values = np.full(count, LAST if values is None else values, np.int64)
        keys.append(values.astype(np.int64, copy=False))
    column = np.concatenate(keys)
    kind = known.schema.field(name).type
    values = column != 0 if pa.types.is_boolean(kind) else column
    return pa.array(values, kind, mask=column == LAST), column

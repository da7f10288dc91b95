"""Columns of an archive as arrays: addresses as small integers, numbers in the engine's form."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from .. import _core
from ..archive.files import Archive, row_group_heights
from ..batch import DECIMAL_DTYPE, DecimalArray, NumberName, Numbers

__all__ = [
    "ANY_HEIGHT",
    "Addresses",
    "Codes",
    "Integers",
    "encoded",
    "integers",
    "joined",
    "missing",
    "read_batches",
    "whole_units",
]

Integers: TypeAlias = npt.NDArray[np.int64]
Codes: TypeAlias = npt.NDArray[np.int32]

MISSING_FORM = 1
TEXTS = pa.dictionary(pa.int32(), pa.string())
ROWS_AT_ONCE = 1 << 15
"""Few enough that what one batch held is still at hand for the next."""
ANY_HEIGHT = (0, 2**62)


class Addresses:
    """Addresses by code, in the order in which they were first met.

    Attributes:
        texts: code -> address.
        engine: code -> the engine's identifier.
        rank: code -> place in address order.
        by_rank: the inverse.
    """

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.engine: npt.NDArray[np.uint32] = np.empty(0, np.uint32)
        self.rank: Integers = np.empty(0, np.int64)
        self.by_rank: Codes = np.empty(0, np.int32)
        self._codes: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self.texts)

    def code(self, address: str) -> int:
        """The code of one address."""
        return int(self.codes([address])[0])

    def codes(self, addresses: Sequence[str | None]) -> Codes:
        """Codes of addresses, -1 for None; new ones are added."""
        fresh = [text for text in addresses if text is not None and text not in self._codes]
        if fresh:
            for text in dict.fromkeys(fresh):
                self._codes[text] = len(self.texts)
                self.texts.append(text)
            self.engine = _core.intern(self.texts)
            order = sorted(range(len(self.texts)), key=self.texts.__getitem__)
            self.by_rank = np.array(order, np.int32)
            self.rank = np.empty(len(order), np.int64)
            self.rank[order] = np.arange(len(order))
        found = (-1 if text is None else self._codes[text] for text in addresses)
        return np.fromiter(found, np.int32, len(addresses))

    def column(self, codes: Codes) -> pa.DictionaryArray:
        """Codes back as a column of addresses, null for -1."""
        indices = pa.array(codes, mask=codes < 0)
        return pa.DictionaryArray.from_arrays(indices, pa.array(self.texts, pa.string()))


def encoded(column: pa.Array) -> pa.DictionaryArray:
    """A column of texts as a dictionary with indices of 32 bits."""
    if column.type == TEXTS:
        return column
    plain = column.cast(pa.string()) if pa.types.is_dictionary(column.type) else column
    return pc.dictionary_encode(plain)


def missing(number: NumberName, count: int) -> Numbers:
    """A column of so many missing numbers."""
    if number == "float64":
        column = np.empty(count)
        column.view(np.uint64)[:] = _core.MISSING_FLOAT64_BITS
        return column
    values = np.zeros(count, DECIMAL_DTYPE)
    values["form"] = MISSING_FORM
    return DecimalArray(values)


def joined(parts: Sequence[Numbers], number: NumberName) -> Numbers:
    """Columns one after the other; decimals of several pools are parsed anew."""
    if len(parts) == 1:
        return parts[0]
    if number == "float64":
        return np.concatenate([*parts, np.empty(0)])
    pools = {id(part.pool): part.pool for part in parts if isinstance(part, DecimalArray)}
    holding = [pool for pool in pools.values() if pool is not None and len(pool)]
    if len(holding) <= 1:
        values = [part.values for part in parts if isinstance(part, DecimalArray)]
        empty = np.empty(0, DECIMAL_DTYPE)
        return DecimalArray(np.concatenate([*values, empty]), holding[0] if holding else None)
    texts = [part.texts() for part in parts if isinstance(part, DecimalArray)]
    return DecimalArray.from_texts([text for listed in texts for text in listed])


def read_batches(
    archive: Archive,
    table: str,
    heights: tuple[int, int],
    columns: list[str],
    dictionaries: Iterable[str],
) -> Iterator[pa.RecordBatch]:
    """Rows of the row groups that hold some heights; rows of other heights are among them.

    Args:
        dictionaries: the columns that come as dictionaries.
    """
    low, high = heights
    for path in archive.paths(table, low, high):
        file = pq.ParquetFile(path, read_dictionary=list(dictionaries))
        spans = [row_group_heights(file.metadata.row_group(g)) for g in range(file.num_row_groups)]
        groups = [at for at, span in enumerate(spans) if span[0] <= high and low <= span[1]]
        yield from file.iter_batches(ROWS_AT_ONCE, row_groups=groups, columns=columns)


def integers(column: Any, null: int = 0) -> Integers:
    """A column of whole numbers with a value for null."""
    found: Integers = pc.fill_null(column, null).to_numpy(zero_copy_only=False)
    return found.astype(np.int64, copy=False)


def whole_units(values: Numbers) -> list[int]:
    """Whole base units, 0 where there is none."""
    if isinstance(values, np.ndarray):
        return [int(value) for value in np.nan_to_num(values).tolist()]
    return [0 if value is None else int(value) for value in values.decimals()]

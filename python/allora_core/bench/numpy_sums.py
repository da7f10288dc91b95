"""What the NumPy peers share: a batch in chunks, and sums of rows without each of their entries."""

from __future__ import annotations

from functools import cache

import numpy as np

from .arrays import Float64

__all__ = ["chunks", "sums_without_each"]

MATRIX_ELEMENTS = 64
"""Longest row whose sums without each are one matrix product; prefix sums beyond."""


def chunks(count: int, size: int) -> list[slice]:
    """Consecutive parts of at most `size`."""
    return [slice(at, min(at + size, count)) for at in range(0, count, size)]


@cache
def all_but_one(count: int) -> Float64:
    """(n, n + 1) matrix whose column e < n takes all but entry e, column n all of them."""
    return np.hstack([1.0 - np.eye(count), np.ones((count, 1))])


def sums_without_each(terms: Float64) -> Float64:
    """(.., n + 1) sums of the rows of (.., n) without each entry, then of all.

    No sum is got by subtraction.
    """
    count = terms.shape[-1]
    shape = (*terms.shape[:-1], count + 1)
    if count <= MATRIX_ELEMENTS:
        flat: Float64 = terms.reshape(-1, count) @ all_but_one(count)
        return flat.reshape(shape)
    sums = np.zeros(shape)
    np.cumsum(terms, axis=-1, out=sums[..., 1:])
    after = np.cumsum(terms[..., :0:-1], axis=-1)
    sums[..., : count - 1] += after[..., ::-1]
    return sums

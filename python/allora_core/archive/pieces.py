"""An archive's heights in pieces of about as many rows, so that no reader has to hold them all."""

from __future__ import annotations

from collections.abc import Iterator

from .files import BUCKET, Archive, Range, place_of

__all__ = ["pieces_of"]

ROWS_AT_ONCE = 1_000_000
"""Rows of all tables in one piece, if the rows of a bucket were spread evenly over its heights."""

BESIDE = {"snapshots", "records", "txs", "messages", "blocks"}
"""Tables that are not read height by height, or have few columns of numbers."""


def pieces_of(
    archive: Archive, heights: Range | None = None, blocks: int | None = None
) -> list[Range]:
    """Heights in pieces, ascending and without a gap between them.

    Args:
        heights: first and last height; by default from 0 to the last that is kept.
        blocks: so many in each; by default as many as hold about `ROWS_AT_ONCE` rows.
    """
    low, high = heights or (0, max([last for _, last in kept(archive)], default=0))
    rows: dict[int, int] = {}
    for name, count in archive.manifest.parts.items():
        table, bucket = place_of(name)
        rows[bucket] = rows.get(bucket, 0) + (0 if table in BESIDE else count)
    held = [bucket for bucket in rows if low // BUCKET <= bucket <= high // BUCKET]
    if not held:
        return [(low, high)]
    found: list[Range] = []
    for bucket in range(min(held), max(held) + 1):
        first, last = max(low, bucket * BUCKET), min(high, (bucket + 1) * BUCKET - 1)
        found += cut(first, last, blocks or length(archive, bucket, rows.get(bucket, 0)))
    # Heights below and above hold no rows.
    found[0] = low, found[0][1]
    found[-1] = found[-1][0], high
    return found


def kept(archive: Archive) -> list[Range]:
    """The heights of which anything is kept, states included."""
    return [span for spans in archive.manifest.ranges.values() for span in spans]


def length(archive: Archive, bucket: int, rows: int) -> int:
    """How many heights of a bucket hold about as many rows as are wanted."""
    low, high = bucket * BUCKET, (bucket + 1) * BUCKET - 1
    heights = sum(max(0, min(b, high) - max(a, low) + 1) for a, b in archive.ranges)
    return max(1, min(BUCKET, ROWS_AT_ONCE * max(heights, 1) // max(rows, 1)))


def cut(low: int, high: int, blocks: int) -> Iterator[Range]:
    """Ranges of so many heights, cut at multiples of their number."""
    while low <= high:
        last = min(high, (low // blocks + 1) * blocks - 1)
        yield low, last
        low = last + 1

"""Payloads that are still to be used when the blocks that brought them are over."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ..archive.files import Archive
from ..archive.pieces import pieces_of
from ..batch import NumberName
from .checkpoint import Checkpoint
from .columns import Integers
from .feed import ROLES, SOURCES, columns_of

__all__ = ["Nonces", "carried", "named_nonces", "read_again"]

Nonces = set[tuple[int, int]]
"""Topics and nonces whose payloads may still be used."""

Held = dict[str, pa.RecordBatch]
"""Rows by role, in the columns that payloads are read with."""


def named_nonces(checkpoint: Checkpoint) -> Nonces:
    """The topics and nonces whose payloads a checkpoint names."""
    found: Nonces = set()
    for life in checkpoint.document["lives"]:
        nonces = [*life["open"][0], *life["open"][1], *(nonce for nonce, _ in life["accepted"])]
        nonces += [] if life["waiting"] is None else [life["waiting"]["nonce"]]
        nonces += [nonce for held in life["seats"].values() for _, nonce in held["members"]]
        found |= {(life["topic_id"], nonce) for nonce in nonces}
    return found


def carried(
    archive: Archive,
    heights: tuple[int, int],
    number: NumberName,
    nonces: Nonces,
    held: Mapping[str, pa.RecordBatch],
) -> Held:
    """What is still to be used of the payloads held so far and of those of some heights."""
    if not nonces:
        return {}
    keys = np.array([key_of(*each) for each in sorted(nonces)], np.int64)
    listed = [nonce for _, nonce in nonces]
    span = range(min(listed), max(listed) + 1)
    found: Held = {}
    for role in ROLES:
        names = columns_of(role, number)
        read = archive.read(SOURCES[role][0], heights, names, nonces=span)
        parts = [read] if role not in held else [table_of(held[role], names, read.schema), read]
        rows = pa.concat_tables(parts)
        rows = rows.filter(pa.array(np.isin(keys_of(rows), keys)))
        if rows.num_rows:
            found[role] = rows.combine_chunks().to_batches()[0]
    return found


def read_again(archive: Archive, last: int, number: NumberName, nonces: Nonces) -> Held:
    """The payloads up to a height that are still to be used."""
    held: Held = {}
    if nonces:
        oldest = min(nonce for _, nonce in nonces)
        for piece in pieces_of(archive, (min(oldest, last), last)):
            held = carried(archive, piece, number, nonces, held)
    return held


def table_of(batch: pa.RecordBatch, names: list[str], schema: pa.Schema) -> pa.Table:
    """Rows in the columns of others."""
    return pa.Table.from_batches([batch]).select(names).cast(schema)


def key_of(topic_id: int, nonce: int) -> int:
    """Topic and nonce as one number."""
    return topic_id << 40 | nonce


def keys_of(rows: pa.Table) -> npt.NDArray[np.int64]:
    """The same of every row; a row without a nonce has none of them."""
    topic, nonce = (
        rows[name].fill_null(-1).to_numpy().astype(np.int64) for name in ("topic_id", "nonce")
    )
    keys: Integers = np.where((topic < 0) | (nonce < 0), -1, topic << 40 | nonce)
    return keys

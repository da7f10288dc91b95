"""Payloads that are still to be used when the blocks that brought them are over."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import pyarrow as pa

from ..archive.files import Archive
from ..batch import NumberName
from .checkpoint import Checkpoint
from .columns import Integers, integers, read_batches
from .feed import ROLES, SOURCES, Feed, Read, columns_of

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


def carried(feed: Feed, nonces: Nonces) -> Held:
    """What is still to be used of the payloads at hand."""
    return still_used({role: feed.roles[role].read for role in ROLES}, nonces)


def read_again(archive: Archive, last: int, number: NumberName, nonces: Nonces) -> Held:
    """The payloads up to a height that are still to be used."""
    heights = (min([last, *(nonce for _, nonce in nonces)]), last)
    return still_used(
        {
            role: (
                (rows, heights)
                for rows in read_batches(
                    archive, SOURCES[role][0], heights, columns_of(role, number), ()
                )
            )
            for role in ROLES
        },
        nonces,
    )


def still_used(read: Mapping[str, Iterable[Read]], nonces: Nonces) -> Held:
    """The rows of some heights that are about some nonces, by role; none where there are none."""
    keys = np.array([key_of(*each) for each in sorted(nonces)], np.int64)
    found: Held = {}
    if not len(keys):
        return found
    for role, several in read.items():
        parts = []
        for rows, (low, high) in several:
            height = rows.column("height").to_numpy()
            key = keys_of(rows)
            near = keys[np.minimum(np.searchsorted(keys, key), len(keys) - 1)]
            mine = (near == key) & (height >= low) & (height <= high)
            if mine.any():
                parts.append(rows.filter(pa.array(mine)))
        if parts:
            table = pa.Table.from_batches(parts).unify_dictionaries().combine_chunks()
            found[role] = table.to_batches()[0]
    return found


def key_of(topic_id: int, nonce: int) -> int:
    """Topic and nonce as one number."""
    return topic_id << 40 | nonce


def keys_of(rows: pa.RecordBatch) -> Integers:
    """The same of every row; a row without a nonce has none of them."""
    topic, nonce = (integers(rows.column(name), -1) for name in ("topic_id", "nonce"))
    return np.where((topic < 0) | (nonce < 0), -1, topic << 40 | nonce)

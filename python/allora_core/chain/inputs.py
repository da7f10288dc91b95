"""Everything but payloads that transactions do: topics, stakes, registrations, funding, parameters.

These are few beside the payloads, so that they are read row by row, in chain order.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow.compute as pc

from ..archive.files import Archive
from ..archive.pieces import pieces_of
from ..collector import collector_paused
from .columns import encoded

__all__ = ["Inputs", "Recorded", "tells_emission_info"]

TABLES_READ = (
    "params",
    "topics",
    "registrations",
    "stake_moves",
    "stake_removals",
    "funding",
    "delegate_rewards",
)
FIRST_TABLES = {name: at for at, name in enumerate(TABLES_READ)}

Row = dict[str, Any]


@dataclass
class Inputs:
    """Rows by height, in chain order within one.

    Attributes:
        rows: height -> table and row.
    """

    rows: dict[int, list[tuple[str, Row]]] = field(default_factory=dict)

    @classmethod
    @collector_paused()
    def load(cls, archive: Archive, heights: tuple[int, int]) -> Inputs:
        """Read the inputs of some heights; what a state told is none."""
        keyed: list[tuple[tuple[int, ...], str, Row]] = []
        for table in TABLES_READ:
            read = archive.read(table, heights)
            if table not in ("params", "topics"):
                # What the end of a block did follows from the rest.
                read = read.filter(pc.is_valid(read["tx_index"]))
            names = [name for name in read.column_names if not name.endswith("_f64")]
            rows = read.select(names).to_pylist()
            told = {place(row) for row in rows if row.get("source") == "transaction"}
            for number, row in enumerate(rows):
                source = row.get("source")
                if source == "state" or (source == "event" and place(row) in told):
                    continue
                key: tuple[int, ...] = (
                    *place(row),
                    FIRST_TABLES[table],
                    row["event_index"] or 0,
                    number,
                )
                keyed.append((key, table, row))
        found = cls()
        for key, table, row in sorted(keyed, key=lambda item: item[0]):
            found.rows.setdefault(key[0], []).append((table, row))
        return found

    def at(self, height: int) -> Iterator[tuple[str, Row]]:
        """Table and row of one height's inputs."""
        yield from self.rows.get(height, ())


def place(row: Row) -> tuple[int, int, int]:
    """Height, transaction and message of a row; what the block itself did comes last."""
    last = 1 << 40
    index = row["tx_index"]
    return row["height"], last if index is None else index, row["msg_index"] or 0


@dataclass
class Recorded:
    """What blocks told of the mint, of fees and of active sets.

    Attributes:
        emission: height -> rewards part of the block's emission.
        staked: height -> tokens staked, where a new month told it.
        tells_info: whether blocks told how each emission was split, in `EventEmissionInfo`.
        fees: height -> coins that transactions brought to the ecosystem account.
        active_sets: topic, nonce and role -> the members that the close told of.
    """

    emission: dict[int, int] = field(default_factory=dict)
    staked: dict[int, int] = field(default_factory=dict)
    tells_info: bool = False
    fees: dict[int, int] = field(default_factory=dict)
    active_sets: dict[tuple[int, int, str], list[str]] = field(default_factory=dict)

    @classmethod
    @collector_paused()
    def load(
        cls,
        archive: Archive,
        heights: tuple[int, int],
        ecosystem: str,
        closing: range,
        told: tuple[int, int],
        tells_info: bool,
    ) -> Recorded:
        """Read them for some heights.

        Args:
            closing: active sets are read for these nonces,
            told: where blocks of these heights tell them.
            tells_info: as above.
        """
        found = cls(tells_info=tells_info)
        values = archive.read("mint_values", heights, ["height", "event", "name", "value"])
        for event, name, target in (
            ("EventRewardCurrentBlockEmission", "token_amount", found.emission),
            ("EventTokenomicsSet", "staked_token_amount", found.staked),
        ):
            chosen = values.filter(
                pc.and_(pc.equal(values["event"], event), pc.equal(values["name"], name))
            )
            pairs = zip(chosen["height"].to_pylist(), chosen["value"].to_pylist(), strict=True)
            target.update((height, int(value)) for height, value in pairs)
        columns = ["height", "recipient", "tx_index", "amount"]
        moved = archive.read("transfers", heights, columns)
        moved = moved.filter(
            pc.and_(pc.equal(moved["recipient"], ecosystem), pc.is_valid(moved["tx_index"]))
        )
        # Nearly every payload of a block pays the same.
        counted = moved.group_by(["height", "amount"]).aggregate([([], "count_all")])
        listed = (counted[name].to_pylist() for name in ("height", "amount", "count_all"))
        for height, amount, count in zip(*listed, strict=True):
            found.fees[height] = found.fees.get(height, 0) + int(amount) * count
        # A close may be told of at another height than it is computed at.
        found.active_sets = recorded_sets(archive, told, closing)
        return found


def tells_emission_info(archive: Archive, heights: tuple[int, int]) -> bool:
    """Whether any block told how its emission was split."""
    events = (
        archive.read("mint_values", piece, ["event"])["event"]
        for piece in pieces_of(archive, heights)
    )
    return any(pc.any(pc.equal(each, "EventEmissionInfo")).as_py() for each in events)


def recorded_sets(
    archive: Archive, heights: tuple[int, int], closing: range
) -> dict[tuple[int, int, str], list[str]]:
    """Topic, nonce and role -> the members that the close of one of these nonces told of."""
    names = ("topic_id", "nonce", "actor_type")
    table = archive.read("active_sets", heights, [*names, "address"], nonces=closing)
    members = table["address"].to_pylist()
    topics, nonces = (table[name].to_numpy() for name in names[:2])
    roles = encoded(table["actor_type"].combine_chunks())
    codes = roles.indices.to_numpy()
    listed = roles.dictionary.to_pylist()
    # Members of one set stand together; another file may tell of the same set again.
    changes = [np.diff(key, prepend=-1) != 0 for key in (topics, nonces, codes)]
    begins = np.flatnonzero(np.logical_or.reduce(changes))
    heads = zip(*(key[begins].tolist() for key in (topics, nonces, codes)), strict=True)
    found: dict[tuple[int, int, str], list[str]] = {}
    limits = [*begins.tolist(), len(members)]
    for (topic_id, nonce, code), (begin, end) in zip(heads, pairwise(limits), strict=True):
        found.setdefault((topic_id, nonce, listed[code]), []).extend(members[begin:end])
    return found

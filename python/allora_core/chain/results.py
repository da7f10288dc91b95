"""Results of a replay as they come, piece by piece: into files, and into one row a topic."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from math import fsum
from pathlib import Path
from types import TracebackType
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ..archive.schema import TABLES
from .replay import Replay

__all__ = ["SUMMED", "TableFiles", "Totals"]

ENGINE = pa.field("engine", pa.string())


class TableFiles:
    """One Parquet file a table, with the column ``engine``; each piece adds row groups.

    Files are written beside their places and moved there when all is over without an error; no
    half file ever remains.

    Args:
        folder: is made if it is not there.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.writers: dict[str, pq.ParquetWriter] = {}

    def __enter__(self) -> TableFiles:
        self.folder.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        with ExitStack() as closing:
            for writer in self.writers.values():
                closing.callback(writer.close)
        for name in self.writers:
            if error is None:
                self.part(name).replace(self.folder / f"{name}.parquet")
            else:
                self.part(name).unlink(missing_ok=True)

    def part(self, name: str) -> Path:
        """Where a file is written."""
        return self.folder / f".{name}.parquet.part"

    def add(self, name: str, rows: pa.Table, engine: str) -> None:
        """Add the rows of one table; a table without rows has a file as well."""
        marked = rows.append_column(ENGINE, pa.repeat(engine, rows.num_rows))
        if name not in self.writers:
            # Texts come as dictionaries, of which the file says nothing.
            schema = pa.schema([*TABLES[name].schema, ENGINE])
            self.writers[name] = pq.ParquetWriter(
                self.part(name), schema, compression="zstd", store_schema=False
            )
        if marked.num_rows:
            self.writers[name].write_table(marked.cast(self.writers[name].schema))


SUMMED = ("epoch_steps", "network_losses", "rewards")
"""The tables that totals are taken from."""


@dataclass
class Totals:
    """What came of each topic.

    Attributes:
        steps: topic and step -> how often.
        losses: topic -> nonce and value of its last combined network loss.
        paid: topic -> base units, as a sum of two doubles.
    """

    steps: dict[tuple[int, str], int] = field(default_factory=dict)
    losses: dict[int, tuple[int, float]] = field(default_factory=dict)
    paid: dict[int, tuple[float, float]] = field(default_factory=dict)

    def add(self, tables: Mapping[str, pa.Table]) -> None:
        """Add a piece.

        Args:
            tables: those of `SUMMED`, as of `Piece.table`.
        """
        for topic_id, step in columns(tables["epoch_steps"], "topic_id", "step"):
            self.steps[topic_id, step] = self.steps.get((topic_id, step), 0) + 1
        losses = tables["network_losses"]
        losses = losses.filter(pc.equal(losses["kind"], "combined"))
        for topic_id, nonce, value in columns(losses, "topic_id", "nonce", "value_f64"):
            if topic_id not in self.losses or nonce >= self.losses[topic_id][0]:
                self.losses[topic_id] = nonce, value
        given: dict[int, list[float]] = {}
        for topic_id, amount in columns(tables["rewards"], "topic_id", "reward_f64"):
            given.setdefault(topic_id, []).append(amount)
        for topic_id, amounts in given.items():
            terms = [*self.paid.get(topic_id, ()), *(each for each in amounts if each is not None)]
            total = fsum(terms)
            self.paid[topic_id] = total, fsum([*terms, -total])

    def rows(self, run: Replay, token: float) -> list[dict[str, Any]]:
        """One record per topic: epochs, last losses, what was paid, stake, faults."""
        return [
            {
                "topic_id": topic_id,
                "opened": self.steps.get((topic_id, "worker_opened"), 0),
                "inferred": self.steps.get((topic_id, "worker_committed"), 0),
                "settled": self.steps.get((topic_id, "reputer_committed"), 0),
                "last_loss": self.losses.get(topic_id, (0, None))[1],
                "paid": self.paid.get(topic_id, (0.0, 0.0))[0] / token,
                "stake": run.chain.ledger.topics.get(topic_id, 0) / token,
                "faults": sum(fault.error.topic_id == topic_id for fault in run.chain.faults),
            }
            for topic_id in sorted(run.chain.lives)
            if run.topics is None or topic_id in run.topics
        ]


def columns(table: pa.Table, *names: str) -> Any:
    """Rows of some columns."""
    return zip(*(table[name].to_pylist() for name in names), strict=True)

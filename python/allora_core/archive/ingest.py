"""Block data into an archive: read, checked, decoded, kept; again and again without duplicates."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from time import monotonic

import pyarrow as pa
import pyarrow.compute as pc

from ..archive.files import BUCKET, Archive, ArchiveError, gaps_between, merge_ranges
from ..archive.heights import Gathered, add_height, lacks_bytes, lacks_results
from ..archive.schema import TABLES, in_order
from ..archive.transactions import decoded_tables
from ..archive.views import write_views
from ..blocks.answers import BlockError, Record
from ..blocks.files import BlockRange, SourceFile, overlapping
from ..collector import collector_paused

__all__ = ["Ingested", "chain_of", "ingest", "survey"]

BATCH_ROWS = 800_000
BATCH_HEIGHTS = 5_000
BATCH_TRANSACTIONS = 20_000
IDLE_SECONDS = 20.0
STEPS_JOINED = 16

Known = dict[tuple[int, str, str], str]


@dataclass
class Ingested:
    """What an ingest did.

    Attributes:
        heights: heights added.
        repeated: heights that the archive had already, with equal content.
        rows: rows added.
        ranges: heights seen, merged.
        gaps: heights missing between the first and the last of the archive.
        without_results: heights whose transactions' result codes are not known.
        without_bytes: heights whose transactions are known by their results alone.
    """

    heights: int = 0
    repeated: int = 0
    rows: int = 0
    ranges: list[tuple[int, int]] = field(default_factory=list)
    gaps: list[tuple[int, int]] = field(default_factory=list)
    without_results: int = 0
    without_bytes: int = 0


def selected(
    groups: Iterable[tuple[int, list[Record]]], ranges: list[BlockRange]
) -> Iterator[tuple[int, list[Record]]]:
    """The heights that were asked for; states are always read."""
    for height, records in groups:
        if not ranges or not records or any(height in wanted for wanted in ranges):
            yield height, records
        elif states := [record for record in records if record.kind == "state"]:
            yield height, states


def chain_of(files: list[SourceFile], stated: str | None) -> str | None:
    """The one chain that the first records of all files name, or the stated one.

    Raises:
        BlockError: a file is of another chain than the stated or another file's.
    """
    for file in files:
        for record in file.records():
            if record.chain_id is not None:
                if stated is not None and record.chain_id != stated:
                    raise BlockError(record.where, f"chain {record.chain_id}, not {stated}")
                stated = record.chain_id
            break
    return stated


def survey(
    groups: Iterable[tuple[int, list[Record]]],
    ranges: list[BlockRange],
    progress: Callable[[int], None] = lambda _: None,
) -> Ingested:
    """Read everything and keep nothing: which heights an ingest would see.

    Args:
        groups: as of `ingest`.
        ranges: heights wanted; all if empty.
        progress: called with each height read.

    Raises:
        BlockError: as `ingest`, but for what only the archive can tell.
    """
    check_ranges(ranges)
    gathered = Gathered()
    found = Ingested()
    heights: list[tuple[int, int]] = []
    for height, records in selected(groups, ranges):
        add_height(gathered, height, records)
        found.without_results += lacks_results(records)
        found.without_bytes += lacks_bytes(records)
        if any(record.kind != "state" for record in records):
            heights = merge_ranges([*heights, (height, height)])
        found.heights += 1
        if gathered.rows.count >= BATCH_ROWS or len(gathered.executed) >= BATCH_TRANSACTIONS:
            found.rows += rows_read(gathered)
            gathered = Gathered()
        progress(height)
    found.rows += rows_read(gathered)
    found.ranges, found.gaps = heights, gaps_between(heights)
    return found


def rows_read(gathered: Gathered) -> int:
    """How many rows there are, all transactions decoded."""
    tables, fault = decoded_tables(gathered.executed)
    if fault is not None:
        raise fault
    decoded: int = sum(table.num_rows for table in tables.values())
    return gathered.rows.count + decoded


def check_ranges(ranges: list[BlockRange]) -> None:
    """Ranges asked for must not overlap."""
    clash = overlapping(ranges)
    if clash is not None:
        first, second = clash
        raise ValueError(
            f"--blocks: the ranges {first.first}:{first.last} and {second.first}:{second.last} "
            "overlap"
        )


def ingest(
    groups: Iterable[tuple[int, list[Record]]],
    archive: Archive,
    ranges: list[BlockRange] | None = None,
    progress: Callable[[int], None] = lambda _: None,
    batch_heights: int = BATCH_HEIGHTS,
    idle_seconds: float = IDLE_SECONDS,
) -> Ingested:
    """Add block data to an archive.

    Heights that the archive has are compared and skipped, so that an interrupted ingest goes on
    where it was. Everything before an error is kept.

    Args:
        groups: records by height, ascending, as of `heights_in_order`; a height without any says
            that nothing more will come for a while, and what was read is written.
        ranges: heights wanted; all by default.
        progress: called with each height read.
        batch_heights: heights written in one step.
        idle_seconds: how old what was read may grow before it is written while nothing comes.

    Raises:
        BlockError: data is malformed, of another chain, or contradicts the archive.
        ArchiveError: the archive cannot be written.
    """
    check_ranges(ranges or [])
    # Parsed JSON is millions of containers without a cycle.
    with archive.writing(), collector_paused():
        batch = Batch(archive)
        try:
            for height, records in selected(groups, ranges or []):
                if not records:
                    if monotonic() - batch.written >= idle_seconds:
                        batch.commit()
                        tidy(archive, batch)
                    continue
                batch.take(height, records)
                progress(height)
                if len(batch.heights) >= batch_heights or batch.is_full:
                    batch.commit()
        except ArchiveError:
            raise
        except BaseException:
            # What was read before an error, or before somebody lost patience, is whole.
            finish(archive, batch)
            raise
        finish(archive, batch)
    batch.done.gaps = archive.gaps
    batch.done.ranges = archive.ranges
    return batch.done


def finish(archive: Archive, batch: Batch) -> None:
    """Write what is left, join files, bring the views up to date."""
    try:
        batch.commit()
    except BlockError:
        archive.compact()
        write_views(archive)
        raise
    archive.compact()
    write_views(archive)


def tidy(archive: Archive, batch: Batch) -> None:
    """While blocks are followed: join files now and then, and keep the views up to date."""
    if batch.steps >= STEPS_JOINED:
        archive.compact(lightly=True)
        write_views(archive)
        batch.steps = 0


class Batch:
    """Heights on their way into the archive, of one bucket at a time."""

    def __init__(self, archive: Archive) -> None:
        self.archive = archive
        self.done = Ingested()
        self.known: Known = {}
        self.kept: dict[int, set[str]] = {}
        self.bucket = -1
        self.steps = 0
        self.written = monotonic()
        self.start()

    def start(self) -> None:
        """Begin an empty batch."""
        self.gathered = Gathered()
        self.heights: dict[int, list[str]] = {}

    @property
    def is_full(self) -> bool:
        """Whether the batch holds as much as should be written in one step."""
        count = self.gathered.rows.count
        return count >= BATCH_ROWS or len(self.gathered.executed) >= BATCH_TRANSACTIONS

    def take(self, height: int, records: list[Record]) -> None:
        """Add a height, unless the archive has it."""
        if height // BUCKET != self.bucket:
            self.commit()
            self.enter(height // BUCKET)
        for record in records:
            if record.chain_id is not None and record.chain_id != self.archive.chain_id:
                raise BlockError(
                    record.where,
                    f"chain {record.chain_id}; the archive keeps {self.archive.chain_id}",
                )
        fresh = [record for record in records if not self.has(record)]
        if not fresh:
            self.done.repeated += 1
            return
        kept = self.kept.get(height, set()) - {"state"}
        if kept:
            self.check_late(fresh, kept)
        mark = self.gathered.mark()
        try:
            add_height(self.gathered, height, fresh)
        except BaseException:
            self.gathered.undo(mark)
            raise
        self.heights[height] = sorted({record.kind for record in fresh})
        self.done.without_results += lacks_results(fresh)
        self.done.without_bytes += lacks_bytes(fresh)

    def check_late(self, fresh: list[Record], kept: set[str]) -> None:
        """Refuse what would have to be joined with rows that are written already."""
        for record in fresh:
            if record.kind == "transaction" and "results" not in kept and "block" not in kept:
                continue
            if record.kind != "state":
                raise BlockError(
                    record.where,
                    f"the archive has this height from {', '.join(sorted(kept))} without "
                    f"{record.kind}; ingest all answers of a height together",
                )

    def enter(self, bucket: int) -> None:
        """Learn what the archive has of a bucket."""
        self.bucket = bucket
        heights = (bucket * BUCKET, (bucket + 1) * BUCKET - 1)
        names = ["height", "kind", "key", "digest"]
        rows = self.archive.read("records", heights, names)
        columns = [rows.column(name).to_pylist() for name in names]
        self.known = {
            (height, kind, key): digest for height, kind, key, digest in zip(*columns, strict=True)
        }
        self.kept = {}
        for height, kind, _ in self.known:
            self.kept.setdefault(height, set()).add(kind)

    def has(self, record: Record) -> bool:
        """Whether the archive has the record; if it has it differently, that is an error."""
        digest = self.known.get((record.height, record.kind, record.key))
        if digest is not None and digest != record.digest:
            raise BlockError(
                record.where, f"its {record.kind} differs from the one that the archive keeps"
            )
        return digest is not None

    def commit(self) -> None:
        """Write the batch.

        Raises:
            BlockError: an executed transaction cannot be read; what lies below its height is
                written.
        """
        self.written = monotonic()
        if not self.heights:
            return
        self.steps += 1
        tables, fault = decoded_tables(self.gathered.executed)
        for name, table in self.gathered.rows.tables().items():
            tables[name] = pa.concat_tables([table, tables[name]]) if name in tables else table
        heights = self.heights
        self.start()
        if fault is not None:
            first = fault.where.height or 0
            tables = {
                name: table.filter(pc.less(table["height"], first))
                for name, table in tables.items()
            }
            heights = {height: kinds for height, kinds in heights.items() if height < first}
        tables = {
            name: in_order(table, TABLES[name]) for name, table in tables.items() if table.num_rows
        }
        kinds: dict[str, list[int]] = {}
        for height, found in heights.items():
            for kind in found:
                kinds.setdefault(kind, []).append(height)
        if heights:
            self.archive.commit(tables, self.bucket, kinds)
        self.done.heights += len(heights)
        self.done.rows += sum(table.num_rows for table in tables.values())
        gc.collect()  # not while JSON is read: see `ingest`
        if fault is not None:
            raise fault

"""An archive of block data: Parquet files, a manifest of what they hold, DuckDB views beside.

``TABLE/bucket=N/part-….parquet`` holds the rows of 100,000 heights, sorted so that one epoch of
one topic is one run. New rows become visible in one step: files are written and flushed under
``.pending``, then the manifest that names them replaces the old one, then they are moved to their
places. Killed before the manifest, nothing has happened; killed after it, the next writer finishes
the moves.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from ..archive.schema import SUFFIX, TABLES, in_order

__all__ = ["Archive", "ArchiveError", "gaps_between", "merge_ranges", "row_group_heights"]

BUCKET = 100_000
FORMAT = 1
MANIFEST = "manifest.json"
NEW_MANIFEST = ".manifest.json.new"
PENDING = ".pending"
READ_ATTEMPTS = 5
ROWS_JOINED = 1_000_000
BYTES_JOINED = 256 << 20
ROWS_IN_GROUP = 131_072
UNIQUE = {"digest", "hash", "raw"}

Range = tuple[int, int]


class ArchiveError(ValueError):
    """An archive that cannot be read or written."""


@dataclass
class Manifest:
    """What an archive holds.

    Attributes:
        chain_id: the one chain whose blocks are kept.
        ranges: heights kept, both ends included, by kind of record.
        parts: rows by file, paths relative to the archive.
        moves: files of the last step that may still lie in ``.pending``.
        removed: files of the last step that may still have to be deleted.
        next_part: number of the next file.
    """

    chain_id: str
    ranges: dict[str, list[Range]] = field(default_factory=dict)
    parts: dict[str, int] = field(default_factory=dict)
    moves: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    next_part: int = 1


def merge_ranges(ranges: list[Range]) -> list[Range]:
    """Ranges with neighbours and overlaps joined, ascending."""
    merged: list[Range] = []
    for first, last in sorted(ranges):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return merged


def gaps_between(ranges: list[Range]) -> list[Range]:
    """The heights missing between the first and the last of merged ranges."""
    return [(before[1] + 1, after[0] - 1) for before, after in pairwise(ranges)]


class Archive:
    """One folder of block data.

    Args:
        folder: the archive; `create` makes one.

    Raises:
        ArchiveError: the folder holds no archive, or one of another format.
    """

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder)
        path = self.folder / MANIFEST
        try:
            read = orjson.loads(path.read_bytes())
        except FileNotFoundError:
            raise ArchiveError(f"{self.folder}: no archive, {MANIFEST} is missing") from None
        except orjson.JSONDecodeError as error:
            raise ArchiveError(f"{path}: damaged: {error.msg}") from None
        if read.pop("format", None) != FORMAT:
            raise ArchiveError(f"{path}: a format this version does not read")
        read.pop("gaps", None)
        read["ranges"] = {
            kind: [(first, last) for first, last in ranges]
            for kind, ranges in read["ranges"].items()
        }
        self.manifest = Manifest(**read)
        self.footers: dict[str, Range] = {}

    @classmethod
    def exists(cls, folder: Path | str) -> bool:
        """Whether the folder holds an archive."""
        return (Path(folder) / MANIFEST).is_file()

    @classmethod
    def create(cls, folder: Path | str, chain_id: str) -> Archive:
        """Make an empty archive of a chain.

        Raises:
            ArchiveError: the folder holds other files.
        """
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        if any(not entry.name.startswith(".") for entry in folder.iterdir()):
            raise ArchiveError(f"{folder}: neither empty nor an archive")
        prepare_manifest(folder, Manifest(chain_id))
        put_manifest(folder)
        return cls(folder)

    @property
    def chain_id(self) -> str:
        """The chain whose blocks are kept."""
        return self.manifest.chain_id

    @property
    def ranges(self) -> list[Range]:
        """The heights of which anything but a state is kept."""
        kinds = self.manifest.ranges.items()
        return merge_ranges([span for kind, spans in kinds if kind != "state" for span in spans])

    @property
    def complete(self) -> list[Range]:
        """The heights of which block and results are kept."""
        blocks = self.manifest.ranges.get("block", [])
        results = self.manifest.ranges.get("results", [])
        shared = [
            (max(first, other_first), min(last, other_last))
            for first, last in blocks
            for other_first, other_last in results
        ]
        return merge_ranges([(first, last) for first, last in shared if first <= last])

    @property
    def gaps(self) -> list[Range]:
        """The heights missing between the first and the last kept."""
        return gaps_between(self.ranges)

    def read(
        self,
        table: str,
        heights: Range | None = None,
        columns: list[str] | None = None,
        topic: int | None = None,
        nonces: Collection[int] | None = None,
    ) -> pa.Table:
        """Rows of one table, of some heights, one topic or some nonces.

        Args:
            table: a name of `allora_core.archive.schema.TABLES`.
            heights: first and last height, both included.
            columns: to read fewer.
            topic: rows of one topic alone.
            nonces: of these alone: a range, or few of them.

        Raises:
            ArchiveError: there is no such table, or it does not tell topics or nonces apart.
        """
        if table not in TABLES:
            raise ArchiveError(f"no table {table}; choose {', '.join(TABLES)}")
        low, high = heights or (0, 2**63 - 1)
        filters: list[Any] = [("height", ">=", low), ("height", "<=", high)]
        if topic is not None:
            if "topic_id" not in TABLES[table].schema.names:
                raise ArchiveError(f"table {table} does not tell topics apart")
            filters.append(("topic_id", "==", topic))
        if nonces is not None:
            if "nonce" not in TABLES[table].schema.names:
                raise ArchiveError(f"table {table} does not tell nonces apart")
            filters += nonce_filters(nonces)
        schema = TABLES[table].schema
        if columns is not None:
            schema = pa.schema([schema.field(name) for name in columns])
        for attempt in range(READ_ATTEMPTS):
            try:
                found = [
                    pq.read_table(path, columns=columns, filters=filters, partitioning=None)
                    for path in self.paths(table, low, high)
                ]
            except FileNotFoundError:
                # A writer has joined files meanwhile: the same rows lie in others now.
                if attempt + 1 == READ_ATTEMPTS:
                    raise
                self.manifest = Archive(self.folder).manifest
            else:
                break
        return pa.concat_tables(found) if found else schema.empty_table()

    def paths(self, table: str, low: int = 0, high: int = 2**63 - 1) -> list[Path]:
        """The files of a table that may hold rows of these heights, in the order of writing."""
        found = []
        for name in self.manifest.parts:
            of_table, bucket = place_of(name)
            if of_table == table and low // BUCKET <= bucket <= high // BUCKET:
                path = self.folder / name
                if not path.exists():  # committed, its move cut short
                    path = self.folder / PENDING / path.name
                within = bucket * BUCKET < low or high < (bucket + 1) * BUCKET - 1
                if not within or self.may_hold(name, path, low, high):
                    found.append(path)
        return found

    def may_hold(self, name: str, path: Path, low: int, high: int) -> bool:
        """Whether a file's footer, which is read once, leaves room for rows of these heights."""
        if name not in self.footers:
            self.footers[name] = heights_in(pq.read_metadata(path))
        first, last = self.footers[name]
        return first <= high and low <= last

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the archive for writing; what a killed writer left is finished or removed.

        Raises:
            ArchiveError: another process writes.
        """
        with (self.folder / ".lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise ArchiveError(f"{self.folder}: another process writes to it") from None
            self.manifest = Archive(self.folder).manifest
            self.settle()
            yield

    def settle(self) -> None:
        """Finish the moves and deletions of the last step; drop files that no manifest names."""
        pending = self.folder / PENDING
        pending.mkdir(exist_ok=True)
        touched = set()
        for name in self.manifest.moves:
            waiting = pending / Path(name).name
            if waiting.exists():
                target = self.folder / name
                target.parent.mkdir(parents=True, exist_ok=True)
                waiting.rename(target)
                touched |= {target.parent, target.parent.parent, self.folder}
        for name in self.manifest.removed:
            (self.folder / name).unlink(missing_ok=True)
        for left in pending.iterdir():
            left.unlink()
        for folder in touched:
            flush_folder(folder)

    def commit(
        self,
        tables: Mapping[str, pa.Table],
        bucket: int,
        heights: Mapping[str, list[int]],
        replaced: list[str] | None = None,
    ) -> None:
        """Add rows of one bucket in one step that happens wholly or not at all.

        Args:
            tables: sorted rows by table.
            bucket: height // 100,000 of all rows.
            heights: the heights that these rows complete, by kind of record.
            replaced: files whose rows the tables hold again.

        Raises:
            ArchiveError: the disk is full or a file cannot be written; nothing is changed.
        """
        old = self.manifest
        parts = {name: rows for name, rows in old.parts.items() if name not in (replaced or ())}
        moves = []
        try:
            for table, rows in tables.items():
                name = f"{table}/bucket={bucket}/part-{old.next_part:08d}-{table}.parquet"
                write_part(self.folder / PENDING / Path(name).name, rows)
                parts[name] = rows.num_rows
                moves.append(name)
            flush_folder(self.folder / PENDING)
            ranges = dict(old.ranges)
            for kind, listed in heights.items():
                spans = [(height, height) for height in listed]
                ranges[kind] = merge_ranges([*ranges.get(kind, []), *spans])
            new = Manifest(
                old.chain_id, ranges, parts, moves, list(replaced or ()), old.next_part + 1
            )
            prepare_manifest(self.folder, new)
        except OSError as error:
            self.drop_pending()
            raise ArchiveError(
                f"{self.folder}: cannot write: {error}; the archive is as it was before"
            ) from None
        try:
            put_manifest(self.folder)
            self.manifest = new
            self.settle()
        except OSError as error:
            raise ArchiveError(
                f"{self.folder}: cannot move new files to their places: {error}; they are kept in "
                f"{PENDING} and moved by the next ingest"
            ) from None

    def drop_pending(self) -> None:
        """Delete files that no manifest names, as far as the disk lets us."""
        for left in (self.folder / PENDING).iterdir():
            with suppress(OSError):
                left.unlink()

    def compact(self, lightly: bool = False) -> None:
        """Join small files of each table and bucket into sorted ones.

        Args:
            lightly: join only the newest files, as long as those before are not much larger, so
                that rows are not written again and again while blocks are followed.
        """
        joined: dict[tuple[str, int], list[str]] = {}
        for name in self.manifest.parts:
            joined.setdefault(place_of(name), []).append(name)
        for (table, bucket), names in joined.items():
            for group in self.newest(names) if lightly else self.groups(names):
                if len(group) > 1:
                    rows = pa.concat_tables(
                        [pq.read_table(self.folder / name, partitioning=None) for name in group]
                    )
                    self.commit({table: in_order(rows, TABLES[table])}, bucket, {}, replaced=group)

    def share(self, name: str) -> float:
        """How much of a full file this one is, by rows or bytes."""
        size = (self.folder / name).stat().st_size
        return max(self.manifest.parts[name] / ROWS_JOINED, size / BYTES_JOINED)

    def groups(self, names: list[str]) -> list[list[str]]:
        """Files in a row, as many together as make one full file at most."""
        groups: list[list[str]] = [[]]
        total = 0.0
        for name in names:
            share = self.share(name)
            if total + share > 1:
                groups.append([])
                total = 0.0
            groups[-1].append(name)
            total += share
        return groups

    def newest(self, names: list[str]) -> list[list[str]]:
        """The newest files, back to the first that is over twice as large as all after it."""
        total, first = 0.0, len(names)
        while first:
            share = self.share(names[first - 1])
            if total + share > 1 or (total and share > 2 * total):
                break
            first -= 1
            total += share
        return [names[first:]]


def place_of(name: str) -> tuple[str, int]:
    """Table and bucket of a part file."""
    table, bucket, _ = name.split("/")
    return table, int(bucket.removeprefix("bucket="))


def nonce_filters(nonces: Collection[int]) -> list[Any]:
    """Conditions on rows."""
    if isinstance(nonces, range):
        return [("nonce", ">=", nonces.start), ("nonce", "<", nonces.stop)]
    return [("nonce", "in", pa.array(sorted(nonces), pa.int64()))]


def heights_in(footer: pq.FileMetaData) -> Range:
    """The lowest and highest height of a file, as its statistics tell."""
    found = [row_group_heights(footer.row_group(at)) for at in range(footer.num_row_groups)]
    return min((low for low, _ in found), default=0), max((high for _, high in found), default=0)


def row_group_heights(group: pq.RowGroupMetaData) -> Range:
    """The lowest and highest height of a row group; all that there are where nothing tells."""
    for at in range(group.num_columns):
        column = group.column(at)
        if column.path_in_schema == "height" and column.statistics is not None:
            return column.statistics.min, column.statistics.max
    return 0, 2**63 - 1


def write_part(path: Path, rows: pa.Table) -> None:
    """One Parquet file, flushed to the disk."""
    with path.open("wb") as file:
        # What hardly repeats: a dictionary of it would be built for nothing.
        unlike = {name for known in TABLES.values() for name in known.decimals} | UNIQUE
        repeated = [name for name in rows.column_names if name.removesuffix(SUFFIX) not in unlike]
        pq.write_table(
            rows,
            file,
            compression="zstd",
            row_group_size=ROWS_IN_GROUP,
            use_dictionary=repeated,
        )
        file.flush()
        os.fsync(file.fileno())


def prepare_manifest(folder: Path, manifest: Manifest) -> None:
    """Write a manifest beside the one that counts."""
    kinds = manifest.ranges.items()
    spans = merge_ranges([span for kind, spans in kinds if kind != "state" for span in spans])
    document = {"format": FORMAT, "gaps": gaps_between(spans), **vars(manifest)}
    with (folder / NEW_MANIFEST).open("wb") as file:
        file.write(orjson.dumps(document, option=orjson.OPT_INDENT_2))
        file.flush()
        os.fsync(file.fileno())


def put_manifest(folder: Path) -> None:
    """Replace the manifest by the prepared one in one step."""
    os.replace(folder / NEW_MANIFEST, folder / MANIFEST)
    flush_folder(folder)


def flush_folder(folder: Path) -> None:
    """Flush a folder, so that names in it survive a loss of power."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

"""Files of block data: opened, split into answers, joined by height.

A file holds one JSON document or JSON lines, plain, gzip or zstd. Files are joined lazily: each is
opened when its first height is reached, so that neither many files nor long ones fill memory.
"""

from __future__ import annotations

import gzip
import heapq
import io
import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import IO, Any

import orjson
import pyarrow as pa

from ..blocks.answers import BlockError, Record, Where, records_of

__all__ = ["BlockRange", "SourceFile", "heights_in_order", "overlapping", "source_files"]

SUFFIXES = (".json", ".jsonl", ".ndjson")
PACKED = (".gz", ".zst")
GZIP = b"\x1f\x8b"
ZSTD = b"\x28\xb5\x2f\xfd"
LONG_LINE = 1 << 20
"""Bytes read at once: a block's results may fill a line of some megabytes."""


@dataclass(frozen=True, order=True)
class BlockRange:
    """Heights from ``first`` to ``last``, both included; written ``16M:17M``."""

    first: int
    last: int

    @classmethod
    def parse(cls, text: str) -> BlockRange:
        """A range as people write it: ``100:200``, ``16M:17M``, ``16.5M:``, ``1_000k:2M``."""
        first, colon, last = text.partition(":")
        if not colon:
            raise ValueError(f"--blocks {text}: write it as FIRST:LAST, such as 16M:17M")
        found = cls(parsed_height(first, 0), parsed_height(last, 2**63 - 1))
        if found.first > found.last:
            raise ValueError(f"--blocks {text}: the first height is above the last")
        return found

    def __contains__(self, height: object) -> bool:
        return isinstance(height, int) and self.first <= height <= self.last


def parsed_height(text: str, default: int) -> int:
    """A height, with k or M for thousands or millions of blocks."""
    text = text.strip().replace("_", "")
    if not text:
        return default
    match = re.fullmatch(r"(\d+)(?:\.(\d+))?([kKmM]?)", text)
    if match is None:
        raise ValueError(f"--blocks: {text!r} is no height")
    whole, fraction, unit = match[1], match[2] or "", match[3].lower()
    zeros = {"": 0, "k": 3, "m": 6}[unit]
    if len(fraction) > zeros:
        raise ValueError(f"--blocks: {text!r} is no whole height")
    return int(whole + fraction.ljust(zeros, "0"))


def overlapping(ranges: list[BlockRange]) -> tuple[BlockRange, BlockRange] | None:
    """The first two ranges that share a height."""
    ordered = sorted(ranges)
    for earlier, later in pairwise(ordered):
        if later.first <= earlier.last:
            return earlier, later
    return None


@dataclass(frozen=True)
class SourceFile:
    """One file of block data, and the height of answers in it that name none."""

    path: Path
    height: int | None

    def records(self, read: Callable[[int], None] = lambda _: None) -> Iterator[Record]:
        """The file's records; heights of one kind must not fall.

        Args:
            read: called with the number of bytes of the file read since the last call.

        Raises:
            BlockError: JSON, compression, a field or the order of heights is wrong.
        """
        last: dict[str, int] = {}
        try:
            for document, line in documents(self.path, read):
                where = Where(str(self.path), line)
                for record in records_of(document, where, self.height):
                    before = last.get(record.kind, 0)
                    if record.height < before:
                        raise BlockError(
                            record.where, f"heights out of order: {record.height} after {before}"
                        )
                    last[record.kind] = record.height
                    yield record
        except BlockError as error:
            if error.where.height is None and last:
                what = f"{error.what} (the last height read was {max(last.values())})"
                raise BlockError(error.where, what) from None
            raise


def source_files(source: Path, height: int | None = None) -> list[SourceFile]:
    """The files of a source: itself, or all block data in a folder and the folders in it.

    Args:
        source: a file or folder.
        height: of answers that name no height; else digits at the end of a file's name are taken.

    Raises:
        FileNotFoundError: there is no such source, or the folder holds no block data.
    """
    if source.is_file():
        paths = [source]
    elif source.is_dir():
        paths = sorted(
            path
            for path in source.rglob("*")
            if path.is_file() and block_suffix(path) in SUFFIXES and not hidden(path, source)
        )
    else:
        raise FileNotFoundError(f"{source}: there is no such file or folder")
    if not paths:
        raise FileNotFoundError(f"{source}: no files of block data ({', '.join(SUFFIXES)})")
    return [SourceFile(path, height if height is not None else named(path)) for path in paths]


def hidden(path: Path, source: Path) -> bool:
    """Whether the file or a folder below the source starts with a dot."""
    return any(part.startswith(".") for part in path.relative_to(source).parts)


def block_suffix(path: Path) -> str:
    """The ending of a file without the ending of its packing."""
    return path.with_suffix("").suffix if path.suffix in PACKED else path.suffix


def named(path: Path) -> int | None:
    """The height that a file's name ends with."""
    match = re.search(r"_(\d+)\.", path.name)
    return int(match[1]) if match else None


def unpacked(raw: IO[bytes]) -> io.BufferedIOBase | IO[bytes]:
    """A file's content, unpacked; the packing is recognised by content."""
    start = raw.read(4)
    raw.seek(0)
    if start.startswith(GZIP):
        return gzip.GzipFile(fileobj=raw)
    if start.startswith(ZSTD):
        return io.BufferedReader(pa.CompressedInputStream(raw, "zstd"), LONG_LINE)
    return raw


@contextmanager
def unpacking(path: Path) -> Iterator[None]:
    """Turn what damaged packing raises into a `BlockError`."""
    try:
        yield
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise BlockError(Where(str(path)), f"cannot unpack: {error}") from None
    except OSError as error:
        if error.errno is not None:
            raise
        raise BlockError(Where(str(path)), f"cannot unpack: {error}") from None


def check_packing(path: Path) -> None:
    """Unpack a packed file to its end: its checksum comes last, and vouches for all before it.

    Raises:
        BlockError: the file is damaged or cut off.
    """
    with path.open("rb") as raw, unpacking(path):
        content = unpacked(raw)
        if content is not raw:
            while content.read(1 << 20):
                pass


def documents(path: Path, read: Callable[[int], None]) -> Iterator[tuple[Any, int | None]]:
    """The JSON documents of a file, each with its line where there are several.

    Args:
        read: called with the number of packed bytes read since the last call.

    Raises:
        BlockError: the file is empty, damaged, or no JSON.
    """
    found = False
    at = 0
    with path.open("rb", LONG_LINE) as raw, unpacking(path):
        lines = iter(unpacked(raw))
        for number, line in enumerate(lines, 1):
            if raw.tell() > at:
                read(raw.tell() - at)
                at = raw.tell()
            if not line.strip():
                continue
            if found:
                yield parsed(line, path, number, 0), number
                continue
            found = True
            try:
                document = orjson.loads(line)
            except orjson.JSONDecodeError:
                # One document over many lines, or an error whose line the parser tells.
                yield parsed(line + b"".join(lines), path, None, number - 1), None
                read(raw.tell() - at)
                return
            yield document, number
    if not found:
        raise BlockError(Where(str(path)), "the file is empty")


def parsed(text: bytes, path: Path, line: int | None, before: int) -> Any:
    """One JSON document, or an error that names its line."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        at = line if line is not None else error.lineno + before
        raise BlockError(
            Where(str(path), at), f"invalid JSON, possibly cut off: {error.msg}"
        ) from None


def heights_in_order(
    files: list[SourceFile], read: Callable[[int], None] = lambda _: None
) -> Iterator[tuple[int, list[Record]]]:
    """All records of the files, joined: one height at a time, ascending.

    Equal repeats of a record are dropped.

    Args:
        read: called with the number of bytes read since the last call.

    Raises:
        BlockError: a file cannot be read, or two records of a height contradict each other.
    """
    starts = []
    for order, file in enumerate(files):
        check_packing(file.path)
        first = next(file.records(), None)
        if first is not None:
            starts.append((first.height, order))
    heapq.heapify(starts)
    streams: list[tuple[int, int, int, Record, Iterator[Record]]] = []
    count = 0
    while starts or streams:
        height = min(heap[0][0] for heap in (starts, streams) if heap)
        while starts and starts[0][0] == height:
            _, order = heapq.heappop(starts)
            stream = files[order].records(read)
            count += 1
            heapq.heappush(streams, (height, order, count, next(stream), stream))
        group: dict[tuple[str, str], Record] = {}
        while streams and streams[0][0] == height:
            _, order, _, record, stream = heapq.heappop(streams)
            take(group, record)
            following = next(stream, None)
            if following is not None:
                if following.height < height:
                    raise BlockError(
                        following.where, f"heights out of order: {following.height} after {height}"
                    )
                count += 1
                heapq.heappush(streams, (following.height, order, count, following, stream))
        yield height, list(group.values())


def take(group: dict[tuple[str, str], Record], record: Record) -> None:
    """Add a record to those of its height, unless it repeats one."""
    known = group.setdefault((record.kind, record.key), record)
    if known.digest != record.digest:
        raise BlockError(
            record.where, f"two {record.kind} answers differ; the other is in {known.where}"
        )

"""An archive replayed: inputs in, everything that the chain computed out."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ..archive.files import Archive
from ..archive.pieces import pieces_of
from ..batch import NumberName
from . import checkpoint as checkpoints
from . import written
from .book import Book
from .checkpoint import Checkpoint, CheckpointError
from .columns import ANY_HEIGHT, Addresses, read_batches
from .feed import Feed, end_of
from .inputs import Inputs, Recorded, tells_emission_info
from .life import Chain, Fault
from .mint import ECOSYSTEM
from .rules import PACKAGES, UPGRADES, Release, release_at
from .start import Snapshot, seat_from, snapshot_heights, start_from
from .under_way import carried, named_nonces, read_again
from .warm import Warm

__all__ = ["Piece", "Replay", "Replayed", "Results", "replay"]


@dataclass
class Results:
    """Computed rows of some heights.

    Attributes:
        heights: the blocks whose results are given.
        book: results as gathered.
        names: tables that anything was computed of so far; one may have no rows here.
        topics: the topics whose results are given; None: all.
        begin: the first block that the book tells of.
    """

    heights: tuple[int, int]
    book: Book
    names: tuple[str, ...]
    topics: frozenset[int] | None
    begin: int

    @cached_property
    def tables(self) -> dict[str, pa.Table]:
        """Results by table, in the archive's own schema; decimals of float64 have no text."""
        return {name: self.table(name) for name in self.names}

    def table(self, name: str, plain: bool = True) -> pa.Table:
        """Results of one table.

        Args:
            name: of `allora_core.archive.schema.TABLES`.
            plain: texts as such; else as dictionaries, which take far less room.
        """
        table = self.book.table(name, plain)
        if self.heights[0] > self.begin:
            table = table.filter(pc.greater_equal(table["height"], self.heights[0]))
        if self.topics is not None and "topic_id" in table.column_names:
            chosen = pa.array(sorted(self.topics), pa.int64())
            table = table.filter(pc.is_in(table["topic_id"], chosen))
        return table


@dataclass
class Piece(Results):
    """Finished results of a stretch of blocks.

    Attributes:
        engine: release and number.
    """

    engine: str


@dataclass
class Replayed(Results):
    """What a replay computed, all of it at once.

    Attributes:
        faults: of single topics; the others were not touched by them.
        checkpoints: height and SHA-256 of every checkpoint.
        chain: everything that is carried at the end.
        start: where the replay started from, in words.
        remaining: topic -> bound of what is left of an unknown start, after a warm up.
    """

    faults: list[Fault]
    checkpoints: list[tuple[int, str]]
    chain: Chain
    start: str
    remaining: dict[int, float]


class Replay:
    """A replay of an archive, piece by piece, in memory that does not grow with the heights.

    Args:
        archive: block data.
        topics: give results of these alone; all are replayed, since they share the rewards.
        heights: first and last height; None for the first or last that is kept.
        number: kind of numbers.
        rules: a release, such as ``v0.17``, or ``auto``: by chain and height; or a `Release` whose
            choices are changed.
        start: a checkpoint's file. By default a genesis or an exported state that the archive
            holds, else a warm up: the state is filled from recorded events.
        threads: threads of the engine.
        checkpoint_every: make a checkpoint after each so many blocks, counted from height 0.
        checkpoint_folder: where to write them; None: only their hashes are given.
        blocks_at_once: so many blocks are read, replayed and given at a time; by default as many as
            hold about 1,000,000 rows.
        upgrades: chain, first height and release, for ``auto``; at such a height the replay goes
            on by the rules of the next release. What a migration changes beside is not known.
        seen: called with each height that was worked on.

    Attributes:
        heights: the blocks whose results are given.
        chain: everything that is carried so far.
        checkpoints: height and SHA-256 of every checkpoint so far.

    Raises:
        ValueError: the heights are not kept, the release is not known, or the start does not fit.
    """

    def __init__(
        self,
        archive: Archive,
        *,
        topics: Collection[int] | None = None,
        heights: tuple[int | None, int | None] | None = None,
        number: NumberName = "decimal",
        rules: str | Release = "auto",
        start: Path | str | None = None,
        threads: int | None = None,
        checkpoint_every: int | None = None,
        checkpoint_folder: Path | None = None,
        blocks_at_once: int | None = None,
        upgrades: Sequence[tuple[str, int, str]] = UPGRADES,
        seen: Callable[[int], None] = lambda _: None,
    ) -> None:
        asked, last = bounds(archive, heights)
        self.archive = archive
        self.begun = begin(archive, asked, number, rules, start, threads, upgrades)
        self.chain = self.begun.chain
        self.first = self.chain.height + 1
        if start is not None and (heights is None or heights[0] is None):
            asked = self.first
        if self.first > asked:
            raise CheckpointError(
                f"{start}: of height {self.chain.height}, which is not before {asked}"
            )
        require_kept(archive, self.first, last)
        self.heights = asked, last
        self.topics = None if topics is None else frozenset(topics)
        self.changes = {
            height - 1: name
            for chain_id, height, name in (upgrades if rules == "auto" else ())
            if chain_id == archive.chain_id
        }
        self.every, self.folder = checkpoint_every, checkpoint_folder
        self.blocks, self.seen = blocks_at_once, seen
        self.checkpoints: list[tuple[int, str]] = []
        self.names: dict[str, None] = {}

    @property
    def start(self) -> str:
        """Where the replay starts from, in words."""
        return self.begun.words

    @property
    def engine(self) -> str:
        """Release and number, as results are marked."""
        return f"{self.chain.release.name} {self.chain.number}"

    @property
    def remaining(self) -> dict[int, float]:
        """Topic -> bound of what is left of an unknown start, after a warm up."""
        return {} if self.chain.warm is None else self.chain.warm.remaining(self.chain)

    def pieces(self) -> Iterator[Piece]:
        """Replay, and give the results of one stretch of blocks after the other.

        All rows of a height are in one piece, and pieces come in the order of heights; a piece ends
        where the release changes. Heights before those that were asked for are in none.
        """
        chain, last = self.chain, self.heights[1]
        told = tells_emission_info(self.archive, (self.first, last))
        done = self.first
        for low, high in pieces_of(self.archive, (self.first, last), self.blocks):
            load(self.begun, self.archive, (low, high), (self.first, last), told)
            for stop in stops(low, high, self.every, self.changes):
                engine = self.engine
                chain.run(stop, self.seen)
                chain.settle_payloads(end_of(stop))
                if stop in self.changes:
                    chain.use(Release.named(self.changes[stop]))
                if self.every and stop % self.every == 0:
                    self.checkpoints.append((stop, saved(chain, self.folder)))
                if stop == high or stop in self.changes:
                    yield from self.finished(done, stop, engine)
                    done = stop + 1
            if high < last:
                carry(self.begun)

    def finished(self, low: int, high: int, engine: str) -> Iterator[Piece]:
        """What was computed since the last piece, if any of it was asked for."""
        chain = self.chain
        written.mint(chain)
        book = chain.book
        chain.book = Book(chain.number, chain.addresses)
        self.names |= dict.fromkeys(book.parts)
        if high >= self.heights[0]:
            heights = max(low, self.heights[0]), high
            yield Piece(heights, book, tuple(self.names), self.topics, low, engine)


def replay(archive: Archive, **options: Any) -> Replayed:
    """Replay an archive, and hold everything that was computed in memory.

    Args:
        archive: block data.
        options: as of `Replay`, which gives the same piece by piece.

    Raises:
        ValueError: the heights are not kept, the release is not known, or the start does not fit.
    """
    run = Replay(archive, **options)
    book = Book(run.chain.number, run.chain.addresses)
    for piece in run.pieces():
        book.extend(piece.book)
    return Replayed(
        run.heights,
        book,
        tuple(run.names),
        run.topics,
        run.first,
        run.chain.faults,
        run.checkpoints,
        run.chain,
        run.start,
        run.remaining,
    )


@dataclass
class Begun:
    """A chain before its first block.

    Attributes:
        chain: with everything that it starts from.
        loaded: the checkpoint or state that names payloads under way.
        held: payloads of blocks before the next one that are still to be used, by role.
        words: where it starts from.
    """

    chain: Chain
    loaded: Checkpoint | Snapshot | None
    held: Mapping[str, pa.RecordBatch]
    words: str


def begin(
    archive: Archive,
    first: int,
    number: NumberName,
    rules: str | Release,
    start: Path | str | None,
    threads: int | None,
    upgrades: Sequence[tuple[str, int, str]],
) -> Begun:
    """A chain out of a checkpoint, of a state from which blocks lead to a height, or of nothing."""
    near = None if start is not None else best_snapshot(archive, first)
    if start is not None:
        loaded = checkpoints.read(Path(start))
        rules = loaded.release if rules == "auto" else rules
        chain = Chain(number, named(archive, first, rules, upgrades), threads, Addresses())
        checkpoints.restore(chain, loaded)
        held = read_again(archive, loaded.height, number, named_nonces(loaded))
        return Begun(chain, loaded, held, f"the checkpoint of height {loaded.height}")
    # A genesis stands before the first block, whatever its number.
    height = first - 1 if near is None else near or archive.ranges[0][0] - 1
    chain = Chain(number, named(archive, height + 1, rules, upgrades), threads, Addresses())
    if near is None:
        chain.height = chain.mint.height = height
        chain.warm = Warm.prepare(chain, archive, first)
        return Begun(chain, None, {}, f"nothing at height {first}: recorded events fill the state")
    snapshot = Snapshot(archive, near)
    held = start_from(chain, archive, snapshot)
    chain.height = chain.mint.height = height
    words = "the genesis" if near == 0 else f"the state of height {near}"
    return Begun(chain, snapshot, held, words)


def named(
    archive: Archive,
    height: int,
    rules: str | Release,
    upgrades: Sequence[tuple[str, int, str]],
) -> Release:
    """The release to start with."""
    if isinstance(rules, Release):
        return rules
    return Release.named(release_of(archive, height, rules, upgrades))


def bounds(archive: Archive, heights: tuple[int | None, int | None] | None) -> tuple[int, int]:
    """First and last height of a replay."""
    ranges = archive.ranges
    if not ranges:
        raise ValueError(f"{archive.folder}: the archive holds no blocks")
    low, high = heights or (None, None)
    first = ranges[0][0] if low is None else low
    last = ranges[-1][1] if high is None else high
    if first > last:
        raise ValueError(f"heights {first}:{last}: the first is beyond the last")
    return first, last


def require_kept(archive: Archive, first: int, last: int) -> None:
    """A gap is never bridged silently."""
    if not any(low <= first and last <= high for low, high in archive.ranges):
        kept = ", ".join(f"{low}:{high}" for low, high in archive.ranges[:10])
        raise ValueError(
            f"{archive.folder}: heights {first}:{last} are not kept without a gap; kept: {kept}"
        )


def release_of(
    archive: Archive,
    first: int,
    rules: str,
    upgrades: Sequence[tuple[str, int, str]] = UPGRADES,
) -> str:
    """The release that was asked for, or the one of the chain at a height.

    Raises:
        ValueError: the release is not known.
    """
    if rules != "auto":
        return rules
    try:
        return release_at(archive.chain_id, first, upgrades)
    except ValueError as error:
        packages: set[str] = set()
        names = ["height", "api_version"]
        for table in ("scores", "network_losses", "epoch_steps"):
            for batch in read_batches(archive, table, ANY_HEIGHT, names, names[1:]):
                packages |= set(batch.column("api_version").dictionary.to_pylist()) - {None}
        if len(packages) == 1 and (package := packages.pop()) in PACKAGES:
            return PACKAGES[package]
        raise ValueError(f"{error} with --rules") from None


def best_snapshot(archive: Archive, first: int) -> int | None:
    """The newest state from which blocks without a gap lead to a height."""
    for height in reversed(snapshot_heights(archive)):
        begins = archive.ranges[0][0]
        # A genesis stands before the first block, whatever its number.
        whole = any(low <= height + 1 and first - 1 <= high for low, high in archive.ranges)
        if height < first and (whole or height == first - 1 or (height == 0 and first == begins)):
            return height
    return None


def stops(low: int, high: int, every: int | None, changes: Iterable[int]) -> list[int]:
    """Heights to stop at: of checkpoints, of upgrades, and the last one."""
    found = {height for height in changes if low <= height < high}
    if every:
        found.update(range((low + every - 1) // every * every, high, every))
    return [*sorted(found), high]


def saved(chain: Chain, folder: Path | None) -> str:
    """Make a checkpoint; returns its hash."""
    if folder is None:
        return checkpoints.write(chain)[1]
    return checkpoints.save(chain, folder)[1]


def load(
    begun: Begun,
    archive: Archive,
    span: tuple[int, int],
    within: tuple[int, int],
    tells_info: bool,
) -> None:
    """Read what the coming blocks of a replay need, beside the payloads that are under way."""
    chain, loaded = begun.chain, begun.loaded
    feed = Feed.load(archive, span, chain.number, chain.addresses, begun.held, span[0])
    opened = [nonce for life in chain.lives.values() for nonce in life.open.worker]
    closing = range(min([span[0], *opened]), span[1] + 1)
    told = max(closing.start, within[0]), within[1]
    recorded = Recorded.load(archive, span, ECOSYSTEM, closing, told, tells_info)
    chain.give(feed, Inputs.load(archive, span), recorded)
    if isinstance(loaded, Checkpoint):
        checkpoints.seat(chain, loaded, feed)
    elif loaded is not None:
        seat_from(chain, loaded, feed)
    if chain.warm is not None:
        chain.warm.reload(chain, archive, span, within[1])


def carry(begun: Begun) -> None:
    """Keep what the blocks after those at hand need of them and of those before."""
    begun.loaded = checkpoints.under_way(begun.chain)
    begun.held = carried(begun.chain.feed, named_nonces(begun.loaded))

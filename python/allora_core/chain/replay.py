"""An archive replayed: inputs in, everything that the chain computed out."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from ..archive.files import BUCKET, Archive
from ..batch import NumberName
from . import checkpoint as checkpoints
from . import written
from .book import Book
from .checkpoint import Checkpoint, CheckpointError
from .columns import Addresses
from .feed import Feed, end_of
from .inputs import Inputs, Recorded
from .life import Chain, Fault
from .mint import ECOSYSTEM
from .rules import PACKAGES, UPGRADES, Release, release_at
from .start import Snapshot, seat_from, snapshot_heights, start_from
from .warm import Warm

__all__ = ["Replayed", "replay"]


@dataclass
class Replayed:
    """What a replay computed.

    Attributes:
        heights: the blocks whose results are given.
        faults: of single topics; the others were not touched by them.
        checkpoints: height and SHA-256 of every checkpoint.
        chain: everything that is carried at the end.
        book: results as gathered.
        start: where the replay started from, in words.
        remaining: topic -> bound of what is left of an unknown start, after a warm up.
        topics: the topics whose results are given; None: all.
        begin: the first block that was replayed.
    """

    heights: tuple[int, int]
    faults: list[Fault]
    checkpoints: list[tuple[int, str]]
    chain: Chain
    book: Book
    start: str
    remaining: dict[int, float] = field(default_factory=dict)
    topics: frozenset[int] | None = None
    begin: int = 0

    @cached_property
    def tables(self) -> dict[str, pa.Table]:
        """Results by table, in the archive's own schema; decimals of float64 have no text."""
        return {name: self.table(name) for name in self.book.parts}

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


def replay(
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
    blocks_at_once: int = BUCKET,
    upgrades: Sequence[tuple[str, int, str]] = UPGRADES,
    seen: Callable[[int], None] = lambda _: None,
) -> Replayed:
    """Replay an archive.

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
        blocks_at_once: payloads of so many blocks are read at a time.
        upgrades: chain, first height and release, for ``auto``; at such a height the replay goes
            on by the rules of the next release. What a migration changes beside is not known.
        seen: called with each height that was worked on.

    Raises:
        ValueError: the heights are not kept, the release is not known, or the start does not fit.
    """
    asked, last = bounds(archive, heights)
    begun = begin(archive, asked, number, rules, start, threads, upgrades)
    chain = begun.chain
    first = chain.height + 1
    if start is not None and (heights is None or heights[0] is None):
        asked = first
    if first > asked:
        raise CheckpointError(f"{start}: of height {chain.height}, which is not before {asked}")
    require_kept(archive, first, last)
    changes = {
        height - 1: name
        for chain_id, height, name in (upgrades if rules == "auto" else ())
        if chain_id == archive.chain_id
    }
    made: list[tuple[int, str]] = []
    for low, high in chunks(first, last, blocks_at_once):
        load(begun, archive, (low, high), first)
        for stop in stops(low, high, checkpoint_every, changes):
            chain.run(stop, seen)
            chain.settle_payloads(end_of(stop))
            if stop in changes:
                chain.use(Release.named(changes[stop]))
            if checkpoint_every and stop % checkpoint_every == 0:
                made.append((stop, saved(chain, checkpoint_folder)))
        written.mint(chain)
        if high < last:
            begun.loaded = Checkpoint(checkpoints.plain(chain), "")
    remaining = {} if chain.warm is None else chain.warm.remaining(chain)
    chosen = None if topics is None else frozenset(topics)
    return Replayed(
        (asked, last), chain.faults, made, chain, chain.book, begun.words, remaining, chosen, first
    )


@dataclass
class Begun:
    """A chain before its first block.

    Attributes:
        chain: with everything that it starts from.
        loaded: the checkpoint or state that names payloads under way.
        held: payloads that a state holds, by role.
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
        return Begun(chain, loaded, {}, f"the checkpoint of height {loaded.height}")
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
        for table in ("scores", "network_losses", "epoch_steps"):
            found = archive.read(table, columns=["height", "api_version"])
            packages |= set(found["api_version"].to_pylist()) - {None}
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


def chunks(first: int, last: int, blocks: int) -> Iterator[tuple[int, int]]:
    """Ranges of at most so many heights."""
    low = first
    while low <= last:
        high = min(last, (low // blocks + 1) * blocks - 1)
        yield low, high
        low = high + 1


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


def load(begun: Begun, archive: Archive, span: tuple[int, int], first: int) -> None:
    """Read what the coming blocks need, and what is still under way from those before."""
    chain, loaded, held = begun.chain, begun.loaded, begun.held
    oldest = span[0]
    if isinstance(loaded, Checkpoint):
        oldest = min(oldest, checkpoints.oldest_payload(loaded))
    if held:
        oldest = max(oldest, first)
    feed = Feed.load(
        archive, (oldest, span[1]), chain.number, chain.addresses, held, first if held else 0
    )
    recorded = Recorded.load(archive, span, ECOSYSTEM)
    chain.give(feed, Inputs.load(archive, span), recorded)
    if isinstance(loaded, Checkpoint):
        checkpoints.seat(chain, loaded, feed)
    elif loaded is not None:
        seat_from(chain, loaded, feed)
    if chain.warm is not None:
        chain.warm.reload(chain, archive, span)

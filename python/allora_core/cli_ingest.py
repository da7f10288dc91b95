"""The command ``ingest``: block data into an archive."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Optional

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.text import Text

from .archive.files import Archive
from .archive.ingest import Ingested, chain_of, ingest, survey
from .blocks.answers import Record
from .blocks.files import BlockRange, SourceFile, heights_in_order, source_files
from .blocks.indexer import dump_chain, dump_files, dump_heights, skipped_tables
from .blocks.node import Node, wanted_heights
from .cli_errors import bad_input, errors

__all__ = ["ingest_command"]

Groups = Iterable[tuple[int, list[Record]]]


def ingest_command(
    source: Annotated[
        str, typer.Argument(help="A file or folder of block data, or a node: http://HOST:PORT.")
    ],
    out: Annotated[Path, typer.Option("--out", help="The archive; made if it is not there.")],
    blocks: Annotated[
        Optional[list[str]],  # noqa: UP045 - typer reads this annotation on Python 3.10
        typer.Option("--blocks", help="Heights FIRST:LAST, such as 16M:17M. May be repeated."),
    ] = None,
    follow: Annotated[
        bool, typer.Option("--follow", help="Go on with each new block of a node, until stopped.")
    ] = False,
    in_flight: Annotated[
        int, typer.Option("--in-flight", min=1, max=64, help="Heights asked of a node at once.")
    ] = 8,
    height: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option("--height", min=0, help="The height of answers that do not name one."),
    ] = None,
    chain: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--chain", help="The chain, such as allora-testnet-1, if no answer names it."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be read, write nothing.")
    ] = False,
) -> None:
    """Read block data into an archive of Parquet files with DuckDB views beside them.

    Sources are answers of a node's RPC (block, block_results, tx, tx_search), of its REST interface
    (blocks, cosmos/tx, queries of parameters and topics) and its websocket (NewBlockEvents, Tx),
    genesis files and exported states: one JSON document or JSON lines, plain, gzip or zstd; tables
    of the chain's indexer as CSV or Parquet; or a node itself.

    What the archive has is compared and skipped, so an interrupted ingest is simply run again.
    Heights that are missing are reported.

    [bold]Examples[/]

      allora-core ingest blocks/ --out archive/

      allora-core ingest blocks.jsonl.zst --out archive/ --blocks 16M:17M --dry-run

      allora-core ingest events.json --out archive/ --chain allora-testnet-1 --height 9977429

      allora-core ingest http://127.0.0.1:26657 --out archive/ --blocks 16M: --follow
    """
    with bad_input():
        ranges = [BlockRange.parse(text) for text in blocks or []]
        exists = Archive.exists(out)
        stated = Archive(out).chain_id if exists else chain
        if chain is not None and stated != chain:
            raise ValueError(f"{out}: the archive keeps {stated}, not {chain}")
        if source.startswith(("http://", "https://")):
            from_node(Node(source, in_flight), out, stated, ranges, follow, dry_run)
            return
        if follow:
            raise ValueError("--follow: only a node (http://HOST:PORT) can be followed")
        dump = dump_files(Path(source))
        files = [] if dump else source_files(Path(source), height)
        name = dump_chain(dump, stated) if dump else chain_of(files, stated)
        if name is None:
            raise ValueError(f"{source}: no answer names its chain; state it with --chain")
        with file_progress(files, dump) as (groups, progress):
            if dry_run:
                done = survey(groups, ranges, progress)
            else:
                archive = Archive(out) if exists else Archive.create(out, name)
                done = ingest(groups, archive, ranges, progress)
        report(done, f"{name}: {'would read' if dry_run else 'added'}")
        for table, why in skipped_tables(Path(source)) if dump else ():
            say(f"table {table} was not read: {why}")


def from_node(
    node: Node,
    out: Path,
    stated: str | None,
    ranges: list[BlockRange],
    follow: bool,
    dry_run: bool,
) -> None:
    """Ingest from a node's RPC."""
    state = node.state()
    if stated is not None and state.chain_id != stated:
        raise ValueError(f"{node.url}: a node of {state.chain_id}, not {stated}")
    kept = Archive(out).complete if Archive.exists(out) else []
    count = sum(1 for _ in wanted_heights(ranges, kept, state, follow))
    say(
        f"{state.chain_id}: the node keeps heights {state.earliest}:{state.latest}, "
        f"{count} of those asked for are not in the archive"
    )
    if dry_run:
        return
    archive = Archive(out) if Archive.exists(out) else Archive.create(out, state.chain_id)
    with node_progress(None if follow else count) as progress:
        try:
            groups = node.heights(ranges, kept, follow)
            done = ingest(groups, archive, None, progress)
        except KeyboardInterrupt:
            say("stopped; what was read is kept")
            return
    report(done, f"{state.chain_id}: added")


@contextmanager
def file_progress(files: list[SourceFile], dump: dict[str, Path]) -> Iterator[tuple[Groups, Any]]:
    """Heights of files under a bar with rate and time left, on stderr."""
    columns = (
        TextColumn("height {task.fields[height]}"),
        BarColumn(),
        TransferSpeedColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    total = None if dump else sum(file.path.stat().st_size for file in files)
    with Progress(*columns, console=errors) as progress:
        task = progress.add_task("", total=total, height="")

        def read(count: int) -> None:
            progress.advance(task, count)

        groups: Groups = dump_heights(dump) if dump else heights_in_order(files, read)
        yield groups, lambda at: progress.update(task, height=at)


class HeightRate(ProgressColumn):
    """Heights a second."""

    def render(self, task: Task) -> Text:
        """The rate of late."""
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:.1f} blocks/s")


@contextmanager
def node_progress(total: int | None) -> Iterator[Any]:
    """A bar over heights with rate and time left, on stderr; without an end while following."""
    columns = (
        TextColumn("height {task.fields[height]}"),
        BarColumn(),
        HeightRate(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=errors) as progress:
        task = progress.add_task("", total=total, height="")
        yield lambda at: progress.update(task, advance=1, height=at)


def say(text: str) -> None:
    """One line on stdout, as it is."""
    Console().print(text, highlight=False, markup=False, soft_wrap=True)


def report(done: Ingested, verb: str) -> None:
    """Say what was read, and what is missing."""
    say(f"{verb} {done.heights} heights, {done.rows} rows")
    if done.repeated:
        say(f"{done.repeated} heights were there already, with the same content")
    if done.ranges:
        spans = ", ".join(f"{first}:{last}" for first, last in done.ranges[:10])
        more = f" and {len(done.ranges) - 10} more ranges" if len(done.ranges) > 10 else ""
        say(f"heights: {spans}{more}")
    for first, last in done.gaps[:10]:
        say(f"gap: {first}:{last}, {last - first + 1} heights missing")
    if len(done.gaps) > 10:
        say(f"and {len(done.gaps) - 10} more gaps")
    if done.without_results:
        say(
            f"{done.without_results} heights have transactions whose result codes are not known; "
            "those are kept as bytes and not read as inputs"
        )
    if done.without_bytes:
        say(
            f"{done.without_bytes} heights have results of transactions that no block was given "
            "for; what those transactions sent is missing"
        )

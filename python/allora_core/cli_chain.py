"""The commands ``replay`` of an archive and ``state``: the chain's life over block data."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Optional

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from .archive.files import Archive
from .batch import NumberName
from .chain.life import Fault
from .chain.replay import Piece, Replay, best_snapshot
from .chain.results import SUMMED, TableFiles, Totals
from .chain.state import topic_rows
from .cli_errors import bad_input, errors

__all__ = ["ArchiveOptions", "replay_archive", "state_command", "topics_of"]

TOKEN = Decimal(10) ** 18


@dataclass(frozen=True)
class ArchiveOptions:
    """What a replay of an archive is asked for.

    Attributes:
        topics, first, last: which results; None: all.
        number, rules, threads: how to compute.
        state: a checkpoint to start from.
        checkpoint_every: blocks between checkpoints.
        out: folder for results and checkpoints.
    """

    topics: list[int] | None
    first: int | None
    last: int | None
    number: NumberName
    rules: str | None
    threads: int | None
    state: Path | None
    checkpoint_every: int | None
    out: Path | None


def topics_of(text: str | None) -> list[int] | None:
    """Topics written like ``1,5,13``.

    Raises:
        ValueError: one is no number.
    """
    if text is None:
        return None
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise ValueError(f"--topics {text}: write numbers with commas between") from None


def replay_archive(folder: Path, options: ArchiveOptions, as_json: bool) -> None:
    """Replay an archive and tell what came of it."""
    totals = Totals()
    with bad_input():
        if options.checkpoint_every is not None and options.out is None:
            raise ValueError("--checkpoint-every writes into the folder of --out: name one")
        run = prepared(folder, options)
        files = None if options.out is None else TableFiles(options.out)
        with files or nullcontext():
            for piece in with_progress(run, as_json):
                keep(piece, totals, files)
    if as_json:
        typer.echo(json.dumps(document_of(run, totals), indent=2))
        return
    console = Console()
    first, last = run.heights
    say(console, f"heights {first}:{last} from {run.start}, {run.engine}")
    console.print(replay_table(totals.rows(run, float(TOKEN))))
    tell_faults(console, run.chain.faults)
    for topic_id, left in sorted(run.remaining.items()):
        say(
            console,
            f"topic {topic_id}: at most {left:.1e} of what the start did not know is left",
        )
    for height, digest in run.checkpoints[-3:]:
        say(console, f"checkpoint {height}: {digest}")


def say(console: Console, text: str) -> None:
    """Print a line as it is."""
    console.print(text, highlight=False, markup=False, soft_wrap=True)


def prepared(folder: Path, options: ArchiveOptions) -> Replay:
    """A replay before its first block; whatever is wrong with the options is told here."""
    return Replay(
        Archive(folder),
        topics=options.topics,
        heights=(options.first, options.last),
        number=options.number,
        rules=options.rules or "auto",
        start=options.state,
        threads=options.threads,
        checkpoint_every=options.checkpoint_every,
        checkpoint_folder=None if options.out is None else options.out / "checkpoints",
    )


def with_progress(run: Replay, quiet: bool) -> Iterator[Piece]:
    """The pieces of a replay, under a bar with time left, on stderr."""
    columns = (
        TextColumn("height {task.completed}"),
        BarColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=errors, disable=quiet) as progress:
        task = progress.add_task("", total=run.heights[1])
        run.seen = lambda height: progress.update(task, completed=height)
        yield from run.pieces()


def keep(piece: Piece, totals: Totals, files: TableFiles | None) -> None:
    """Add a piece to the totals and to the files."""
    summed = {name: piece.table(name, plain=False) for name in SUMMED}
    totals.add(summed)
    if files is not None:
        for name in piece.names:
            rows = summed[name] if name in summed else piece.table(name, plain=False)
            files.add(name, rows, piece.engine)


def replay_table(rows: list[dict[str, Any]]) -> Table:
    """What was replayed, one row a topic; paid and stake in ALLO."""
    table = Table(box=SIMPLE_HEAD)
    titles = ("topic", "nonces", "inferred", "settled", "last loss", "paid", "stake", "faults")
    for name in titles:
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        last = row["last_loss"]
        table.add_row(
            *(str(row[name]) for name in ("topic_id", "opened", "inferred", "settled")),
            "-" if last is None else f"{last:.5g}",
            f"{row['paid']:.7g}",
            f"{row['stake']:.7g}",
            Text(str(row["faults"]), style="red" if row["faults"] else ""),
        )
    return table


def tell_faults(console: Console, faults: list[Fault]) -> None:
    """The first faults; the rest by number."""
    for fault in faults[:10]:
        say(console, f"fault: {fault}")
    if len(faults) > 10:
        say(console, f"and {len(faults) - 10} more faults")


def document_of(run: Replay, totals: Totals) -> dict[str, Any]:
    """Everything that the table says, as plain values."""
    return {
        "heights": list(run.heights),
        "start": run.start,
        "engine": run.engine,
        "topics": totals.rows(run, float(TOKEN)),
        "faults": [str(fault) for fault in run.chain.faults],
        "remaining": {str(topic): left for topic, left in run.remaining.items()},
        "checkpoints": [{"height": height, "sha256": sha} for height, sha in run.checkpoints],
    }


def state_command(
    archive: Annotated[Path, typer.Argument(help="The archive.")],
    at: Annotated[int, typer.Option("--at", min=1, help="After the block of this height.")],
    topics: Annotated[
        Optional[str],  # noqa: UP045 - typer reads this annotation on Python 3.10
        typer.Option("--topics", help="These alone, such as 1,5,13."),
    ] = None,
    actors: Annotated[
        bool, typer.Option("--actors", help="Every actor's averages, regrets, weights and stakes.")
    ] = False,
    state: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--state", help="Start from this checkpoint."),
    ] = None,
    rules: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--rules", help="A release, such as v0.17; by default by chain and height."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON, with every digit, instead of tables.")
    ] = False,
) -> None:
    """What topics remember after a block: replayed in decimal up to that height.

    Weights and stakes, open nonces, active sets, and what the formulas carry. The replay starts
    from a checkpoint, from a genesis or state that the archive holds, or warms up.

    [bold]Examples[/]

      allora-core state archive/ --at 10090000

      allora-core state archive/ --at 10090000 --topics 1,13 --actors --json
    """
    with bad_input():
        chosen = topics_of(topics)
        kept = Archive(archive)
        # From the nearest state that is kept; without any, everything before warms up.
        near = state is None and best_snapshot(kept, at) is not None
        options = ArchiveOptions(
            chosen,
            at if near else None,
            at,
            "decimal",
            rules,
            None,
            state,
            None,
            None,
        )
        run = prepared(archive, options)
        for _ in with_progress(run, as_json):
            pass  # what is asked for is what the chain remembers
        rows = topic_rows(run.chain, chosen, actors or as_json)
    if as_json:
        document = {"height": at, "start": run.start, "topics": rows}
        typer.echo(json.dumps(document, indent=2))
        return
    console = Console()
    say(console, f"after height {at}, from {run.start}, {run.engine}")
    # A narrow terminal wraps lines; numbers cut short would tell nothing.
    Console(width=max(console.width, LEAST_WIDTH)).print(state_table(rows))
    if actors:
        for row in rows:
            console.print(actors_table(row))


LEAST_WIDTH = 100
"""Columns that the table of topics takes."""

SHOWN = (
    ("topic", "topic_id"),
    ("active", "active"),
    ("ends at", "epoch_end"),
    ("weight", "weight"),
    ("stake", "stake"),
    ("open", "worker_nonces"),
    ("to settle", "reputer_nonces"),
    ("seats", "seats"),
    ("regret", "initial_regret"),
    ("scale", "regret_scale"),
)


def state_table(rows: list[dict[str, Any]]) -> Table:
    """What topics remember, one row a topic: stake in ALLO, initial regret, seats taken by role."""
    table = Table(box=SIMPLE_HEAD)
    for title, _ in SHOWN:
        table.add_column(title, justify="right", no_wrap=True)
    for row in rows:
        stake = Decimal(row["stake"]) / TOKEN
        cells = {**row, "stake": f"{stake:.7g}", "seats": "/".join(map(str, row["seats"]))}
        table.add_row(*(cell(cells[name]) for _, name in SHOWN))
    return table


def cell(value: Any) -> str:
    """A value short enough for a table."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return " ".join(map(str, value)) or "-"
    if isinstance(value, str) and len(value) > 14:
        return f"{float(value):.6g}" if is_number(value) else value
    return "-" if value is None else str(value)


def is_number(text: str) -> bool:
    """Whether a text is a number."""
    return text[:1] in "-0123456789" and text[-1:].isdigit()


def actors_table(row: dict[str, Any]) -> Table:
    """What a topic remembers of its actors."""
    table = Table(box=SIMPLE_HEAD, title=f"topic {row['topic_id']}", title_justify="left")
    for name in ("role", "address", "average score", "regret", "weight", "coefficient", "stake"):
        table.add_column(name, justify="right" if name not in ("role", "address") else "left")
    for actor in row["actors"]:
        table.add_row(*(cell(actor.get(name)) for name in ACTOR_FIELDS))
    return table


ACTOR_FIELDS = (
    "role",
    "address",
    "score_ema",
    "regret",
    "weight",
    "listening_coefficient",
    "stake",
)

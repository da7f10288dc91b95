"""The commands ``replay`` of an archive and ``state``: the chain's life over block data."""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Optional

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from .archive.files import Archive
from .batch import NumberName
from .chain.replay import Replayed, best_snapshot, bounds, replay
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
    with bad_input():
        if options.checkpoint_every is not None and options.out is None:
            raise ValueError("--checkpoint-every writes into the folder of --out: name one")
        replayed = with_progress(Archive(folder), options, as_json)
        if options.out is not None:
            write_tables(options.out, replayed, engine_of(replayed))
    if as_json:
        typer.echo(json.dumps(document_of(replayed), indent=2))
        return
    console = Console()
    first, last = replayed.heights
    say(console, f"heights {first}:{last} from {replayed.start}, {engine_of(replayed)}")
    console.print(replay_table(summary(replayed)))
    tell_faults(console, replayed)
    for topic_id, left in sorted(replayed.remaining.items()):
        say(
            console,
            f"topic {topic_id}: at most {left:.1e} of what the start did not know is left",
        )
    for height, digest in replayed.checkpoints[-3:]:
        say(console, f"checkpoint {height}: {digest}")


def say(console: Console, text: str) -> None:
    """Print a line as it is."""
    console.print(text, highlight=False, markup=False, soft_wrap=True)


def with_progress(archive: Archive, options: ArchiveOptions, quiet: bool) -> Replayed:
    """Replay under a bar with time left, on stderr."""
    heights = options.first, options.last
    columns = (
        TextColumn("height {task.completed}"),
        BarColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=errors, disable=quiet) as progress:
        task = progress.add_task("", total=bounds(archive, heights)[1])
        return replay(
            archive,
            topics=options.topics,
            heights=heights,
            number=options.number,
            rules=options.rules or "auto",
            start=options.state,
            threads=options.threads,
            checkpoint_every=options.checkpoint_every,
            checkpoint_folder=None if options.out is None else options.out / "checkpoints",
            seen=lambda height: progress.update(task, completed=height),
        )


def engine_of(replayed: Replayed) -> str:
    """Release and number, as results are marked."""
    return f"{replayed.chain.release.name} {replayed.chain.number}"


def write_tables(folder: Path, replayed: Replayed, engine: str) -> None:
    """One Parquet file a table, with the column ``engine``; no half file ever remains."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in replayed.book.parts:
        table = replayed.table(name, plain=False)
        marked = table.append_column("engine", pa.repeat(engine, table.num_rows))
        part = folder / f".{name}.parquet.part"
        pq.write_table(marked, part, compression="zstd", store_schema=False)
        part.replace(folder / f"{name}.parquet")


def summary(replayed: Replayed) -> list[dict[str, Any]]:
    """One record per topic: epochs, last losses, what was paid, faults."""
    tables = {
        name: replayed.table(name, plain=False)
        for name in ("epoch_steps", "network_losses", "rewards")
    }
    rows = []
    for topic_id in sorted(replayed.chain.lives):
        if replayed.topics is not None and topic_id not in replayed.topics:
            continue
        steps = of_topic(tables, "epoch_steps", topic_id)
        counts = {
            name: int(pc.sum(pc.equal(steps["step"], name)).as_py() or 0) if steps else 0
            for name in ("worker_opened", "worker_committed", "reputer_committed")
        }
        losses = of_topic(tables, "network_losses", topic_id)
        last = None
        if losses:
            combined = losses.filter(pc.equal(losses["kind"], "combined"))
            last = combined["value_f64"][-1].as_py() if combined.num_rows else None
        rewards = of_topic(tables, "rewards", topic_id)
        paid = float(pc.sum(rewards["reward_f64"]).as_py() or 0) if rewards else 0.0
        faults = sum(fault.error.topic_id == topic_id for fault in replayed.faults)
        rows.append(
            {
                "topic_id": topic_id,
                "opened": counts["worker_opened"],
                "inferred": counts["worker_committed"],
                "settled": counts["reputer_committed"],
                "last_loss": last,
                "paid": paid / float(TOKEN),
                "stake": replayed.chain.ledger.topics.get(topic_id, 0) / float(TOKEN),
                "faults": faults,
            }
        )
    return rows


def of_topic(tables: dict[str, pa.Table], name: str, topic_id: int) -> pa.Table | None:
    """Rows of one topic, None where there is none."""
    table = tables.get(name)
    if table is None:
        return None
    rows = table.filter(pc.equal(table["topic_id"], topic_id))
    return rows if rows.num_rows else None


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


def tell_faults(console: Console, replayed: Replayed) -> None:
    """The first faults; the rest by number."""
    for fault in replayed.faults[:10]:
        say(console, f"fault: {fault}")
    if len(replayed.faults) > 10:
        say(console, f"and {len(replayed.faults) - 10} more faults")


def document_of(replayed: Replayed) -> dict[str, Any]:
    """Everything that the table says, as plain values."""
    return {
        "heights": list(replayed.heights),
        "start": replayed.start,
        "engine": engine_of(replayed),
        "topics": summary(replayed),
        "faults": [str(fault) for fault in replayed.faults],
        "remaining": {str(topic): left for topic, left in replayed.remaining.items()},
        "checkpoints": [{"height": height, "sha256": sha} for height, sha in replayed.checkpoints],
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
        replayed = with_progress(kept, options, as_json)
        rows = topic_rows(replayed.chain, chosen, actors or as_json)
    if as_json:
        document = {"height": at, "start": replayed.start, "topics": rows}
        typer.echo(json.dumps(document, indent=2))
        return
    console = Console()
    say(console, f"after height {at}, from {replayed.start}, {engine_of(replayed)}")
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

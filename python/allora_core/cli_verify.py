"""The command ``verify``: a chain's own record against what follows from its inputs."""

from __future__ import annotations

import json
from enum import Enum
from pathlib import Path
from typing import Annotated, Optional

import typer
from rich.console import Console

from .archive.files import Archive
from .batch import NumberName
from .chain.replay import Replay, bounds
from .cli_errors import bad_input, errors
from .verify_blocks.check import check, compare_split
from .verify_blocks.compare import Comparison
from .verify_blocks.record import verify_replay
from .verify_blocks.report import (
    comparison_json,
    comparison_lines,
    comparison_table,
    settled_json,
    settled_table,
)
from .verify_blocks.settle import settle

__all__ = ["verify_command"]


FLOAT64 = 1e-9
"""How close a value in binary floating point must be to the recorded one, relative to it."""


class NumberKind(str, Enum):
    """Kinds of numbers."""

    decimal = "decimal"
    float64 = "float64"


def chosen_topics(text: str | None) -> list[int] | None:
    """Topics written ``1,2,13``."""
    if text is None:
        return None
    try:
        return [int(topic) for topic in text.split(",")]
    except ValueError:
        raise ValueError(f"--topics {text}: write them as numbers with commas: 1,2,13") from None


def chosen_heights(archive: Archive, first: int | None, last: int | None) -> tuple[int, int] | None:
    """First and last height, where either is given; the other is that of the archive."""
    if first is None and last is None:
        return None
    if first is not None and last is not None and first > last:
        raise ValueError(f"--from {first} lies above --to {last}")
    return bounds(archive, (first, last))


def verify_command(
    archive: Annotated[Path, typer.Argument(help="An archive that `ingest` made.")],
    topics: Annotated[
        Optional[str],  # noqa: UP045 - typer reads this annotation on Python 3.10
        typer.Option("--topics", help="Some topics only, such as 1,2,13."),
    ] = None,
    first: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option("--from", min=0, help="First height."),
    ] = None,
    last: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option("--to", min=0, help="Last height."),
    ] = None,
    number: Annotated[
        NumberKind,
        typer.Option("--number", help="decimal: the chain's digits. float64: close ones, fast."),
    ] = NumberKind.decimal,
    rules: Annotated[
        str, typer.Option("--rules", help="A release, such as v0.17; auto: by chain and height.")
    ] = "auto",
    state: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--state", help="A checkpoint of `replay` to start from."),
    ] = None,
    alone: Annotated[
        bool,
        typer.Option(
            "--alone", help="Check the record against itself, without a replay: stateless stages."
        ),
    ] = False,
    settling: Annotated[
        bool,
        typer.Option(
            "--settle",
            help="Try the candidates of every open rule, and say which the record supports.",
        ),
    ] = False,
    threads: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option("--threads", min=1, help="Threads; by default all that may be used."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Compare the chain's own record with what follows from its inputs.

    The first line names the first difference: height, topic, actor, both values, and what led
    there. The table counts, quantity by quantity, what is equal, equal in value but not in form,
    different, missing, or not recorded.

    [bold]Examples[/]

      allora-core verify archive/

      allora-core verify archive/ --rules v0.6 --number float64

      allora-core verify archive/ --settle

      allora-core verify archive/ --alone --topics 1,13 --from 16000000 --to 16100000 --json
    """
    with bad_input():
        source = Archive(archive)
        some, heights = chosen_topics(topics), chosen_heights(source, first, last)
        if settling:
            settled = settle(source, some, heights, rules, threads)
            if as_json:
                typer.echo(json.dumps(settled_json(settled), indent=2))
            else:
                Console().print(settled_table(settled))
            return
        if alone:
            comparisons = check(source, some, heights)
            title, how = "The record against itself", ""
        else:
            run = Replay(
                source,
                topics=some,
                heights=heights,
                number=number.value,
                rules=rules,
                start=state,
                threads=threads,
            )
            comparisons = compared(source, some, run, number.value)
            title = "The record against a replay"
            how = f"heights {run.heights[0]}:{run.heights[1]}, replayed from {run.start}"
    show(comparisons, title, how, as_json)


def compared(
    archive: Archive, topics: list[int] | None, run: Replay, number: NumberName
) -> list[Comparison]:
    """All that the events of the replayed heights tell, against the replay."""
    relative = None if number == "decimal" else FLOAT64
    comparisons = verify_replay(archive, run, topics, relative)
    for topic_id, share in sorted(run.remaining.items()):
        errors.print(
            f"topic {topic_id}: the state at the start is not known; up to {share:.3g} of what it "
            "lacks is left at the end",
            highlight=False,
        )
    return [*comparisons, *compare_split(archive, run.heights)]


def show(comparisons: list[Comparison], title: str, how: str, as_json: bool) -> None:
    """Print the comparison and leave with 1 if anything differs."""
    if as_json:
        typer.echo(json.dumps(comparison_json(comparisons), indent=2))
    else:
        console = Console()
        for line in [*comparison_lines(comparisons), *((how,) if how else ())]:
            console.print(line, highlight=False, markup=False, soft_wrap=True)
        console.print(comparison_table(comparisons, title))
    raise typer.Exit(1 if any(each.failed for each in comparisons) else 0)

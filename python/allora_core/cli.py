"""The command line: replay recorded epochs, check recorded answers, measure."""

from __future__ import annotations

import json
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Optional

import pyarrow as pa
import pyarrow.parquet as pq
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from . import __version__, _core
from .archive.files import Archive
from .bench.runner import run as run_bench
from .cli_chain import ArchiveOptions, replay_archive, state_command, topics_of
from .cli_errors import bad_input, errors, show_error
from .cli_ingest import ingest_command
from .cli_verify import verify_command
from .doctor import doctor_command
from .recorded import read_chain_epochs
from .reference.rules import Rules, rules_at
from .report import (
    bench_table,
    comparison_rows,
    comparison_table,
    replay_rows,
    replay_table,
)
from .verify import Comparison, bundled, changed_rules, replay, verify

__all__ = ["app"]

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    help="Score collective forecasts exactly like the Allora chain.",
    epilog="Exit codes: 0 all equal, 1 differences, 2 bad input.",
)
console = Console()


class NumberChoice(str, Enum):
    """Kinds of numbers."""

    decimal = "decimal"
    float64 = "float64"


NumberOption = Annotated[
    NumberChoice,
    typer.Option(
        "--number", help="decimal: the chain's digits. float64: fast, same bits anywhere."
    ),
]
ThreadsOption = Annotated[
    Optional[int],  # noqa: UP045 - typer reads this annotation on Python 3.10
    typer.Option("--threads", min=1, help="Threads; by default all that this process may use."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]


def rule_changes(rules: str | None, changes: list[str]) -> Any:
    """How `--rules` and `--rule` change the rules that a file was recorded with."""
    pairs = [change.partition("=") for change in changes]
    wrong = next((name for name, equals, _ in pairs if not equals), None)
    if wrong is not None:
        raise ValueError(f"--rule {wrong}: write it as name=value")
    known = _core.rules_at("v0.17")
    for name, _, _ in pairs:
        if name not in known:
            raise ValueError(f"--rule {name}: there is no such rule; choose {', '.join(known)}")
    change = changed_rules({name: value for name, _, value in pairs})
    base = None if rules is None else rules_at(rules)

    def apply(recorded: Rules) -> Rules:
        return change(base or recorded)

    return apply


def write_parquet(folder: Path, tables: dict[str, list[pa.Table]]) -> None:
    """One Parquet file per kind of result."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, parts in tables.items():
        pq.write_table(pa.concat_tables(parts), folder / f"{name}.parquet")


def progress_bar(enabled: bool) -> Progress:
    """The bar of long work, on stderr so that output can be piped."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=errors,
        disable=not enabled,
    )


@app.command("replay")
def replay_command(
    paths: Annotated[
        list[Path],
        typer.Argument(help="Files of recorded epochs (.jsonl, .gz), or an archive of block data."),
    ],
    number: NumberOption = NumberChoice.decimal,
    rules: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            "--rules",
            help="A version, such as v0.17, instead of the file's own rules; auto: of an archive, "
            "by chain and height.",
        ),
    ] = None,
    rule: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Option("--rule", help="Change one rule: name=value. May be given several times."),
    ] = None,
    threads: ThreadsOption = None,
    as_json: JsonOption = False,
    out: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--out", help="Write inferences, losses, rewards, states as Parquet here."),
    ] = None,
    topics: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--topics", help="Archive: results of these alone, such as 1,5,13."),
    ] = None,
    first: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option("--from", min=1, help="Archive: the first height."),
    ] = None,
    last: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option("--to", min=1, help="Archive: the last height."),
    ] = None,
    state: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--state", help="Archive: start from this checkpoint."),
    ] = None,
    checkpoint_every: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option("--checkpoint-every", min=1, help="Archive: blocks between checkpoints."),
    ] = None,
) -> None:
    """Replay recorded epochs, and compare every recorded value; or replay an archive.

    Of an archive's block data the chain's life is run: nonces, windows, active sets, stakes,
    topics, emission, with all topics that are due in a block as one batch. It starts from a
    checkpoint, else from a genesis or exported state that the archive holds, else it warms up.

    [bold]Examples[/]

      allora-core replay archive/ --number float64 --topics 1,13

      allora-core replay archive/ --from 9980000 --to 9990000 --out run/ --checkpoint-every 1000

      allora-core replay archive/ --state run/checkpoints/checkpoint-000009985000.json --out run/

      allora-core replay chain_epochs_v017.jsonl.gz

      allora-core replay epochs.jsonl --number float64 --threads 4 --out results/

      allora-core replay epochs.jsonl --rules v0.17 --rule scale_filter=previous_weight --json
    """
    if any(Archive.exists(path) for path in paths):
        if len(paths) > 1 or rule:
            show_error(ValueError("one archive at a time, and no --rule with it"))
            raise typer.Exit(2)
        with bad_input():
            chosen = topics_of(topics)
        options = ArchiveOptions(
            chosen, first, last, number.value, rules, threads, state, checkpoint_every, out
        )
        replay_archive(paths[0], options, as_json)
        return
    comparison = Comparison("replay")
    rows: list[dict[str, Any]] = []
    tables: dict[str, list[pa.Table]] = {}
    with bad_input():
        change = rule_changes(rules, rule or [])
        total = sum(1 for path in paths for _ in read_chain_epochs(path))
        with progress_bar(not as_json) as progress:
            task = progress.add_task("topic-epochs", total=total)
            for path in paths:
                for step in replay(path, number.value, change, threads, comparison):
                    rows += replay_rows(step)
                    if out is not None:
                        tables.setdefault("inferences", []).append(step.inferred.to_arrow())
                        tables.setdefault("losses", []).append(step.settled.to_arrow())
                        tables.setdefault("rewards", []).append(step.rewarded.to_arrow())
                        tables.setdefault("states", []).append(step.rewarded.states_table())
                    progress.advance(task, len(step.recorded))
        if out is not None:
            write_parquet(out, tables)
    if as_json:
        document = {"epochs": rows, "comparison": comparison_rows([comparison])[0]}
        typer.echo(json.dumps(document, indent=2))
    else:
        console.print(replay_table(rows))
        if comparison.first_difference:
            console.print(Text(f"first difference: {comparison.first_difference}"), soft_wrap=True)
        console.print(
            f"compared {comparison.compared} recorded values, differing: {comparison.failed}",
            highlight=False,
        )
    raise typer.Exit(1 if comparison.failed else 0)


@app.command("vectors")
def vectors_command(
    files: Annotated[
        Optional[list[Path]],  # noqa: UP045
        typer.Argument(help="Files of recorded answers; without any, all that are bundled."),
    ] = None,
    number: NumberOption = NumberChoice.decimal,
    threads: ThreadsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run recorded answers through the engine; formats are recognised by content.

    Decimal operations, whole epochs of the chain, simulator tables and losses. In decimal every
    value must be equal in value and in written form, a loss equal to its recorded double within 1
    ulp; in float64 within the stated error of its stage (decimal operations are computed in decimal
    either way).

    [bold]Examples[/]

      allora-core vectors

      allora-core vectors decimal_ops.jsonl chain_epochs_v06.jsonl.gz --number float64
    """
    with bad_input():
        paths = files or bundled()
        with progress_bar(not as_json) as progress:
            task = progress.add_task("files", total=len(paths))
            comparisons = verify(paths, number.value, threads, lambda _: progress.advance(task))
    if as_json:
        typer.echo(json.dumps(comparison_rows(comparisons), indent=2))
    else:
        console.print(comparison_table(comparisons))
    raise typer.Exit(1 if any(comparison.failed for comparison in comparisons) else 0)


@app.command("bench")
def bench_command(
    scenario: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Option("--scenario", help="small, limits, wide, huge, huge_dense; default: all."),
    ] = None,
    number: NumberOption = NumberChoice.float64,
    threads: ThreadsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Measure infer, settle, reward and whole epochs beside a peer in the same run.

    Correctness is checked first. The engine runs on one thread; more are measured beside one.

    [bold]Examples[/]

      allora-core bench --scenario limits

      allora-core bench --scenario small --number decimal --json

      allora-core bench --scenario limits --threads 2
    """
    with bad_input():
        try:
            rows = run_bench(scenario, number.value, threads or 1)
        except RuntimeError as error:
            show_error(error)
            raise typer.Exit(1) from None
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
    else:
        console.print(bench_table(rows))


app.command("doctor")(doctor_command)
app.command("ingest")(ingest_command)
app.command("state")(state_command)
app.command("verify")(verify_command)


def show_version(wanted: bool) -> None:
    """Print the version and leave."""
    if wanted:
        typer.echo(f"allora-core {__version__}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", callback=show_version, is_eager=True, help="Show version.")
    ] = False,
) -> None:
    """Score collective forecasts exactly like the Allora chain."""

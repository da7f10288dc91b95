"""Block data of many full topics, from JSON lines to a verified replay, stage by stage.

    python benchmarks/replay_throughput.py --topics 40 --epochs 1000

A made-up chain of v0.17: topics of 32 inferers, 6 forecasters of 12 elements and 6 reputers each,
the chain's default limits. Its events come from the engine in decimals, topic by topic. The blocks
are then ingested, replayed in float64 and in decimal, and verified; a difference ends the run
before any time is printed. Times are of the wall clock, one process; replay and verification run in
turns, piece by piece of the heights, and are timed apart. There is no peer: nothing
else replays blocks.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from time import perf_counter
from typing import Annotated, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from allora_core.archive.files import Archive
from allora_core.archive.ingest import ingest
from allora_core.batch import NumberName
from allora_core.bench.convert import to_epoch
from allora_core.bench.scenarios import Scenario, draw_epoch, load_scenarios
from allora_core.blocks.files import heights_in_order, source_files
from allora_core.chain.replay import Replay
from allora_core.testing.block_params import ChainParams
from allora_core.testing.block_topics import Formulas, TopicTimes
from allora_core.testing.block_writer import BlockPlan, TopicPlan, save_blocks
from allora_core.verify_blocks.record import Verification

TIMES = TopicTimes(12, 12, 4)
RELEASE = "v0.17"
DISTINCT = 25
"""Epochs of each topic that are drawn; what is sent repeats after them, the states never do."""
FLOAT64 = 1e-9

Result = TypeVar("Result")


@dataclass(frozen=True)
class Stage:
    """One stage, how long it took, and the most memory in MB that was held up to its end."""

    name: str
    seconds: float
    memory: float
    blocks: int
    topic_epochs: int


def planned(scenario: Scenario, epochs: int) -> BlockPlan:
    """The made-up chain."""
    drawn = [draw_epoch(scenario, number) for number in range(1, min(epochs, DISTINCT) + 1)]
    topics = []
    for at in range(scenario.distinct):
        sent = [to_epoch(arrays, at, at + 1, number) for number, arrays in enumerate(drawn, 1)]
        history = tuple(sent[number % len(sent)] for number in range(epochs))
        topics.append(TopicPlan(history, TIMES, funding=10**24))
    chain = ChainParams(params=topics[0].epochs[0].params)
    return BlockPlan(
        tuple(topics),
        release=RELEASE,
        chain=chain,
        rewards=10**24,
        formulas=Formulas.compiled(),
    )


def timed(run: Callable[[], Result]) -> tuple[Result, float]:
    """A result and the seconds it took."""
    begin = perf_counter()
    result = run()
    return result, perf_counter() - begin


def checked(archive: Archive, number: NumberName) -> tuple[float, float, int]:
    """Seconds of replay, seconds of verification, and the values compared.

    Both run in turns, piece by piece of the heights.

    Raises:
        AssertionError: something differs.
    """
    relative = None if number == "decimal" else FLOAT64
    run, replaying = timed(lambda: Replay(archive, number=number, threads=1))
    verifying = 0.0
    with Verification(archive, relative=relative) as verification:
        pieces = run.pieces()
        while True:
            piece, seconds = timed(lambda: next(pieces, None))
            replaying += seconds
            if piece is None:
                break
            verifying += timed(partial(verification.take_piece, piece))[1]
        comparisons, seconds = timed(lambda: verification.finish(run.heights))
    failed = [each for each in comparisons if each.failed]
    assert not failed, failed[0]
    assert not run.chain.faults, run.chain.faults[0]
    return replaying, verifying + seconds, sum(each.compared for each in comparisons)


def stages(blocks: Path, folder: Path, topic_epochs: int) -> tuple[list[Stage], int]:
    """Every stage once; and how many values were compared."""
    archive = Archive.create(folder / "archive", "allora-synthetic-1")
    done, seconds = timed(lambda: ingest(heights_in_order(source_files(blocks)), archive))
    measured = [Stage("ingest", seconds, peak_memory(), done.heights, topic_epochs)]
    compared = 0
    numbers: tuple[NumberName, ...] = ("float64", "decimal")
    for number in numbers:
        replaying, verifying, compared = checked(archive, number)
        for name, seconds in (("replay", replaying), ("verify", verifying)):
            stage = Stage(f"{name}, {number}", seconds, peak_memory(), done.heights, topic_epochs)
            measured.append(stage)
    return measured, compared


def peak_memory() -> float:
    """The most memory that this process has held so far, in MB."""
    return getrusage(RUSAGE_SELF).ru_maxrss / 1000


def main(
    topics: Annotated[int, typer.Option(min=1, help="Topics.")] = 40,
    epochs: Annotated[int, typer.Option(min=1, help="Epochs of each topic.")] = 25,
    blocks: Annotated[
        Path | None, typer.Option(help="Keep the blocks here, or take those that are there.")
    ] = None,
) -> None:
    """Make block data, ingest, replay and verify it; print blocks and topic-epochs a second."""
    console = Console()
    [limits] = load_scenarios(["limits"])
    folder = Path(tempfile.mkdtemp(prefix="allora-core-"))
    try:
        path = blocks or folder / "blocks.jsonl"
        if not path.exists():
            plan = planned(replace(limits, distinct=topics), epochs)
            with console.status("making block data"):
                part = path.with_name(f"part-{path.name}")
                _, seconds = timed(lambda: save_blocks(plan, part))
                part.rename(path)
            console.print(f"made {path.stat().st_size / 1e6:,.0f} MB of JSON in {seconds:,.0f} s")
        with console.status("ingest, replay, verify"):
            measured, compared = stages(path, folder, topics * epochs)
    finally:
        shutil.rmtree(folder)
    table = Table(title=f"{topics} topics x {epochs} epochs, {RELEASE}; {compared:,} values equal")
    for name in ("stage", "seconds", "blocks/s", "topic-epochs/s", "peak MB so far"):
        table.add_column(name, justify="left" if name == "stage" else "right")
    for stage in measured:
        rates = (stage.blocks / stage.seconds, stage.topic_epochs / stage.seconds)
        figures = (f"{figure:,.0f}" for figure in (*rates, stage.memory))
        table.add_row(stage.name, f"{stage.seconds:.1f}", *figures)
    console.print(table)


if __name__ == "__main__":
    typer.run(main)

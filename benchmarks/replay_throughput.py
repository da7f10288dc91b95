"""Block data of many full topics, from JSON lines to a verified replay, stage by stage.

    python benchmarks/replay_throughput.py --topics 40 --epochs 1000 --number float64
    python benchmarks/replay_throughput.py --topics 40 --epochs 15 --profile

A made-up chain of v0.17: topics of 32 inferers, 6 forecasters of 12 elements and 6 reputers each,
the chain's default limits. Its events come from the engine in decimals, topic by topic. The blocks
are then ingested, replayed and verified; a difference ends the run before any time is printed.
Times are of the wall clock, one process. Making and ingesting blocks run in turns, file by file;
so do replay and verification, piece by piece of the heights. All are timed apart, and the most
memory of each is taken. There is no peer: nothing else replays blocks.

With ``--profile`` the float64 replay runs once more beneath Linux's ``perf``, and the share of its
samples is printed by what was executing: the interpreter, NumPy, Arrow, the engine and so on.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain, islice
from pathlib import Path
from time import perf_counter, process_time, sleep
from typing import Annotated, TypeVar

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import typer
from rich.console import Console
from rich.table import Table

from allora_core.archive.files import Archive
from allora_core.archive.ingest import ingest
from allora_core.archive.pieces import pieces_of
from allora_core.batch import NumberName
from allora_core.bench.convert import to_epoch
from allora_core.bench.scenarios import Scenario, draw_epoch, load_scenarios
from allora_core.blocks.files import heights_in_order, source_files
from allora_core.chain.replay import Replay
from allora_core.collector import collector_paused
from allora_core.testing.block_forms import Json
from allora_core.testing.block_params import ChainParams
from allora_core.testing.block_topics import Formulas, TopicTimes
from allora_core.testing.block_writer import (
    BlockPlan,
    TopicPlan,
    write_blocks,
    write_genesis,
)
from allora_core.verify_blocks.record import Verification

TIMES = TopicTimes(12, 12, 4)
RELEASE = "v0.17"
DISTINCT = 25
"""Epochs of each topic that are drawn; what is sent repeats after them, the states never do."""
FLOAT64 = 1e-9
BLOCKS_IN_FILE = 120
AFTER_INGEST = 0.7
"""Replay and verification take at most so many times as long as the ingest, for `--minutes`."""

Result = TypeVar("Result")


@dataclass
class Stage:
    """One stage, its seconds by the clock and of a processor, and the most MB held in it."""

    name: str
    seconds: float = 0.0
    processor: float = 0.0
    memory: float = 0.0

    def timed(self, run: Callable[[], Result]) -> Result:
        """Do a part of the stage."""
        # Forgets the peak that the kernel has noted for this process.
        Path("/proc/self/clear_refs").write_text("5")
        begin, begin_processor = perf_counter(), process_time()
        result = run()
        self.seconds += perf_counter() - begin
        self.processor += process_time() - begin_processor
        self.memory = max(self.memory, peak_memory())
        return result


def peak_memory() -> float:
    """The most memory that this process has held since it was forgotten, in MB."""
    [line] = [
        line for line in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in line
    ]
    return int(line.split()[1]) / 1000


def planned(scenario: Scenario, epochs: int) -> BlockPlan:
    """The made-up chain."""
    drawn = [draw_epoch(scenario, number) for number in range(1, min(epochs, DISTINCT) + 1)]
    topics = []
    for at in range(scenario.distinct):
        sent = [to_epoch(arrays, at, at + 1, number) for number, arrays in enumerate(drawn, 1)]
        history = tuple(sent[number % len(sent)] for number in range(epochs))
        topics.append(TopicPlan(history, TIMES, funding=10**24))
    return BlockPlan(
        tuple(topics),
        release=RELEASE,
        chain=ChainParams(params=topics[0].epochs[0].params),
        rewards=10**24,
        formulas=Formulas.compiled(),
    )


@dataclass
class Made:
    """What was made: files of blocks, and their size in bytes, as JSON and as kept."""

    files: int = 0
    text: int = 0
    kept: int = 0

    def write(self, heights: Iterator[Sequence[Json]], path: Path) -> bool:
        """A file of the next heights; False: there are no more."""
        with collector_paused(), pa.CompressedOutputStream(str(path), "zstd") as packed:
            documents = chain.from_iterable(islice(heights, BLOCKS_IN_FILE))
            lines = [orjson.dumps(each) + b"\n" for each in documents]
            packed.writelines(lines)
        self.files += 1
        self.text += sum(map(len, lines))
        self.kept += path.stat().st_size
        return bool(lines)


def take_in(path: Path, archive: Archive) -> None:
    """Read a file of blocks and ingest it; the reading belongs to the stage."""
    ingest(heights_in_order(source_files(path)), archive)


def made_and_ingested(
    plan: BlockPlan, folder: Path, archive: Archive, enough: Callable[[float], bool]
) -> tuple[list[Stage], Made]:
    """Make blocks and ingest them, one file after the other.

    Args:
        enough: told how many seconds the ingest took; True: no more blocks are made.
    """
    making, ingesting, made = Stage("make"), Stage("ingest"), Made()
    blocks = ((each.block, each.results) for each in write_blocks(plan))
    heights: Iterator[Sequence[Json]] = chain([(write_genesis(plan),)], blocks)
    while not enough(ingesting.seconds):
        path = folder / f"blocks-{made.files:05}.jsonl.zst"
        if not making.timed(partial(made.write, heights, path)):
            break
        ingesting.timed(partial(take_in, path, archive))
        path.unlink()
        if made.files % 5 == 1:
            print(f"{archive.ranges}: {making}, {ingesting}", flush=True)
    return [making, ingesting], made


def checked(archive: Archive, number: NumberName) -> tuple[list[Stage], int]:
    """Replay and verification, in turns; and the values compared.

    Raises:
        AssertionError: something differs.
    """
    replaying, verifying = Stage(f"replay, {number}"), Stage(f"verify, {number}")
    relative = None if number == "decimal" else FLOAT64
    run = replaying.timed(lambda: Replay(archive, number=number, threads=1))
    with Verification(archive, relative=relative) as verification:
        pieces = run.pieces()
        while (piece := replaying.timed(lambda: next(pieces, None))) is not None:
            verifying.timed(partial(verification.take_piece, piece))
        comparisons = verifying.timed(lambda: verification.finish(run.heights))
    failed = [each for each in comparisons if each.failed]
    assert not failed, failed[0]
    assert not run.chain.faults, run.chain.faults[0]
    return [replaying, verifying], sum(each.compared for each in comparisons)


def settled_epochs(archive: Archive) -> int:
    """How many epochs of topics were settled."""
    steps = (archive.read("epoch_steps", piece, ["step"])["step"] for piece in pieces_of(archive))
    return sum(pc.sum(pc.equal(each, "reputer_committed")).as_py() or 0 for each in steps)


PARTS = (
    ("the engine", ("_core.",)),
    ("interpreter", ("libpython", "python", "_decimal.", "orjson.")),
    ("NumPy", ("_multiarray_umath.", "libscipy_openblas")),
    ("Arrow and Parquet", ("libarrow", "libparquet", "lib.", "_compute.", "_parquet.")),
    ("C library", ("libc.", "libm.", "libstdc++", "ld-linux", "[vdso]")),
    ("kernel", ("[kernel", "[unknown")),
)
"""What samples are counted as, by the name of the file that was executing; the first that fits."""


def profiled(archive: Archive, folder: Path) -> dict[str, float]:
    """Share of samples of a float64 replay in percent, one thread, by `PARTS`.

    Raises:
        CalledProcessError, FileNotFoundError: ``perf`` is not there or may not be used.
    """
    data = folder / "perf.data"
    command = ["perf", "record", "--quiet", "-F", "999", "-o", str(data), "-p", str(os.getpid())]
    run = Replay(archive, number="float64", threads=1)
    with subprocess.Popen(command) as recording:
        while not data.exists() and recording.poll() is None:
            sleep(0.1)
        sleep(0.5)  # until it samples
        for _ in run.pieces():
            pass
        recording.send_signal(signal.SIGINT)
    report = ["perf", "report", "--stdio", "-i", str(data), "--sort", "dso"]
    text = subprocess.run(report, capture_output=True, text=True, check=True).stdout
    shares: dict[str, float] = {}
    for line in text.splitlines():
        words = line.split()
        if len(words) >= 2 and words[0].endswith("%"):
            part = next((name for name, known in PARTS if words[1].startswith(known)), "other")
            shares[part] = shares.get(part, 0.0) + float(words[0].rstrip("%"))
    return dict(sorted(shares.items(), key=lambda item: -item[1]))


def table_of(title: str, stages: Sequence[Stage], blocks: int, topic_epochs: int) -> Table:
    """Figures stage by stage."""
    table = Table(title=title)
    for name in ("stage", "seconds", "of a core", "blocks/s", "topic-epochs/s", "peak MB"):
        table.add_column(name, justify="left" if name == "stage" else "right")
    for stage in stages:
        rates = (blocks / stage.seconds, topic_epochs / stage.seconds)
        figures = (f"{figure:,.0f}" for figure in (*rates, stage.memory))
        times = (f"{seconds:.1f}" for seconds in (stage.seconds, stage.processor))
        table.add_row(stage.name, *times, *figures)
    return table


def main(
    topics: Annotated[int, typer.Option(min=1, help="Topics.")] = 40,
    epochs: Annotated[int, typer.Option(min=1, help="Epochs of each topic.")] = 25,
    number: Annotated[str, typer.Option(help="float64, decimal or both.")] = "both",
    minutes: Annotated[
        float, typer.Option(help="Make no more blocks than can be verified in this time.")
    ] = float("inf"),
    kept: Annotated[
        Path | None, typer.Option(help="Keep the archive here, or take the one that is there.")
    ] = None,
    profile: Annotated[bool, typer.Option(help="Shares of the float64 replay, by perf.")] = False,
) -> None:
    """Make block data, ingest, replay and verify it; print blocks and topic-epochs a second."""
    begun = perf_counter()
    console = Console()
    [limits] = load_scenarios(["limits"])
    folder = Path(tempfile.mkdtemp(prefix="allora-core-"))
    numbers: tuple[NumberName, ...] = ("float64", "decimal")
    stages: list[Stage] = []
    compared = 0
    try:
        place = kept or folder / "archive"
        if Archive.exists(place):
            archive = Archive(place)
        else:
            archive = Archive.create(place, "allora-synthetic-1")
            plan = planned(replace(limits, distinct=topics), epochs)
            stages, made = made_and_ingested(
                plan,
                folder,
                archive,
                lambda ingest: perf_counter() - begun + AFTER_INGEST * ingest > 60 * minutes,
            )
            sizes = f"{made.text / 1e6:,.0f} MB of JSON, {made.kept / 1e6:,.0f} MB as zstd"
            console.print(f"made {sizes} in {made.files} files")
        for each in numbers:
            if number in (each, "both"):
                found, compared = checked(archive, each)
                stages += found
        if profile:
            for name, share in profiled(archive, folder).items():
                console.print(f"{share:5.1f} %  {name}")
        blocks = sum(high - low + 1 for low, high in archive.ranges)
        settled = settled_epochs(archive)
        size = sum(path.stat().st_size for path in place.rglob("*") if path.is_file())
        console.print(f"an archive of {size / 1e6:,.0f} MB, {blocks:,} blocks")
    finally:
        shutil.rmtree(folder)
    title = f"{topics} topics, {settled:,} topic-epochs, {RELEASE}; {compared:,} values equal"
    console.print(table_of(title, stages, blocks, settled))


if __name__ == "__main__":
    typer.run(main)

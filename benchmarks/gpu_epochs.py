#!/usr/bin/env python3
"""Whole epochs on a device beside the processor: bits of random ones, times of large batches.

Batches are made of a few hundred drawn topics, repeated under other topic ids with every number
moved, and run from newcomers on, so that states grow as they do on the chain. Prints one JSON line.

    benchmarks/gpu_epochs.py bits --values 100000000
    benchmarks/gpu_epochs.py times
    benchmarks/gpu_epochs.py live
    benchmarks/gpu_epochs.py small
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np

from allora_core import EpochBatch, Epochs, Resident, States
from allora_core.batch import DecimalArray, NumberName, Ragged, make_numbers
from allora_core.bench.convert import to_epoch
from allora_core.bench.scenarios import Scenario, draw_epoch, load_scenarios
from allora_core.bench.workload import Workload
from allora_core.engine import Engine
from allora_core.epoch import Epoch
from allora_core.resident import element_index

RULES = ("v0.6", "v0.17")
EPOCHS = 4  # of a history
SHAPES = 40  # of a batch
STATES = 100  # compared of a batch: their canonical bytes take long to write


def shape(random: np.random.Generator) -> dict[str, int]:
    """Mostly the network's sizes, some of one participant, a few large."""
    size = random.choice([1, 8, 40, 90], p=[0.1, 0.4, 0.4, 0.1])
    inferers = int(random.integers(1, size + 1))
    return {
        "inferers": inferers,
        "forecasters": int(random.integers(0, 1 + size // 4)),
        "reputers": int(random.integers(1, 2 + size // 4)),
        "elements": int(random.integers(1, min(inferers, 12) + 1)),
    }


def drawn(scenario: Scenario, number: int) -> list[Epoch]:
    arrays = draw_epoch(scenario, number)
    return [to_epoch(arrays, at, at + 1, number) for at in range(scenario.distinct)]


@cache
def random_epochs(seed: int, number: int, shapes: int) -> list[Epoch]:
    """One topic per shape; actors come and go, for each epoch has a shape of its own."""
    random = np.random.default_rng([seed, number])
    base = replace(load_scenarios(["small"])[0], distinct=1)
    return [
        drawn(replace(base, seed=seed * shapes + at, **shape(random)), number)[0]
        for at in range(shapes)
    ]


def repeated(actors: Ragged, copies: int) -> Ragged:
    return Ragged(
        shifted(actors.offsets, copies), np.tile(actors.actors, copies), actors.addresses * copies
    )


def shifted(offsets: Any, copies: int) -> Any:
    steps = np.arange(copies)[:, None] * offsets[-1] + offsets[None, :-1]
    return np.append(steps.ravel(), copies * offsets[-1])


def moved(
    made: list[Epoch], copies: int, number: NumberName, random: np.random.Generator | None
) -> Epochs:
    """The topics `copies` times, every copy under ids and, with `random`, numbers of its own."""
    base = Epochs.from_epochs(made, number)
    topics = len(made) * copies
    columns: dict[str, Any] = {}
    for name, column in base.columns.items():
        if name.endswith("_offsets"):
            columns[name] = shifted(column, copies)
        elif isinstance(column, tuple):
            decimals, long_ones = column
            columns[name] = (np.tile(decimals, copies), long_ones)
        else:
            columns[name] = np.tile(column, copies)
    columns["topic_id"] = np.arange(1, topics + 1, dtype=np.uint64)
    if random is not None:
        missing = make_numbers("float64", [None])
        for name, spread in (("inferences", 0.1), ("element_losses", 0.2), ("reports", 0.1)):
            columns[name] += spread * random.standard_normal(columns[name].size)
        columns["stakes"] = np.floor(
            columns["stakes"] * random.uniform(0.5, 2.0, columns["stakes"].size)
        )
        columns["reports"][random.random(columns["reports"].size) < 0.005] = missing
    epochs = [replace(made[at % len(made)], topic_id=at + 1) for at in range(topics)]
    return Epochs.from_columns(
        number,
        epochs,
        repeated(base.inferers, copies),
        repeated(base.forecasters, copies),
        repeated(base.reputers, copies),
        columns,
    )


def bare(column: Any) -> Any:
    return np.ascontiguousarray(column.values if isinstance(column, DecimalArray) else column)


def differences(mine: EpochBatch, its: EpochBatch) -> tuple[int, list[str]]:
    """Values compared, and the columns that differ in any bit; states of some topics."""
    compared = 0
    different: list[str] = []
    for moment in ("inferred", "settled", "rewarded"):
        here, there = getattr(mine, moment), getattr(its, moment)
        for name, column in here.columns.items():
            values, others = bare(column), bare(there.columns[name])
            compared += values.size
            if values.tobytes() != others.tobytes():
                different.append(f"{moment}.{name}")
        if list(map(str, here.status)) != list(map(str, there.status)):
            different.append(f"{moment}.status")
        some = range(0, len(here.status), 1 + len(here.status) // STATES)
        if here.states.take(some).to_bytes() != there.states.take(some).to_bytes():
            different.append(f"{moment}.states")
    return compared, different


def histories(
    number: NumberName, copies: int, seed: int, shapes: int = SHAPES
) -> Iterator[tuple[str, int, Epochs, States]]:
    """Rules, epoch, batch, and states to put in its place: the caller sends back the next ones."""
    for rules in RULES:
        states = States.new(range(1, shapes * copies + 1), number)
        for at in range(1, EPOCHS + 1):
            random = np.random.default_rng([seed, at]) if number == "float64" else None
            batch = moved(random_epochs(seed, at, shapes), copies, number, random)
            states = yield rules, at, batch, states


def compare(
    number: NumberName, device: str, values: int, copies: int, limit: float, shapes: int = SHAPES
) -> Any:
    """Random histories under both rule sets until so many values are compared."""
    begun, compared, different, failed, topics, left = time.perf_counter(), 0, [], 0, 0, 0
    first: list[str] = []
    seed = 1
    while compared < values and time.perf_counter() - begun < limit:
        engines = {
            rules: (Engine(number, rules=rules), Engine(number, device, rules)) for rules in RULES
        }
        story = histories(number, copies, seed, shapes)
        step = next(story)
        while True:
            rules, at, batch, states = step
            host, there = engines[rules]
            mine, its = host.epoch(batch, states), there.epoch(batch, states)
            count, columns = differences(mine, its)
            compared += count
            topics += len(batch)
            different += columns
            first += [f"{rules}, seed {seed}, epoch {at}: {name}" for name in columns][:3]
            failed += sum(
                status is not None
                for moment in (mine.inferred, mine.settled, mine.rewarded)
                for status in moment.status
            )
            try:
                step = story.send(mine.rewarded.states)
            except StopIteration:
                break
        left += sum(there.topics_left_to_host for _, there in engines.values())
        seed += 1
    return {
        "number": number,
        "compared": compared,
        "different": len(different),
        "first": first[:5],
        "topic_epochs": topics,
        "topics_left_to_host": left,
        "topics_that_fail": failed,
        "seconds": round(time.perf_counter() - begun, 1),
    }


def timed(engine: Engine, call: Callable[[Engine], Any], rounds: int) -> tuple[float, float]:
    """Fewest seconds of a call and milliseconds of its kernels, after one call to warm up."""
    call(engine)
    whole, kernels = [], []
    for _ in range(rounds):
        begun = time.perf_counter()
        call(engine)
        whole.append(time.perf_counter() - begun)
        kernels.append(engine.kernel_milliseconds)
    return min(whole), min(kernels)


def measure(number: NumberName, name: str, copies: int, device: str) -> Any:
    """Each verb of a batch, on all cores of the processor and on the device."""
    scenario = load_scenarios([name])[0]
    distinct = min(scenario.distinct, 32)
    topics = {"float64": distinct, "decimal": distinct}
    work = Workload(replace(scenario, distinct=distinct, topics=topics), number)
    host, there = Engine(number), Engine(number, device)
    batch = moved(work.distinct_epochs(1), copies, number, None)
    batch.columns["topic_id"] = np.tile(work.epochs.columns["topic_id"], copies)
    states = work.states.take(list(range(distinct)) * copies)
    row: dict[str, Any] = {"scenario": name, "number": number, "topics": len(batch)}
    mine, its = host.epoch(batch, states), there.epoch(batch, states)
    row["different"] = differences(mine, its)[1]
    verbs: dict[str, Callable[[Engine], Any]] = {
        "infer": lambda engine: engine.infer(batch, states),
        "settle": lambda engine: engine.settle(batch, mine.inferred.states),
        "reward": lambda engine: engine.reward(batch, mine.settled),
    }
    for verb, call in verbs.items():
        row[verb + "_host_s"] = round(timed(host, call, 1)[0], 4)
        seconds, milliseconds = timed(there, call, 2)
        row[verb + "_device_s"] = round(seconds, 4)
        row[verb + "_kernels_ms"] = round(milliseconds, 3)
    kernels = sum(row[verb + "_kernels_ms"] for verb in verbs)
    row["epochs_per_second_of_kernels"] = round(1e3 * len(batch) / max(kernels, 1e-9))
    row["left_to_host"] = there.topics_left_to_host
    return row


def live(name: str, copies: int, device: str, epochs: int = 4) -> Any:
    """Whole epochs of topics that live on the device, and the same with all numbers from the host.

    The topics are the scenario's over and over, so that all copies must have equal results, and the
    first ones the processor's after as many epochs.
    """
    scenario = load_scenarios([name])[0]
    distinct = min(scenario.distinct, 32)
    topics = {"float64": distinct, "decimal": distinct}
    work = Workload(replace(scenario, distinct=distinct, topics=topics), "float64")
    batch = moved(work.distinct_epochs(1), copies, "float64", None)
    batch.columns["topic_id"] = np.tile(work.epochs.columns["topic_id"], copies)
    nonce = batch.columns["nonce"]
    states = work.states.take(list(range(distinct)) * copies)
    world = Resident(Engine("float64", device), batch, states)
    given = {**batch.columns, "element_index": element_index(batch)}
    numbers = {name: given[name] for name in world.inputs}
    kernels, whole, fed = [], [], []
    expected, host = work.states, Engine("float64")
    for at in range(2 * epochs):
        later = nonce + at * 1000
        begun = time.perf_counter()
        world.epoch({**numbers, "nonce": later} if at % 2 else {"nonce": later})
        world.wait()
        (fed if at % 2 else whole).append(time.perf_counter() - begun)
        kernels.append(world.kernel_milliseconds)
        work.epochs.columns["nonce"] = later[:distinct]
        results = host.epoch(work.epochs, expected)
        expected = results.rewarded.states
    different = []
    if world.states().take(range(distinct)).to_bytes() != expected.to_bytes():
        different.append("states")
    for column in world.outputs:
        rows = np.frombuffer(np.ascontiguousarray(world.read(column)).tobytes(), np.uint8)
        rows = rows.reshape(copies, -1)
        if not (rows == rows[0]).all():
            different.append(column)
    count = len(batch)
    best = min(kernels[1:])  # 0: the device does not measure
    failed = sum(status is not None for status in world.status("reward"))
    return {
        "scenario": name,
        "topics": count,
        "epochs": 2 * epochs,
        "different": different,
        "topics_that_fail": failed,
        "kernels_ms": round(best, 3),
        "epochs_per_second_resident": round(1e3 * count / best) if best else None,
        "epochs_per_second_with_the_call": round(count / min(whole[1:])),
        "epochs_per_second_from_host_memory": round(count / min(fed)),
        "bytes": world.moved,
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "what",
        choices=("bits", "times", "live", "small"),
        help="Compare random histories; time batches; time topics that stay on the device; "
        "compare a few histories, for the sanitizer.",
    )
    parser.add_argument("--number", default="float64", choices=("float64", "decimal"))
    parser.add_argument("--device", default="cuda:0", help="Beside the processor; or emulated.")
    parser.add_argument("--values", type=int, default=100_000_000, help="To compare, at least.")
    parser.add_argument("--copies", type=int, default=512, help="Of each drawn topic in a batch.")
    parser.add_argument("--limit", type=float, default=100.0, help="Seconds after which to stop.")
    parser.add_argument(
        "--batches",
        default="small:1024,limits:1024,wide:8,huge:1",
        help="Scenario and copies of its drawn topics, for times.",
    )
    chosen = parser.parse_args()
    if chosen.what in ("times", "live"):
        for entry in chosen.batches.split(","):
            name, copies = entry.split(":")
            if chosen.what == "live":
                row = live(name, int(copies), chosen.device)
            else:
                row = measure(chosen.number, name, int(copies), chosen.device)
            print(json.dumps(row), flush=True)
        return
    if chosen.what == "small":
        found = compare(chosen.number, chosen.device, 1, 1, chosen.limit, 6)
    else:
        found = compare(chosen.number, chosen.device, chosen.values, chosen.copies, chosen.limit)
    print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()

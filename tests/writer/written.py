"""Histories for made-up block data: seeded, with everything a short chain can hold."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from random import Random

from allora_core.epoch import Epoch, Params, Report, ValueBundle
from allora_core.testing.block_forms import RELEASES
from allora_core.testing.block_params import ChainParams
from allora_core.testing.block_topics import TopicTimes
from allora_core.testing.block_writer import BlockPlan, TopicPlan

WRITTEN = ("v0.6", "v0.9", "v0.12", "v0.16", "v0.17")
"""Releases that every test of block data goes through."""

SEATS = Params(
    max_top_inferers_to_reward=Decimal(4),
    max_top_forecasters_to_reward=Decimal(2),
    max_top_reputers_to_reward=Decimal(3),
    min_experienced_worker_regrets=Decimal(2),
)


def number(rng: Random) -> Decimal:
    """A few digits, or many."""
    digits = rng.choice((6, 17, 34))
    return Decimal(rng.randrange(-(10**digits), 10**digits)).scaleb(1 - digits)


def bundle(rng: Random, inferers: list[str], forecasters: list[str], complete: bool) -> ValueBundle:
    """A reputer's losses; some are left out unless complete."""

    def some(workers: list[str]) -> dict[str, Decimal]:
        return {w: number(rng) for w in workers if complete or rng.random() < 0.9}

    return ValueBundle(
        combined=number(rng),
        naive=number(rng),
        inferer={j: number(rng) for j in inferers},
        forecaster={k: number(rng) for k in forecasters},
        one_out_inferer=some(inferers),
        one_out_forecaster=some(forecasters),
        one_in_forecaster=some(forecasters),
        one_out_inferer_forecaster={k: some(inferers) for k in forecasters},
    )


def epochs(
    seed: int,
    count: int,
    labels: tuple[str, ...] = ("y",),
    actors: tuple[int, int, int] = (6, 3, 4),
    complete: bool = False,
) -> tuple[Epoch, ...]:
    """Epochs of more actors than there are seats."""
    rng = Random(seed)
    inferers = [f"allo1inferer{seed}{letter}" for letter in "abcdefgh"[: actors[0]]]
    forecasters = [f"allo1forecaster{seed}{letter}" for letter in "abcdefgh"[: actors[1]]]
    reputers = [f"allo1reputer{seed}{letter}" for letter in "abcdefgh"[: actors[2]]]
    found = []
    for _ in range(count):
        there = rng.sample(inferers, max(1, len(inferers) - rng.randrange(2)))
        foreseeing = rng.sample(forecasters, max(0, len(forecasters) - rng.randrange(2)))
        reports = {
            m: Report(
                Decimal(rng.randrange(10**9, 10**12)),
                bundle(rng, inferers, forecasters, complete),
                Decimal(rng.randrange(0, 10**8)),
            )
            for m in rng.sample(reputers, len(reputers))
        }
        found.append(
            Epoch(
                1,
                1,
                {
                    j: {label: number(rng) for label in labels if rng.random() < 0.8}
                    or {labels[0]: number(rng)}
                    for j in there
                },
                {k: tuple((j, number(rng)) for j in inferers) for k in foreseeing},
                reports,
                labels,
                SEATS,
            )
        )
    return tuple(found)


def plan(release: str, count: int = 3, **changes: object) -> BlockPlan:
    """Two topics of different clocks; where the release has labels, a third of several."""
    topics = [
        TopicPlan(epochs(1, count)),
        TopicPlan(epochs(2, count), TopicTimes(8, 12, 3), funding=10**13),
    ]
    if RELEASES[release].since("v10"):
        topics.append(TopicPlan(epochs(3, count, ("up", "flat", "down"), (4, 2, 3))))
    base = BlockPlan(tuple(topics), release, chain=ChainParams(params=SEATS))
    return replace(base, **changes)  # type: ignore[arg-type]

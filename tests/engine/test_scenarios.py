"""Synthetic worlds: deterministic, and of the stated laws."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from allora_core import Engine
from allora_core.scenarios import World, WorldStep

KINDS = ["price", "returns", "labels"]


def run(kind: Any, epochs: int = 20, **options: Any) -> list[WorldStep]:
    number = options.pop("number", "float64")
    world = World(kind, topics=4, **options)
    return list(world.run(Engine(number), epochs))


def mean_losses(steps: list[WorldStep]) -> tuple[float, float, float]:
    """Mean log10 losses: combined, naive, single inferers."""
    bundles = [step.judged.topic(at) for step in steps for at in range(len(step.epochs))]
    combined = np.mean([float(bundle.combined or 0) for bundle in bundles])
    naive = np.mean([float(bundle.naive or 0) for bundle in bundles])
    single = np.mean([float(loss) for bundle in bundles for loss in bundle.inferer.values()])
    return float(combined), float(naive), float(single)


@pytest.mark.parametrize("kind", KINDS)
def test_a_world_is_its_seed(kind: str) -> None:
    first, second, other = (run(kind, 4, seed=seed) for seed in (1, 1, 2))
    assert [step.epochs for step in first] == [step.epochs for step in second]
    assert first[-1].rewarded.states == second[-1].rewarded.states
    assert [step.epochs for step in first] != [step.epochs for step in other]


def test_more_actors_change_no_truth() -> None:
    small, large = World("price", seed=3), World("price", seed=3, inferers=9, reputers=7)
    assert small.truth(2, 5).tolist() == large.truth(2, 5).tolist()


@pytest.mark.parametrize("kind", ["price", "labels"])
def test_both_numbers_see_one_world(kind: str) -> None:
    exact, fast = run(kind, 5, number="decimal"), run(kind, 5)
    for left, right in zip(exact, fast, strict=True):
        assert left.truths == right.truths
        for at in range(4):
            assert left.epochs[at].inferences == right.epochs[at].inferences
            assert left.epochs[at].forecasts == right.epochs[at].forecasts
            one, two = left.settled.topic(at), right.settled.topic(at)
            assert float(one.network_losses.combined or 0) == pytest.approx(
                float(two.network_losses.combined or 0), rel=1e-9
            )


def test_rewards_are_paid_in_full() -> None:
    for step in run("price", 5, number="decimal"):
        for at in range(4):
            rewarded = step.rewarded.topic(at)
            assert rewarded.fault is None
            paid = sum(
                sum(rewards.values())
                for rewards in (
                    rewarded.inferer_reward,
                    rewarded.forecaster_reward,
                    rewarded.reputer_reward,
                )
            )
            assert float(paid) == pytest.approx(1000, rel=1e-12)


@pytest.mark.parametrize("kind", ["price", "returns"])
def test_the_collective_is_better_than_its_members(kind: str) -> None:
    combined, naive, single = mean_losses(run(kind, 40, seed=7))
    assert combined < naive < single


def test_brier_losses_are_of_the_stated_size() -> None:
    steps = run("labels", 40, seed=7)
    single = [
        10 ** float(loss)
        for step in steps
        for at in range(4)
        for loss in step.judged.topic(at).inferer.values()
    ]
    assert 0.4 < np.mean(single) < 0.6
    for epoch in steps[0].epochs:
        for row in epoch.inferences.values():
            assert sum(row.values()) == pytest.approx(1)


def test_experience_lowers_errors() -> None:
    world = World("returns", topics=1, inferers=400, forecasters=0, seed=5)

    def spread(at: int) -> float:
        truth = world.truth(1, at)[0]
        values = [float(row["y"]) - truth for row in world.epoch(1, at).inferences.values()]
        return float(np.std(values))

    assert spread(60) == pytest.approx(0.5 * spread(0), rel=0.2)


def test_truths_have_the_stated_law() -> None:
    returns = World("returns", volatility=0.2)
    truths = [float(returns.truth(topic, 0)[0]) for topic in range(2000)]
    assert np.std(truths) == pytest.approx(0.2, rel=0.05)
    price = World("price", volatility=0.1, drift=0.5, initial_price=2.0)
    logarithms = [np.log(price.truth(topic, 9)[0] / 2) for topic in range(500)]
    assert np.mean(logarithms) == pytest.approx(5, abs=0.05)
    assert np.std(logarithms) == pytest.approx(0.1 * np.sqrt(10), rel=0.1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "counts"}, "unknown kind 'counts': price, returns, labels"),
        ({"inferers": 0}, "needs a topic, an inferer"),
        ({"volatility": 0.0}, "volatility and price must be above 0"),
    ],
)
def test_worlds_that_cannot_be(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        World(**options)


def test_decimal_has_no_returns_world() -> None:
    with pytest.raises(ValueError, match="czar needs the arc tangent"):
        run("returns", 1, number="decimal")

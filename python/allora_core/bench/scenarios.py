"""Benchmark scenarios: named shapes of a batch, and deterministic epochs of each.

The shapes are data (``scenarios.json``). An epoch is drawn from NumPy's PCG64 generator seeded with
the scenario's seed, so that every machine times the same numbers. Losses are log10 losses between
about -2 and 0, better workers have the smaller ones, and regrets follow from them: they spread over
several regret scales, so that weights take all values between 0 and 1.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.resources import files

import numpy as np

from ..epoch import Params
from .arrays import HISTORY_BLOCKS, EpochArrays, Float64, Layout, ScoreStateArrays, StateArrays
from .convert import INCLUSIONS

__all__ = ["Scenario", "draw_epoch", "draw_score_state", "draw_state", "load_scenarios"]

PARAMS = Params()


@dataclass(frozen=True, slots=True)
class Scenario:
    """A named shape.

    Attributes:
        name, about: what it is called and what it stands for.
        inferers, forecasters, reputers: actors per topic.
        elements: elements per forecast.
        topics: topics in the batch, by kind of number.
        reference_topics: topics that the readable reference computes too, digit for digit, when the
            number is decimal; 0 where that would take minutes.
        reference_rewards: the first of these topics, whose scores and rewards it computes as well.
        distinct: topics drawn one by one; a larger batch repeats them under other topic ids.
        epochs: epochs that the correctness check runs through before anything is timed.
        seed: of the generator.
    """

    name: str
    about: str
    inferers: int
    forecasters: int
    reputers: int
    elements: int
    topics: dict[str, int]
    reference_topics: int
    reference_rewards: int
    distinct: int
    epochs: int
    seed: int

    @property
    def layout(self) -> Layout:
        """Slots of the scenario's arrays."""
        return Layout(self.inferers, self.forecasters)


def load_scenarios(names: Iterable[str] | None = None) -> list[Scenario]:
    """The scenarios of these names, by default all.

    Raises:
        ValueError: an unknown name, with the known ones.
    """
    text = files(__package__).joinpath("scenarios.json").read_text(encoding="utf-8")
    known = {entry["name"]: Scenario(**entry) for entry in json.loads(text)}
    if names is None:
        return list(known.values())
    wanted = list(names)
    for name in wanted:
        if name not in known:
            raise ValueError(f"unknown scenario {name!r}: choose among {', '.join(known)}")
    return [known[name] for name in wanted]


def generator(scenario: Scenario, stream: int) -> np.random.Generator:
    """A generator of its own for the state (stream 0) and for each epoch."""
    return np.random.Generator(np.random.PCG64([scenario.seed, stream]))


def draw_quality(scenario: Scenario) -> Float64:
    """(T, workers) typical log10 loss of each worker, the same in all epochs."""
    rng = generator(scenario, 0)
    return rng.uniform(-1.8, -0.2, (scenario.distinct, scenario.layout.workers))


def draw_noise(scenario: Scenario) -> Float64:
    """(T, R) how much noisier than the best a reputer reports, the same in all epochs."""
    rng = generator(scenario, 1_000_001)
    return 10.0 ** rng.uniform(0.0, 1.0, (scenario.distinct, scenario.reputers))


def draw_epoch(scenario: Scenario, epoch: int) -> EpochArrays:
    """Epoch number 1, 2, ... of the scenario's distinct topics."""
    rng = generator(scenario, epoch)
    layout, topics = scenario.layout, scenario.distinct
    inferers, forecasters, elements = scenario.inferers, scenario.forecasters, scenario.elements
    quality = draw_quality(scenario)
    price = rng.uniform(50.0, 150.0, (topics, 1))
    error = rng.uniform(-1.0, 1.0, (topics, inferers)) * 10.0 ** (quality[:, :inferers] / 2)
    order = rng.random((topics, forecasters, inferers)).argsort(axis=-1)
    element_inferer = np.ascontiguousarray(order[..., :elements])
    forecasted = np.take_along_axis(
        quality[:, None, :inferers], element_inferer.reshape(topics, 1, -1), axis=-1
    ).reshape(element_inferer.shape)
    pass_loss = quality.mean(axis=-1, keepdims=True) - 0.4
    typical = np.empty((topics, layout.width))
    typical[:, : layout.rows] = pass_loss
    typical[:, layout.worker] = quality
    withheld = typical[:, layout.withheld].reshape(topics, inferers, forecasters)
    withheld[:] = quality[:, None, inferers:]
    typical += rng.normal(0.0, 0.15, typical.shape)
    noise = rng.normal(0.0, 0.01, (topics, scenario.reputers, layout.width))
    reports = typical[:, None, :] + noise * draw_noise(scenario)[..., None]
    stakes = np.round(10.0 ** rng.uniform(22.5, 23.2, (topics, scenario.reputers)), -10)
    share = rng.uniform(0.0, 0.6, stakes.shape)

    def parameter(value: object) -> Float64:
        return np.full(topics, float(str(value)))

    return EpochArrays(
        layout=layout,
        inferences=np.round(price + error, 8),
        element_inferer=element_inferer,
        element_loss=forecasted + rng.normal(0.0, 0.2, forecasted.shape),
        stakes=stakes,
        delegated=np.round(stakes * share, -10),
        reports=reports,
        reward=np.round(10.0 ** rng.uniform(18.0, 20.0, topics), -6),
        epsilon=parameter(PARAMS.epsilon),
        p_norm=parameter(PARAMS.p_norm),
        c_norm=parameter(PARAMS.c_norm),
        alpha_regret=parameter(PARAMS.alpha_regret),
    )


def draw_state(scenario: Scenario) -> StateArrays:
    """State of the scenario's distinct topics before its first epoch."""
    rng = generator(scenario, 1_000_000)
    layout, topics, inferers = scenario.layout, scenario.distinct, scenario.inferers
    quality = draw_quality(scenario)
    state = StateArrays.empty(topics, layout)
    pass_loss = quality.mean(axis=-1)[:, None, None] - 0.4
    state.regrets[:] = pass_loss - quality[:, None, :]
    state.regrets[:] += rng.normal(0.0, 0.05, state.regrets.shape)
    absent = np.zeros((layout.rows, layout.workers), dtype=bool)
    absent[1, inferers:] = True
    absent[layout.one_in_forecaster, inferers:] = ~np.eye(scenario.forecasters, dtype=bool)
    state.regrets[:, absent] = -np.inf
    combined = state.regrets[:, 0]
    deviation = np.abs(combined - np.median(combined, axis=-1, keepdims=True))
    state.regret_scale[:] = 1.4826 * np.median(deviation, axis=-1) + float(PARAMS.epsilon)
    state.weights[:] = 1.0 / layout.workers
    state.initial_regret[:] = combined.min(axis=-1)
    state.previous_combined_loss[:] = pass_loss[:, 0, 0]
    first = draw_epoch(scenario, 1).inferences
    state.inference_median[:] = np.median(first, axis=-1)
    state.inference_median_absolute_deviation[:] = 0.5 * np.ptp(first, axis=-1)
    return state


def draw_score_state(scenario: Scenario) -> ScoreStateArrays:
    """What the scenario's distinct topics carry of scores and rewards before the first epoch.

    Listening coefficients lie between 0.6 and 0.95: free to move both ways, so that the descent
    seldom ends before its last step.
    """
    rng = generator(scenario, 1_000_002)
    topics = scenario.distinct
    actors = {
        "inferer": scenario.inferers,
        "forecaster": scenario.forecasters,
        "reputer": scenario.reputers,
    }
    parts: dict[str, Float64] = {}
    for role, count in actors.items():
        level, spread = (30.0, 8.0) if role == "reputer" else (0.0, 0.1)
        parts[f"{role}_score_ema"] = rng.normal(level, spread, (topics, count))
        parts[f"{role}_score_quantile"] = rng.normal(level, spread, topics)
        parts[f"initial_{role}_score"] = rng.normal(level, spread, topics) - spread
        fraction = rng.uniform(0.5, 1.5, (topics, count))
        parts[f"{role}_reward_fraction"] = fraction / fraction.sum(axis=-1, keepdims=True)
        if role != "reputer":
            past = (topics, HISTORY_BLOCKS, count)
            parts[f"{role}_score_history"] = rng.normal(0.0, 0.2, past)
            parts[f"{role}_inclusions"] = np.full((topics, count), float(INCLUSIONS))
    reputers = (topics, scenario.reputers)
    return ScoreStateArrays(
        listening_coefficient=rng.uniform(0.6, 0.95, reputers),
        forecaster_score_ratio=rng.uniform(0.0, 1.0, topics),
        delegate_reward_per_share=rng.uniform(0.0, 1e-3, reputers),
        **parts,
    )

"""Synthetic worlds: truths, inferences, forecasts and reports, seeded and deterministic.

The laws are those of the research workload of the network's own simulator, with the signs that its
description means: experience lowers errors, inferers and forecasters see one price, and losses are
logarithms. N is a standard normal, U uniform on [0, 1); every draw is independent.

======================= ==========================================================
quantity                law
======================= ==========================================================
return, price           r = drift + volatility*N; price = initial_price*e^(sum r)
error of a worker w     10^(log10(2*volatility) + log10(1.5)*N)
bias of an inferer b    0.5*volatility*N
bias of a forecaster b  0.3*N, in log10 of the loss
context sensitivity k   1/(1 + e^(-10*(U - 0.5)))
experience X            0.5*(1 + e^(-0.1*n)) in epoch n
outperformer            one inferer per epoch has o = 0.5, the others 1
inference               truth + o*X*(w*N + b)
forecasted loss         log10(loss) - (1 - k)*2*log10(o) + X*(w*N + b)
reputer                 noise 10^(-1 + log10(1.25)*N), bias 0.05*N
======================= ==========================================================

Source: allora-simulator, ``workloads/research``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt

from .batch import Epochs
from .engine import Engine, InferredBatch, RewardedBatch, SettledBatch
from .epoch import Epoch, Params
from .losses import LossBatch, LossFunction, bundle_losses, losses
from .reputers import Bias, Noise, Reputer

__all__ = ["World", "WorldStep"]

Vector = npt.NDArray[np.float64]

FIRST_NONCE, EPOCH_LENGTH = 100, 12
STAKE = Decimal(90_000)
# Streams of draws: what one of them adds leaves the others as they are.
TRUTHS, REGISTRATION, REPUTERS, EPOCHS = range(4)


@dataclass(frozen=True)
class World:
    """A world of topics that all have the same actors.

    Attributes:
        kind: what is inferred: ``price`` (squared error), ``returns`` (czar with alpha 0.01, hence
            float64 only) or ``labels`` (Brier; probabilities of the labels).
        seed: of all draws.
        topics, inferers, forecasters, reputers: how many of each.
        initial_price, drift, volatility: of the price; ``volatility`` also of the returns.
        labels: number of labels of a ``labels`` world.
        params: parameters of all topics.
        initial_regret: regret of newcomers. Exactly 0 would make everybody a newcomer until payouts
            have raised enough inclusions.
        reward: reward of a topic per epoch, in base units.
    """

    kind: Literal["price", "returns", "labels"] = "price"
    seed: int = 0
    topics: int = 1
    inferers: int = 5
    forecasters: int = 3
    reputers: int = 3
    initial_price: float = 1.0
    drift: float = 0.01
    volatility: float = 0.1
    labels: int = 3
    params: Params = field(default_factory=Params)
    initial_regret: Decimal = Decimal("-0.3")
    reward: Decimal = Decimal(1000)

    def __post_init__(self) -> None:
        """Refuse what no world can have."""
        if self.kind not in ("price", "returns", "labels"):
            raise ValueError(f"unknown kind {self.kind!r}: price, returns, labels")
        if min(self.topics, self.inferers, self.reputers) < 1 or self.forecasters < 0:
            raise ValueError("a world needs a topic, an inferer and a reputer")
        if not (self.volatility > 0 and self.initial_price > 0 and self.labels > 1):
            raise ValueError("volatility and price must be above 0, and labels above 1")

    @cached_property
    def method(self) -> LossFunction:
        """The loss of every topic; its logarithm is reported."""
        if self.kind == "returns":
            return LossFunction("czar", std=self.volatility, alpha="0.01")
        return LossFunction("brier" if self.kind == "labels" else "sqe")

    @property
    def label_names(self) -> tuple[str, ...]:
        """Labels of every topic."""
        return tuple(f"l{at}" for at in range(self.labels)) if self.kind == "labels" else ("y",)

    def everyone(self) -> list[Reputer]:
        """The reputers, with their noise and bias."""
        source = self._source(REPUTERS)
        noise = [power_of_ten(-1 + math.log10(1.25) * x) for x in normal(source, self.reputers)]
        bias = 0.05 * normal(source, self.reputers)
        return [
            Reputer(f"allo1reputer{m}", STAKE, (Noise(noise[m]), Bias(float(bias[m]))))
            for m in range(self.reputers)
        ]

    def truth(self, topic_id: int, at: int) -> Vector:
        """Ground truth of an epoch, one number per label."""
        source = self._source(TRUTHS, topic_id)
        if self.kind == "labels":
            right = source.integers(self.labels, size=at + 1)[at]
            return np.asarray(np.eye(self.labels)[right])
        steps = normal(source, at + 1)
        if self.kind == "returns":
            return self.volatility * steps[at:]
        path = sum(Decimal(float(self.drift + self.volatility * step)) for step in steps)
        return np.array([float(Decimal(self.initial_price) * Decimal(path).exp())])

    def epoch(self, topic_id: int, at: int) -> Epoch:
        """An epoch of a topic without reports: its inferences and forecasts.

        Args:
            topic_id: the topic.
            at: number of the epoch since the topic began, from 0.
        """
        source = self._source(EPOCHS, topic_id, at)
        truth, experience = self.truth(topic_id, at), 0.5 * (1 + exponential(-0.1 * at))
        factors = np.ones(self.inferers)
        factors[source.integers(self.inferers)] = 0.5
        values = self._inferences(source, topic_id, truth, experience * factors)
        names = [f"allo1inferer{j}" for j in range(self.inferers)]
        forecasts = self._forecasts(source, topic_id, truth, values, factors, experience)
        return Epoch(
            topic_id,
            FIRST_NONCE + EPOCH_LENGTH * at,
            {
                name: dict(zip(self.label_names, map(decimal, row), strict=True))
                for name, row in zip(names, values, strict=True)
            },
            {
                f"allo1forecaster{k}": tuple(zip(names, map(decimal, row), strict=True))
                for k, row in enumerate(forecasts)
            },
            labels=self.label_names,
            params=self.params,
            initial_regret=self.initial_regret,
            reward=self.reward,
        )

    def run(self, engine: Engine, epochs: int) -> Iterator[WorldStep]:
        """Infer, judge, report, settle and reward epoch after epoch, all topics together.

        Raises:
            ValueError: the engine's number has not the world's loss.
        """
        states = None
        everyone = self.everyone()
        topic_ids = range(1, self.topics + 1)
        for at in range(epochs):
            inferred = engine.infer([self.epoch(topic, at) for topic in topic_ids], states)
            truths = [self.truth(topic, at).tolist() for topic in topic_ids]
            judged = bundle_losses(inferred, truths, self.method, scale="log10", rules=engine.rules)
            reported = judged.epochs_with_reports(everyone, self.seed)
            batch = Epochs(engine.number, reported)
            settled = engine.settle(batch, inferred.states)
            rewarded = engine.reward(batch, settled)
            states = rewarded.states
            yield WorldStep(truths, inferred, judged, reported, settled, rewarded)

    def _source(self, *stream: int) -> np.random.Generator:
        return np.random.default_rng([self.seed, *stream])

    def _workers(self, topic_id: int, forecasters: bool) -> tuple[Vector, Vector, Vector]:
        """Errors, biases and context sensitivities, drawn once per topic."""
        source = self._source(REGISTRATION, topic_id, int(forecasters))
        count = self.forecasters if forecasters else self.inferers
        spread = math.log10(2 * self.volatility)
        errors = [power_of_ten(spread + math.log10(1.5) * x) for x in normal(source, count)]
        bias = (0.3 if forecasters else 0.5 * self.volatility) * normal(source, count)
        sensitivity = [1 / (1 + exponential(-10 * (u - 0.5))) for u in source.random(count)]
        return np.array(errors), bias, np.array(sensitivity)

    def _inferences(
        self, source: np.random.Generator, topic_id: int, truth: Vector, size: Vector
    ) -> Vector:
        """Inferers x labels; of labels, probabilities: a noisy truth brought to the sum 1."""
        errors, bias, _ = self._workers(topic_id, False)
        noise = source.standard_normal((self.inferers, len(truth)))
        off = size[:, None] * (errors[:, None] * noise + bias[:, None])
        if self.kind != "labels":
            return truth + off
        noisy = np.abs(truth + off * (LABEL_NOISE / self.volatility))
        return np.asarray(noisy / noisy.sum(axis=1, keepdims=True))

    def _forecasts(
        self,
        source: np.random.Generator,
        topic_id: int,
        truth: Vector,
        values: Vector,
        factors: Vector,
        experience: float,
    ) -> Vector:
        """Forecasters x inferers: log10 losses, blind to the outperformer by 1 - k."""
        errors, bias, sensitivity = self._workers(topic_id, True)
        rows = values if self.kind == "labels" else values[:, 0]
        exact = np.asarray(losses(self.method, truth, rows, scale="log10_floor"))
        blind = -2 * np.where(factors < 1, math.log10(0.5), 0.0)
        noise = source.standard_normal((self.forecasters, self.inferers))
        off = experience * (errors[:, None] * noise + bias[:, None])
        return np.asarray(exact + (1 - sensitivity[:, None]) * blind + off)


# Brings the Brier losses of single inferers to 0.4 to 0.6, as in the network's own examples.
LABEL_NOISE = 0.45


@dataclass(frozen=True)
class WorldStep:
    """One epoch of all topics.

    Attributes:
        truths: per topic, its ground truth.
        inferred: the network inferences.
        judged: their exact losses.
        epochs: the epochs with the reports of all reputers.
        settled: the network losses and the regrets.
        rewarded: scores and rewards, and the states afterwards.
    """

    truths: list[list[float]]
    inferred: InferredBatch
    judged: LossBatch
    epochs: list[Epoch]
    settled: SettledBatch
    rewarded: RewardedBatch


def decimal(x: float) -> Decimal:
    """The shortest text of a double, as clients submit it."""
    return Decimal(repr(float(x)))


def normal(source: np.random.Generator, count: int) -> Vector:
    """Standard normal draws."""
    return source.standard_normal(count)


def exponential(x: float) -> float:
    """e^x, rounded alike on every machine, which the C library's is not."""
    return float(Decimal(float(x)).exp())


def power_of_ten(x: float) -> float:
    """10^x, likewise."""
    return float(Decimal(10) ** Decimal(float(x)))

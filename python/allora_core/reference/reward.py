"""``reward``: scores, listening coefficients and rewards, once an epoch's losses are settled.

Order: reputers' scores, inferers' scores, forecasters' scores; fractions and entropies of
reputers, inferers, forecasters; the split of the topic's reward; the actors' rewards; payout.
Every stage stores what it computed. One that fails ends the topic's epoch, and what the stages
before it stored stays.

Sources: allora-chain v0.6, ``x/emissions/module/rewards/rewards.go``; rewards, sections 2 to 9.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from decimal import Decimal
from typing import Any, Literal

from allora_core.epoch import Epoch, Report, Rewarded, State, TopicError, ValueBundle
from allora_core.reference.consensus import loss_columns
from allora_core.reference.faults import located, require_finite
from allora_core.reference.listening import adjusted_stakes, listen
from allora_core.reference.network_loss import accepted_reports
from allora_core.reference.number import ONE, ZERO, NumberError
from allora_core.reference.reward_fraction import (
    entropy,
    reputer_fractions,
    smoothed_fractions,
    worker_fractions,
)
from allora_core.reference.rules import Rules
from allora_core.reference.score import (
    forecaster_scores,
    forecasting_task_score,
    inferer_scores,
    is_lone,
)
from allora_core.reference.score_average import (
    Averages,
    recorded,
    sample_size,
    sampled,
    updated_averages,
)
from allora_core.reference.topic_reward import (
    Entropies,
    TaskRewards,
    divided,
    normalisation,
    paid,
    shared_with_delegators,
    task_rewards,
    utility,
)

__all__ = ["reward"]

Role = Literal["inferer", "forecaster", "reputer"]
Numbers = dict[str, Decimal]


def reward(epoch: Epoch, network_losses: ValueBundle, state: State, rules: Rules) -> Rewarded:
    """Compute scores and rewards of an epoch, and the state after it.

    Args:
        epoch: the epoch, with reports, delegated stakes and the topic's reward.
        network_losses: what ``settle`` gave for it.
        state: the state that ``settle`` left.
        rules: of a version of the network.

    Raises:
        TopicError: the input is not valid, so that nothing could be computed. A stage that fails on
            valid input is told by the result's ``fault``.
    """
    if epoch.topic_id != state.topic_id:
        raise TopicError(epoch.topic_id, "", "state", "wrong_topic", str(state.topic_id))
    reports = accepted_reports(epoch, rules)
    _require_valid(epoch, network_losses, reports)
    rewarding = _Rewarding(epoch, network_losses, reports, state, rules)
    fault = None
    try:
        rewarding.run()
    except TopicError as error:
        fault = error
    return Rewarded(**rewarding.entries, state=rewarding.state, fault=fault)


def _require_valid(epoch: Epoch, losses: ValueBundle, reports: Mapping[str, Report]) -> None:
    for m, report in reports.items():
        with located(epoch.topic_id, "delegated", m):
            require_finite(report.delegated)
            if report.delegated < 0:
                raise NumberError("negative_amount")
            if report.delegated > report.stake:
                raise NumberError("delegated_exceeds_stake")
    with located(epoch.topic_id, "reward"):
        require_finite(epoch.reward)
        if epoch.reward < 0:
            raise NumberError("negative_amount")
    if losses.combined is None or losses.naive is None:
        raise TopicError(epoch.topic_id, "", "network_losses", "nan")


class _Rewarding:
    """One topic's epoch on its way: ``entries`` of the result so far, and the state so far."""

    def __init__(
        self,
        epoch: Epoch,
        losses: ValueBundle,
        reports: dict[str, Report],
        state: State,
        rules: Rules,
    ) -> None:
        self.epoch, self.params, self.rules = epoch, epoch.params, rules
        self.losses, self.reports, self.state = losses, reports, state
        self.entries: dict[str, Any] = {}
        self.initial_scores: dict[str, Decimal] = {}

    def run(self) -> None:
        self.score_reputers()
        inferer = self.score_inferers()
        forecaster = self.score_forecasters()
        self.store_initial_scores()
        entropies = self.divide(inferer, forecaster)
        self.reward_actors(self.split(inferer, entropies))
        self.pay()

    def at(self, field: str, actor: str = "") -> AbstractContextManager[None]:
        return located(self.epoch.topic_id, field, actor)

    # Scores

    def score_reputers(self) -> None:
        """Score the reputers; scores, coefficients and averages are stored."""
        names = list(self.reports)
        stakes = [report.stake for report in self.reports.values()]
        stored = [self.state.listening_coefficient.get(m, ONE) for m in names]
        with self.at("reputer_score"):
            columns = loss_columns(self.reports)
            listened = listen(stored, stakes, columns, self.params, self.rules)
        scores = dict(zip(names, listened.scores, strict=True))
        coefficients = dict(zip(names, listened.coefficients, strict=True))
        self.entries["reputer_score"] = scores
        self.entries["listening_coefficient_used"] = dict(zip(names, listened.used, strict=True))
        self.entries["iterations"] = listened.iterations
        # These two are shown, not used: without a value they are left out.
        for name, a in (
            ("adjusted_stake_used", listened.used),
            ("adjusted_stake", listened.coefficients),
        ):
            with suppress(NumberError):
                self.entries[name] = dict(zip(names, adjusted_stakes(a, stakes), strict=True))
        known = {**self.state.listening_coefficient, **coefficients}
        self.state = replace(self.state, listening_coefficient=known)
        q, seats = self.params.active_reputer_quantile, self.params.max_top_reputers_to_reward
        self.average("reputer", scores, q, seats)

    def score_inferers(self) -> Numbers:
        with self.at("inferer_score"):
            scores = inferer_scores(self.losses)
        self.entries["inferer_score"] = scores
        q, seats = self.params.active_inferer_quantile, self.params.max_top_inferers_to_reward
        self.record("inferer", scores, seats)
        if not is_lone(self.losses.inferer):
            self.average("inferer", scores, q, seats)
        return scores

    def score_forecasters(self) -> Numbers:
        with self.at("forecaster_score"):
            scores = forecaster_scores(self.losses, self.rules)
        self.entries["forecaster_score"] = scores
        q = self.params.active_forecaster_quantile
        seats = self.params.max_top_forecasters_to_reward
        self.record("forecaster", scores, seats)
        if not is_lone(self.losses.forecaster):
            self.average("forecaster", scores, q, seats)
        return scores

    def average(self, role: Role, scores: Numbers, q: Decimal, seats: Decimal) -> None:
        """Store a role's averages, their heights, quantile and initial score."""
        names = {
            "average": f"{role}_score_ema",
            "height": f"{role}_score_height",
            "quantile": f"{role}_score_quantile",
            "initial": f"initial_{role}_score",
        }
        stored = Averages(**{part: getattr(self.state, name) for part, name in names.items()})
        with self.at(names["average"]):
            new = updated_averages(
                scores, stored, self.epoch.nonce, q, seats, self.params, self.rules
            )
        values: dict[str, Any] = {name: getattr(new, part) for part, name in names.items()}
        self.initial_scores[names["initial"]] = values.pop(names["initial"])
        self.state = replace(self.state, **values)
        if self.rules.initial_score_place == "with_averages":
            self.store_initial_scores()

    def store_initial_scores(self) -> None:
        """Store what first submissions will start from."""
        values: dict[str, Any] = {**self.initial_scores}
        self.state = replace(self.state, **values)

    def record(self, role: Role, scores: Numbers, seats: Decimal) -> None:
        """Store a worker role's scores; an epoch without scores leaves no block."""
        if not scores:
            return
        name = f"{role}_score_history"
        with self.at(name):
            size = sample_size(seats, self.params, self.rules)
        history = recorded(getattr(self.state, name), self.epoch.nonce, scores, size)
        values: dict[str, Any] = {name: history}
        self.state = replace(self.state, **values)

    # Fractions and entropies

    def divide(self, inferer: Numbers, forecaster: Numbers) -> Entropies:
        """Divide every task among its actors.

        Forecasting has no entropy, and its fractions are not smoothed, where there was nobody to
        choose among: without forecasters, or with fewer than two inferers.
        """
        params = self.params
        stakes = {m: report.stake for m, report in self.reports.items()}
        with self.at("reputer_fraction"):
            fractions = reputer_fractions(
                self.entries["reputer_score"], stakes, params.p_reward_reputer, self.rules
            )
        self.entries["reputer_fraction"] = fractions
        reputer = self.entropy("reputer", fractions, "reputer_entropy")
        if not inferer:
            raise TopicError(self.epoch.topic_id, "", "inferer_fraction", "no_score")
        fractions = self.worker_fractions("inferer", inferer)
        inference = self.entropy("inferer", fractions, "inference_entropy")
        fractions = self.worker_fractions("forecaster", forecaster) if forecaster else {}
        if fractions and len(inferer) > 1:
            forecasting = self.entropy("forecaster", fractions, "forecasting_entropy")
        else:
            forecasting = ZERO
            self.entries["forecasting_entropy"] = forecasting
        return Entropies(inference, forecasting, reputer)

    def worker_fractions(self, role: Literal["inferer", "forecaster"], scores: Numbers) -> Numbers:
        params = self.params
        if role == "inferer":
            seats, history = params.max_top_inferers_to_reward, self.state.inferer_score_history
            p, c = params.p_reward_inference, params.c_reward_inference
        else:
            seats = params.max_top_forecasters_to_reward
            history = self.state.forecaster_score_history
            p, c = params.p_reward_forecast, params.c_reward_forecast
        name = f"{role}_fraction"
        with self.at(name):
            size = sample_size(seats, params, self.rules)
            sample = sampled(history, self.epoch.nonce, size)
            fractions = worker_fractions(scores, sample, p, c, params.epsilon, self.rules)
        self.entries[name] = fractions
        return fractions

    def entropy(self, role: Role, fractions: Numbers, name: str) -> Decimal:
        """Smooth a task's fractions, store them, and take their entropy."""
        stored_name = f"{role}_reward_fraction"
        stored: Numbers = getattr(self.state, stored_name)
        with self.at(name):
            smoothed = smoothed_fractions(fractions, stored, self.params)
            everyone: Any = {**stored, **smoothed.fractions}
            self.state = replace(self.state, **{stored_name: everyone})
            value = entropy(smoothed, self.params, self.rules)
        self.entries[name] = value
        return value

    # The topic's reward

    def split(self, inferer: Numbers, entropies: Entropies) -> TaskRewards:
        """Split the topic's reward among its tasks; tau is stored."""
        entries = self.entries
        with self.at("forecasting_task_utility_score"):
            score = forecasting_task_score(self.losses)
        entries["forecasting_task_utility_score"] = score
        with self.at("forecaster_score_ratio"):
            previous = self.state.forecaster_score_ratio
            ratio, chi = utility(score, inferer.values(), previous, self.params)
        entries["forecaster_score_ratio"], entries["chi"] = ratio, chi
        self.state = replace(self.state, forecaster_score_ratio=ratio)
        with self.at("gamma"):
            gamma = normalisation(entropies, chi)
        entries["gamma"] = gamma
        with self.at("task_reward"):
            tasks = task_rewards(entropies, chi, gamma, self.epoch.reward)
        entries["inference_task_reward"] = tasks.inference
        entries["forecasting_task_reward"] = tasks.forecasting
        entries["reputer_task_reward"] = tasks.reputer
        return tasks

    def reward_actors(self, tasks: TaskRewards) -> None:
        """Divide the tasks' rewards; delegators take their part of the reputers' at once."""
        self.reward_reputers(tasks.reputer)
        for role, amount in (("inferer", tasks.inference), ("forecaster", tasks.forecasting)):
            name = f"{role}_reward"
            with self.at(name):
                rewards = divided(self.entries.get(f"{role}_fraction", {}), amount)
            self.entries[name] = rewards

    def reward_reputers(self, amount: Decimal) -> None:
        """Reward the reputers; the reward per share of those before a fault stays raised."""
        with self.at("reputer_reward"):
            rewards = divided(self.entries["reputer_fraction"], amount)
        delegators: dict[str, int] = {}
        for m, whole in rewards.items():
            per_share = self.state.delegate_reward_per_share
            with self.at("reputer_reward", m):
                shared = shared_with_delegators(whole, self.reports[m], per_share.get(m))
            rewards[m], delegators[m] = shared.reward, shared.delegators
            if shared.per_share is not None:
                raised = {**per_share, m: shared.per_share}
                self.state = replace(self.state, delegate_reward_per_share=raised)
        self.entries["reputer_reward"] = rewards
        self.entries["delegators_reward"] = delegators

    def pay(self) -> None:
        """Pay whole base units: reputers, inferers, forecasters; paid workers are counted.

        A payout that fails is told once everybody else is paid, as the network goes on with the
        next actor.
        """
        roles: tuple[Role, ...] = ("reputer", "inferer", "forecaster")
        failed: list[tuple[str, str, NumberError]] = []
        for role in roles:
            name = f"{role}_paid"
            self.entries[name], faults = paid(self.entries[f"{role}_reward"])
            failed += [(name, actor, fault) for actor, fault in faults.items()]
        self.state = replace(
            self.state,
            inferer_inclusions=_raised(self.state.inferer_inclusions, self.entries["inferer_paid"]),
            forecaster_inclusions=_raised(
                self.state.forecaster_inclusions, self.entries["forecaster_paid"]
            ),
        )
        for name, actor, fault in failed:
            with self.at(name, actor):
                raise fault


def _raised(counts: dict[str, int], workers: Mapping[str, int]) -> dict[str, int]:
    return {**counts, **{worker: counts.get(worker, 0) + 1 for worker in workers}}

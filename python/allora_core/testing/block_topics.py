"""One topic's life in made-up block data: submissions, closes, scores, each with its events.

The chain's own steps by the readable formulas of `allora_core.reference`, one topic and one
submission at a time.

Sources: allora-chain v0.6 to v0.17, ``x/emissions/keeper/actor_utils/worker.go``, ``losses.go``,
``x/emissions/module/rewards/rewards.go``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, NamedTuple

from allora_core.epoch import (
    Epoch,
    Inferred,
    Params,
    Report,
    Rewarded,
    Settled,
    State,
    Synthesis,
    ValueBundle,
)
from allora_core.reference import infer, reward, settle
from allora_core.reference.outlier import kept_inferers
from allora_core.reference.rules import Rules
from allora_core.reference.sortition import closed, submit
from allora_core.testing.block_engine import Compiled
from allora_core.testing.block_forms import Form, Json, Tail, labeled_bundle
from allora_core.topics import ActiveSet, LowestScore, Role, SubmissionWindow

__all__ = ["ROLES", "TYPES", "Formulas", "TopicLife", "TopicTimes"]

ROLES: tuple[Role, ...] = ("inferer", "forecaster", "reputer")
TYPES: dict[Role, str] = {
    "inferer": "ACTOR_TYPE_INFERER_UNSPECIFIED",
    "forecaster": "ACTOR_TYPE_FORECASTER",
    "reputer": "ACTOR_TYPE_REPUTER",
}
END: Tail = ("mode", "EndBlock")


class Formulas(NamedTuple):
    """What computes an epoch's three moments: the readable formulas, or others of their form."""

    infer: Callable[[Epoch, State, Rules], Inferred] = infer
    settle: Callable[[Epoch, State, Rules], Settled] = settle
    reward: Callable[[Epoch, ValueBundle, State, Rules], Rewarded] = reward

    @classmethod
    def compiled(cls) -> Formulas:
        """The compiled engine, one topic at a time, for long histories of many actors."""
        return cls(*Compiled().moments())


@dataclass(frozen=True)
class TopicTimes:
    """A topic's clock, in blocks."""

    epoch_length: int
    ground_truth_lag: int
    worker_submission_window: int

    @property
    def extra_lag(self) -> int:
        """From the ground truth to the next end of an epoch."""
        return (self.epoch_length - self.ground_truth_lag % self.epoch_length) % self.epoch_length

    @property
    def reputer_opens(self) -> int:
        """Blocks from the nonce until reputers of every release may report."""
        return self.ground_truth_lag + self.extra_lag

    @property
    def reputer_closes(self) -> int:
        """Blocks from the nonce to the close of its reputer window."""
        return self.reputer_opens + self.epoch_length


@dataclass
class TopicLife:
    """A topic between two blocks.

    Attributes:
        active, lowest: members and recorded lowest of the active sets.
        worker_nonces, reputer_nonces: open ones, newest first.
        inferences, forecasts, reports: submissions of those who are in the active sets.
        labels: those submitted in the open window, in order of first appearance.
        commits: nonce -> what its worker close took.
        waiting: the settled epoch whose rewards come next, with its network losses.
    """

    topic_id: int
    times: TopicTimes
    params: Params
    form: Form
    rules: Rules
    formulas: Formulas
    state: State
    active: dict[Role, tuple[str, ...]] = field(default_factory=lambda: dict.fromkeys(ROLES, ()))
    lowest: dict[Role, LowestScore | None] = field(default_factory=lambda: dict.fromkeys(ROLES))
    worker_nonces: list[int] = field(default_factory=list)
    reputer_nonces: list[int] = field(default_factory=list)
    inferences: dict[str, dict[str, Decimal]] = field(default_factory=dict)
    forecasts: dict[str, tuple[tuple[str, Decimal], ...]] = field(default_factory=dict)
    reports: dict[str, ValueBundle] = field(default_factory=dict)
    labels: list[str] = field(default_factory=list)
    commits: dict[int, Epoch] = field(default_factory=dict)
    waiting: tuple[Epoch, ValueBundle] | None = None

    def copied(self) -> TopicLife:
        """A copy that later submissions do not touch."""
        parts = ("active", "lowest", "inferences", "forecasts", "reports", "commits")
        lists = ("worker_nonces", "reputer_nonces", "labels")
        fresh = copy(self)
        for name in parts:
            setattr(fresh, name, dict(getattr(self, name)))
        for name in lists:
            setattr(fresh, name, list(getattr(self, name)))
        return fresh

    def typed(self, name: str, tail: Tail = END, **fields: object) -> list[Json]:
        """An event of this topic, where the release emits it."""
        return self.form.event(name, {"topic_id": self.topic_id, **fields}, tail)

    # Submissions

    def enter(
        self, role: Role, actor: str, nonce: int, last_ended: int, tail: Tail
    ) -> tuple[bool, str, list[Json]]:
        """Compete for a seat of the active set.

        Returns:
            Whether the actor is in, who was put out for it or ``""``, and the events.

        Raises:
            ValueError: the actor is in already or was judged for this nonce.
        """
        window = SubmissionWindow(
            self.topic_id,
            role,
            nonce,
            int(getattr(self.params, f"max_top_{role}s_to_reward")),
            self.params.merit_sortition_alpha,
            last_ended,
            self.times.epoch_length,
            self.times.ground_truth_lag,
        )
        before = self.active_set(role)
        result = submit(window, before, actor, self.rules)
        if result.outcome in ("already_active", "already_updated"):
            raise ValueError(f"{role} {actor} has submitted for nonce {nonce}")
        after = result.active_set
        self.keep(role, after)
        first = before.heights.get(actor, 0) == 0
        moved = result.displaced
        if result.outcome == "outside" and not (first and self.rules.initial_score == "present"):
            moved = actor
        events: list[Json] = []
        if moved:
            events = self.averages(role, {moved: after.scores[moved]}, nonce, False, tail)
        return result.outcome in ("entered", "displaced"), result.displaced, events

    def active_set(self, role: Role) -> ActiveSet:
        """The active set of a role with everybody's averages."""
        state = self.state
        return ActiveSet(
            scores=getattr(state, f"{role}_score_ema"),
            heights=getattr(state, f"{role}_score_height"),
            active=self.active[role],
            lowest=self.lowest[role],
            quantile=getattr(state, f"{role}_score_quantile"),
            initial_score=getattr(state, f"initial_{role}_score"),
        )

    def keep(self, role: Role, active_set: ActiveSet) -> None:
        """Store an active set and its averages."""
        self.active[role], self.lowest[role] = active_set.active, active_set.lowest
        scores: dict[str, Any] = {
            f"{role}_score_ema": active_set.scores,
            f"{role}_score_height": active_set.heights,
        }
        self.state = replace(self.state, **scores)

    def leave(self, *roles: Role) -> None:
        """Empty active sets at the close of their nonce."""
        for role in roles:
            self.keep(role, closed(self.active_set(role), self.rules))

    def averages(
        self, role: Role, scores: Mapping[str, Decimal], nonce: int, active: bool, tail: Tail
    ) -> list[Json]:
        """EventEMAScoresSet, if there is anybody to tell of."""
        if not scores:
            return []
        return self.typed(
            "EventEMAScoresSet",
            tail,
            actor_type=TYPES[role],
            nonce=nonce,
            addresses=list(scores),
            scores=list(scores.values()),
            is_active=[active] * len(scores),
        )

    def per_actor(
        self, name: str, values: Mapping[str, Decimal], listed: str, **fields: Any
    ) -> list[Json]:
        """An event with a list of addresses and one of values; none without anybody."""
        if not values:
            return []
        fields = {**fields, "addresses": list(values), listed: list(values.values())}
        return self.typed(name, **fields)

    # Close of the worker nonce

    def close_workers(self, nonce: int, height: int) -> list[Json]:
        """Close a worker nonce: what was accepted, the network inference, the reputer nonce."""
        self.worker_nonces.remove(nonce)
        events: list[Json] = []
        if self.active["inferer"]:
            events = self.commit_workers(nonce, height)
        self.leave("inferer", "forecaster")
        self.inferences, self.forecasts, self.labels = {}, {}, []
        return events + self.typed("EventWorkerSubmissionWindowClosed", nonce_block_height=nonce)

    def commit_workers(self, nonce: int, height: int) -> list[Json]:
        """Take the submissions of the active sets."""
        inferences = {j: self.inferences[j] for j in sorted(self.active["inferer"])}
        forecasts = {}
        for k in sorted(self.active["forecaster"]):
            elements = tuple(pair for pair in self.forecasts[k] if pair[0] in inferences)
            if elements:
                forecasts[k] = elements
        used = {label for values in inferences.values() for label in values}
        labels = tuple(label for label in self.labels if label in used)
        epoch = Epoch(
            self.topic_id, nonce, inferences, forecasts, labels=labels, params=self.params
        )
        self.commits[nonce] = epoch
        self.reputer_nonces.insert(0, nonce)
        events = self.typed(
            "EventEpochLabelRegistryFrozen", nonce_block_height=nonce, registry_size=len(labels)
        )
        events += self.typed(
            "EventReputerSubmissionWindowOpened",
            nonce_block_height=nonce,
            window_end_block=nonce + self.times.reputer_closes,
        )
        if self.form.release.since("v7"):
            events += self.network_inferences(epoch)
        for role in ("Inferer", "Forecaster"):
            members = list(self.active["inferer" if role == "Inferer" else "forecaster"])
            name = f"EventActive{role}sSet"
            events += self.typed(name, nonce_block_height=nonce, addresses=members)
        return events + self.committed("Worker", nonce, height)

    def network_inferences(self, epoch: Epoch) -> list[Json]:
        """Both network inferences, with the regrets and weights of the first."""
        inferred = self.formulas.infer(epoch, self.state, self.rules)
        self.state = inferred.state
        used = inferred.network
        nonce = epoch.nonce
        events: list[Json] = []
        for role in ("Inferer", "Forecaster"):
            regrets = getattr(used, f"{role.lower()}_regret_used")
            name = f"EventNetworkInference{role}RegretsUsedSet"
            events += self.per_actor(name, regrets, "regrets", nonce_block_height=nonce)
        events += self.network_inference(epoch, used, epoch.inferences, False)
        for role in ("Inferer", "Forecaster"):
            weights = getattr(used, f"{role.lower()}_weight")
            name = f"EventNetworkInference{role}WeightsSet"
            events += self.per_actor(name, weights, "weights", nonce_block_height=nonce)
        if inferred.outlier_resistant is not None:
            kept = epoch.inferences
            if inferred.outlier_resistant is not used:
                scalars = {j: next(iter(x.values())) for j, x in epoch.inferences.items()}
                names = kept_inferers(scalars, self.state, self.params)
                kept = {j: epoch.inferences[j] for j in sorted(names)}
            events += self.network_inference(epoch, inferred.outlier_resistant, kept, True)
        return events

    def network_inference(
        self,
        epoch: Epoch,
        network: Synthesis,
        inferences: Mapping[str, Mapping[str, Decimal]],
        resistant: bool,
    ) -> list[Json]:
        """One network inference in the form of the release."""
        default = self.params.label_default_value
        values = {
            j: tuple(given.get(label, default) for label in epoch.labels)
            for j, given in inferences.items()
        }
        if self.form.release.since("v10"):
            bundle = labeled_bundle(network, values, epoch.labels, resistant)
            return self.typed("EventNetworkInferenceBundle", nonce=epoch.nonce, **bundle)
        name = "EventOutlierResistantNetworkInferences" if resistant else "EventNetworkInferences"
        return self.typed(name, **self.form.inferences(network, values, self.topic_id, epoch.nonce))

    def committed(self, who: str, nonce: int, height: int) -> list[Json]:
        """The event of a close that went well."""
        return self.typed(
            f"Event{who}LastCommitSet", block_height=height, nonce={"block_height": nonce}
        )

    # Close of the reputer nonce

    def close_reputers(
        self, nonce: int, height: int, stakes: Mapping[str, tuple[int, int]], least: int
    ) -> list[Json]:
        """Close a reputer nonce: network losses, regrets, scale, weights.

        Args:
            stakes: reputer -> its whole stake and the delegated part of it.
            least: stake that a reputer needs now.
        """
        self.reputer_nonces.remove(nonce)
        reports = {}
        for m in sorted(self.active["reputer"]):
            whole, delegated = stakes.get(m, (0, 0))
            if whole >= least:
                reports[m] = Report(Decimal(whole), self.reports[m], Decimal(delegated))
        events: list[Json] = []
        if reports:
            epoch = replace(self.commits.pop(nonce), reports=reports)
            events = self.settle(epoch)
            events += self.typed(
                "EventActiveReputersSet",
                nonce_block_height=nonce,
                addresses=list(self.active["reputer"]),
            )
            events += self.committed("Reputer", nonce, height)
        self.leave("reputer")
        self.reports = {}
        return events + self.typed("EventReputerSubmissionWindowClosed", nonce_block_height=nonce)

    def settle(self, epoch: Epoch) -> list[Json]:
        """Settle an epoch whose rewards then wait."""
        nonce, before = epoch.nonce, self.state
        settled = self.formulas.settle(epoch, before, self.rules)
        after = self.state = settled.state
        losses = settled.network_losses
        self.waiting = (epoch, losses)
        at = {"block_height": nonce}
        events = self.typed("EventNetworkLossSet", **self.form.losses(losses, self.topic_id, nonce))
        for kind, actors in (
            ("Inferer", losses.inferer),
            ("Forecaster", losses.forecaster),
            ("NaiveInferer", losses.inferer),
        ):
            name = "naive_inferer" if kind == "NaiveInferer" else kind.lower()
            stored = getattr(after, f"{name}_regret")
            regrets = {actor: stored[actor] for actor in actors}
            events += self.per_actor(f"Event{kind}NetworkRegretSet", regrets, "regrets", **at)
        if str(after.initial_regret) != str(before.initial_regret):
            events += self.typed(
                "EventTopicInitialRegretSet", block_height=nonce, regret=after.initial_regret
            )
        if self.rules.scale_storage == "stored":
            events += self.typed(
                "EventRegretStdNormSet", block_height=nonce, stdnorm=after.regret_scale
            )
        if self.rules.stored_weights == "present":
            events += self.stored_weights("Inferer", losses.inferer, after.inferer_weight, nonce)
            events += self.stored_weights(
                "Forecaster", losses.forecaster, after.forecaster_weight, nonce
            )
        return events

    def stored_weights(
        self, kind: str, actors: Mapping[str, Decimal], stored: Mapping[str, Decimal], nonce: int
    ) -> list[Json]:
        """The normalized weights, one event an actor before v9."""
        weights = {actor: stored[actor] for actor in actors}
        events = [
            event
            for actor, weight in weights.items()
            for event in self.typed(
                f"Event{kind}WeightSet", block_height=nonce, address=actor, weight=weight
            )
        ]
        return events + self.per_actor(
            f"Event{kind}WeightsSet", weights, "weights", block_height=nonce
        )

    # Scores and rewards

    def rewarded(self, amount: Decimal) -> tuple[Epoch, Rewarded, list[Json]]:
        """Score and reward the epoch that waits.

        A stage that fails ends the topic's rewards; what the stages before it stored is told.

        Raises:
            TopicError: the rewards of reputers fail half way, which is not modelled.
        """
        assert self.waiting is not None
        epoch, losses = self.waiting
        self.waiting = None
        result = self.formulas.reward(replace(epoch, reward=amount), losses, self.state, self.rules)
        if result.fault is not None and result.delegators_reward:
            raise result.fault
        self.state = result.state
        events: list[Json] = []
        order: tuple[Role, ...] = ("reputer", "inferer", "forecaster")
        for role in order:
            events += self.scores(role, result, losses, epoch.nonce)
        if result.gamma is not None:
            fields: dict[str, object] = {"score": result.forecasting_task_utility_score}
            if self.form.release.since("v9"):
                fields["nonce_block_height"] = epoch.nonce
            events += self.typed("EventForecastTaskScoreSet", END, **fields)
        return epoch, result, events

    def scores(self, role: Role, result: Rewarded, losses: ValueBundle, nonce: int) -> list[Json]:
        """Scores of one role, what the reputers are listened to, the averages."""
        at: dict[str, Any] = {"block_height": nonce, "actor_type": TYPES[role]}
        scores: Mapping[str, Decimal] = getattr(result, f"{role}_score")
        events = self.per_actor("EventScoresSet", scores, "scores", **at)
        stored = getattr(result.state, f"{role}_score_ema")
        if role != "reputer" and len(getattr(losses, role)) == 1:
            return events  # the average of a lone worker stays as it is
        if role == "reputer":
            heard = {m: result.state.listening_coefficient[m] for m in scores}
            events += self.per_actor("EventListeningCoefficientsSet", heard, "coefficients", **at)
        averages = {actor: stored[actor] for actor in scores}
        events += self.averages(role, averages, nonce, True, END)
        if averages and self.rules.initial_score == "present":
            score = getattr(result.state, f"initial_{role}_score")
            events += self.typed("EventTopicInitialEmaScoreSet", **at, score=score)
        return events

    def settled_rewards(self, role: Role, result: Rewarded, nonce: int, height: int) -> list[Json]:
        """The rewards, before they are cut to whole units, of those who are paid."""
        rewards: Mapping[str, Decimal] = getattr(result, f"{role}_reward")
        paid = getattr(result, f"{role}_paid")
        later = self.form.release.since("v8")
        at: dict[str, object] = {
            "actor_type": TYPES[role],
            "block_height": nonce if later else height,
        }
        if later:
            at["block_height_tx"] = height
        listed = {actor: rewards[actor] for actor in rewards if actor in paid}
        return self.per_actor("EventRewardsSettled", listed, "rewards", **at)

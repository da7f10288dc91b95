"""Who sends what when, in made-up block data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from hashlib import sha512
from typing import TYPE_CHECKING, Any

from allora_core.epoch import Epoch, Params, Report, ValueBundle
from allora_core.reference.number_text import plain_text, stored_text
from allora_core.testing.block_forms import Release
from allora_core.testing.block_ledger import Message
from allora_core.testing.block_node import Node
from allora_core.testing.block_params import TOPIC_PARAMS
from allora_core.testing.block_topics import TopicTimes

if TYPE_CHECKING:
    from allora_core.testing.block_writer import BlockPlan

__all__ = ["Script", "TopicPlan"]

CREATOR = "allo1synthetic0creator"
DELEGATOR = "allo1synthetic0delegator"


@dataclass(frozen=True)
class TopicPlan:
    """One topic to be written.

    Attributes:
        epochs: what actors deliver, epoch by epoch. Nonces, rewards and states are the chain's;
            stakes only grow: what a report has more than its reputer holds is added before it.
        times: the topic's clock.
        params: of the first epoch by default; what belongs to the module is the chain's.
        funding: base units that the topic is funded with.
    """

    epochs: tuple[Epoch, ...]
    times: TopicTimes = field(default_factory=lambda: TopicTimes(10, 10, 4))
    funding: int = 10**15

    def __post_init__(self) -> None:
        """Refuse a clock that no release keeps.

        Raises:
            ValueError: no epochs, or windows that do not fit.
        """
        times = self.times
        if not self.epochs:
            raise ValueError("a topic without epochs")
        if not 2 <= times.worker_submission_window < times.epoch_length:
            raise ValueError("worker_submission_window must be from 2 to below epoch_length")
        if times.ground_truth_lag < times.epoch_length:
            raise ValueError("ground_truth_lag must not be below epoch_length")

    @property
    def params(self) -> Params:
        """Parameters of the first epoch, which hold for all."""
        return self.epochs[0].params

    @property
    def several(self) -> bool:
        """Whether the topic has several labels."""
        return any(epoch.labels != ("y",) for epoch in self.epochs)


class Script:
    """Sends the payloads of a plan while the chain opens its windows.

    Raises:
        ValueError: a forecast has more elements than the chain takes.
    """

    def __init__(self, node: Node, plan: BlockPlan) -> None:
        self.node = node
        self.plan = plan
        self.due: dict[int, list[list[Message]]] = {}
        self.staking: dict[int, list[tuple[int, str, Report]]] = {}
        self.closing: dict[int, list[int]] = {}
        self.seen: dict[int, int] = {}
        self.left = {at + 1: len(topic.epochs) for at, topic in enumerate(plan.topics)}
        longest = 0
        for at, topic in enumerate(plan.topics):
            self.prepare(at + 1, topic, plan.first_height)
            for epoch in topic.epochs:
                longest = max(longest, *map(len, epoch.forecasts.values()), 0)
        if longest > plan.chain.most_elements:
            raise ValueError(f"a forecast of {longest} elements, but most_elements is smaller")
        slowest = max(
            (len(topic.epochs) + 3) * topic.times.epoch_length + topic.times.reputer_closes
            for topic in plan.topics
        )
        self.last_height = plan.first_height + slowest + 10

    def finished(self, height: int) -> bool:
        """Whether every epoch is rewarded.

        Raises:
            ValueError: a topic's epochs never end, as it is too light to be active.
        """
        if not any(self.left.values()):
            return True
        if height > self.last_height:
            topic_id = next(topic for topic, left in self.left.items() if left)
            raise ValueError(f"topic {topic_id} is not active: it needs more stake or funding")
        return False

    def send(self, height: int, *messages: Message) -> None:
        """Put a transaction into a block."""
        self.due.setdefault(height, []).append(list(messages))

    def prepare(self, topic_id: int, topic: TopicPlan, first: int) -> None:
        """Create a topic, register everybody, fund it; topics do not start all at once."""
        self.send(first, ("CreateNewTopic", created(topic, self.node.form.release)))
        workers: dict[str, None] = {}
        reputers: dict[str, None] = {}
        for epoch in topic.epochs:
            named = [inferer for row in epoch.forecasts.values() for inferer, _ in row]
            workers |= dict.fromkeys((*epoch.inferences, *epoch.forecasts, *named))
            reputers |= dict.fromkeys(epoch.reports)
        for is_reputer, actors in ((False, workers), (True, reputers)):
            for actor in actors:
                fields = {"sender": actor, "topic_id": topic_id, "owner": actor}
                self.send(first + 1, ("Register", {**fields, "is_reputer": is_reputer}))
        self.staking.setdefault(first + 2, []).extend(
            (topic_id, reputer, report) for reputer, report in topic.epochs[0].reports.items()
        )
        if self.plan.administering and self.node.form.release.since("v9"):
            actor = next(iter(workers))
            owner = {"sender": actor, "new_owner": CREATOR, "is_reputer": False}
            self.send(first + 2, ("TransferActorOwnership", owner))
            listed = {"sender": CREATOR, "address": actor, "topic_id": topic_id}
            self.send(first + 2, ("AddToTopicWorkerWhitelist", listed))
        funding = {"sender": CREATOR, "topic_id": topic_id, "amount": str(topic.funding)}
        self.send(first + 3 + (topic_id - 1) % 3, ("FundTopic", funding))

    def stakes(self, topic_id: int, reputer: str, report: Report) -> Iterator[Message]:
        """Add what a reputer holds less than its report says, own and delegated."""
        whole, delegated = self.node.accounts.stake(topic_id, reputer)
        own = int(report.stake - report.delegated) - (whole - delegated)
        more = int(report.delegated) - delegated
        at = {"topic_id": topic_id}
        if own > 0:
            yield "AddStake", {**at, "sender": reputer, "amount": str(own)}
        if more > 0:
            # Whoever delegates again is paid first; each comes only once here.
            delegator = f"{DELEGATOR}{self.node.height}"
            yield (
                "DelegateStake",
                {**at, "sender": delegator, "reputer": reputer, "amount": str(more)},
            )

    def removal(self, topic_id: int, reputer: str) -> Iterator[Message]:
        """Ask for a tenth of a reputer's own stake back."""
        whole, delegated = self.node.accounts.stake(topic_id, reputer)
        amount = (whole - delegated) // 10
        if amount:
            fields = {"sender": reputer, "topic_id": topic_id, "amount": str(amount)}
            yield "RemoveStake", fields

    def claims(self, topic_id: int, reputer: str) -> Iterator[Message]:
        """Ask for what the delegators of a reputer earned."""
        for topic, upon, delegator in list(self.node.accounts.delegations):
            if (topic, upon) == (topic_id, reputer):
                fields = {"sender": delegator, "topic_id": topic_id, "reputer": reputer}
                yield "RewardDelegateStake", fields

    def transactions(self, height: int) -> Iterator[list[Message]]:
        """The messages of each transaction of a block, in order."""
        for topic_id, reputer, report in self.staking.pop(height, []):
            for message in self.stakes(topic_id, reputer, report):
                yield [message]
            if self.plan.removing and self.seen.get(topic_id) == 2:
                for message in self.removal(topic_id, reputer):
                    yield [message]
            if self.plan.claiming and self.seen.get(topic_id, 0) > 1:
                for message in self.claims(topic_id, reputer):
                    yield [message]
        for messages in self.due.pop(height, []):
            yield messages
            if self.plan.failing and messages[0][0].endswith("Payload"):
                yield messages  # whoever has submitted is refused

    def after(self, height: int) -> None:
        """See what the block opened and closed."""
        for topic_id in self.closing.pop(height, []):
            self.left[topic_id] -= 1
        for topic_id, life in self.node.lives.items():
            topic = self.plan.topics[topic_id - 1]
            number = self.seen.get(topic_id, 0)
            if height in life.worker_nonces and number < len(topic.epochs):
                self.seen[topic_id] = number + 1
                self.epoch(topic_id, topic, topic.epochs[number], height)

    def epoch(self, topic_id: int, topic: TopicPlan, epoch: Epoch, nonce: int) -> None:
        """Plan one epoch's payloads, spread over their windows."""
        times = topic.times
        payloads = [
            ("InsertWorkerPayload", fields)
            for worker in dict.fromkeys((*epoch.inferences, *epoch.forecasts))
            if (fields := worker_payload(topic, epoch, worker, topic_id, nonce))
        ]
        opens = range(nonce + 1, nonce + times.worker_submission_window)
        together = max(self.plan.together, 1)
        for at in range(0, len(payloads), together):
            height = opens[at // together % len(opens)]
            self.send(height, *payloads[at : at + together])
        first = nonce + times.reputer_opens
        # v0.6 takes no report later than twice the lag after the nonce.
        last = min(times.epoch_length, nonce + 2 * times.ground_truth_lag - first) - 1
        for at, (reputer, report) in enumerate(epoch.reports.items()):
            height = first + 1 + at % max(last, 1)
            sent = reputer_payload(report.bundle, reputer, topic_id, nonce)
            self.staking.setdefault(height, []).append((topic_id, reputer, report))
            self.send(height, ("InsertReputerPayload", sent))
        self.closing.setdefault(nonce + times.reputer_closes, []).append(topic_id)


def created(topic: TopicPlan, release: Release) -> dict[str, Any]:
    """CreateNewTopic."""
    fields: dict[str, Any] = {
        "creator": CREATOR,
        "metadata": "synthetic",
        "loss_method": "mse",
        "epoch_length": topic.times.epoch_length,
        "ground_truth_lag": topic.times.ground_truth_lag,
        "worker_submission_window": topic.times.worker_submission_window,
        **{
            name: plain_text(getattr(topic.params, name))
            for name in (*TOPIC_PARAMS, *release.topic_params)
        },
    }
    if release.since("v10"):
        labels = {label for epoch in topic.epochs for label in epoch.labels}
        fields |= {
            "topic_type": 2 if topic.several else 1,
            "output_arity": 2 if topic.several else 1,
            "max_labels_per_submission": len(labels),
        }
    return fields


def worker_payload(
    topic: TopicPlan, epoch: Epoch, worker: str, topic_id: int, nonce: int
) -> dict[str, Any]:
    """What a worker sends; nothing where it neither infers nor forecasts about anybody."""
    at = {"topic_id": topic_id, "block_height": nonce}
    parts: dict[str, Any] = {}
    if worker in epoch.inferences:
        given = epoch.inferences[worker]
        value: dict[str, Any] = {
            "values": [
                {"label": label, "value": stored_text(number)} for label, number in given.items()
            ]
        }
        if not topic.several:
            value = {"value": stored_text(next(iter(given.values())))}
        parts["inference"] = {**at, "inferer": worker, **value}
    if epoch.forecasts.get(worker):
        parts["forecast"] = {
            **at,
            "forecaster": worker,
            "forecast_elements": [
                {"inferer": inferer, "value": stored_text(loss)}
                for inferer, loss in epoch.forecasts[worker]
            ],
        }
    if not parts:
        return {}
    bundle = {
        "worker": worker,
        "nonce": {"block_height": nonce},
        "topic_id": topic_id,
        "inference_forecasts_bundle": parts,
        "inferences_forecasts_bundle_signature": seal(worker, nonce),
        "pubkey": seal("key", 0).hex()[:66],
    }
    return {"sender": worker, "worker_data_bundle": bundle}


def reputer_payload(bundle: ValueBundle, reputer: str, topic_id: int, nonce: int) -> dict[str, Any]:
    """What a reputer sends."""

    def listed(values: Mapping[str, Decimal]) -> list[dict[str, str]]:
        return [{"worker": worker, "value": stored_text(loss)} for worker, loss in values.items()]

    sent = {
        "topic_id": topic_id,
        "reputer_request_nonce": {"reputer_nonce": {"block_height": nonce}},
        "reputer": reputer,
        "combined_value": stored_text(bundle.combined or Decimal(0)),
        "inferer_values": listed(bundle.inferer),
        "forecaster_values": listed(bundle.forecaster),
        "naive_value": stored_text(bundle.naive or Decimal(0)),
        "one_out_inferer_values": listed(bundle.one_out_inferer),
        "one_out_forecaster_values": listed(bundle.one_out_forecaster),
        "one_in_forecaster_values": listed(bundle.one_in_forecaster),
        "one_out_inferer_forecaster_values": [
            {"forecaster": forecaster, "one_out_inferer_values": listed(row)}
            for forecaster, row in bundle.one_out_inferer_forecaster.items()
        ],
    }
    value = {
        "value_bundle": sent,
        "signature": seal(reputer, nonce),
        "pubkey": seal("key", 0).hex()[:66],
    }
    return {"sender": reputer, "reputer_value_bundle": value}


def seal(who: str, nonce: int) -> bytes:
    """Bytes in the place of a signature."""
    return sha512(f"{who}/{nonce}".encode()).digest()

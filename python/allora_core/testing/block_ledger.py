"""A made-up chain's accounts and what its transactions do to them.

Sources: allora-chain v0.6, ``x/emissions/keeper/msgserver``; later releases as their events and
notes describe.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from allora_core.epoch import ValueBundle
from allora_core.reference.number import compare, multiply, subtract
from allora_core.reference.number_text import to_integer_amount
from allora_core.reference.topic_activation import activated
from allora_core.reference.topic_weight import topic_weight
from allora_core.testing.block_forms import Form, Json, Tail, attributes, position_bundle
from allora_core.testing.block_messages import type_url
from allora_core.testing.block_topics import TopicLife
from allora_core.topics import Topic, Topics, TopicWeightParams

__all__ = ["ACCOUNTS", "BEGIN", "Accounts", "Ledger", "Message", "Refused"]

ACCOUNTS = {
    "mint": "allo1m3h30wlvsf8llruxtpukdvsy0km2kum8xzamse",
    "ecosystem": "allo12uxa8rw9hte3z2nuswjzpmfen289n30uag6agp",
    "rewards": "allo17099f3pwtd7u0je2x3ajrem6cfydj9xj5ccq2a",
    "fee_collector": "allo17xpfvakm2amg962yls6f84z3kell8c5l72eruy",
    "staking": "allo1synthetic0stakingaccount",
    "delegators": "allo1synthetic0pendingaccount",
}
"""Module accounts. The first four are those of recorded blocks."""

BEGIN: Tail = ("mode", "BeginBlock")
Message = tuple[str, dict[str, Any]]
NOTHING = (Decimal(0), Decimal(0))


class Refused(ValueError):
    """A message that the chain does not execute; its transaction fails as a whole."""


@dataclass
class Accounts:
    """Stakes and balances.

    Attributes:
        own, delegated: (topic, reputer) -> base units.
        delegations: (topic, reputer, delegator) -> base units, and rewards paid or older than it.
        removals: completion height -> topic, reputer, amount.
    """

    rewards: int
    ecosystem: int
    own: dict[tuple[int, str], int] = field(default_factory=dict)
    delegated: dict[tuple[int, str], int] = field(default_factory=dict)
    delegations: dict[tuple[int, str, str], tuple[Decimal, Decimal]] = field(default_factory=dict)
    removals: dict[int, list[tuple[int, str, int]]] = field(default_factory=dict)

    def copied(self) -> Accounts:
        """A copy that later messages do not touch."""
        removals = {height: list(due) for height, due in self.removals.items()}
        return replace(
            self,
            own=dict(self.own),
            delegated=dict(self.delegated),
            delegations=dict(self.delegations),
            removals=removals,
        )

    def stake(self, topic_id: int, reputer: str) -> tuple[int, int]:
        """Whole stake and the delegated part."""
        own = self.own.get((topic_id, reputer), 0)
        delegated = self.delegated.get((topic_id, reputer), 0)
        return own + delegated, delegated

    def topic_stake(self, topic_id: int) -> int:
        """All stake in a topic."""
        parts = (*self.own.items(), *self.delegated.items())
        return sum(amount for (topic, _), amount in parts if topic == topic_id)


@dataclass
class Ledger:
    """Accounts, topics and submissions, and what transactions do to them.

    Attributes:
        form: how the release writes events.
        weights: parameters of topics' weights.
        least_stake, data_sending_fee, removal_delay: parameters of the module emissions.
        topic_life: makes a topic's life out of its number and the message that created it.
    """

    form: Form
    weights: TopicWeightParams
    least_stake: int
    data_sending_fee: int
    removal_delay: int
    topic_life: Callable[[int, Mapping[str, Any]], TopicLife]
    accounts: Accounts
    height: int = 0
    topics: Topics = field(default_factory=Topics)
    lives: dict[int, TopicLife] = field(default_factory=dict)
    registered: set[tuple[int, str, bool]] = field(default_factory=set)

    def coins(self, sender: str, recipient: str, amount: int, tail: Tail) -> list[Json]:
        """The bank's events of one movement of coins."""
        text = f"{amount}uallo"
        return [
            attributes("coin_spent", {"spender": sender, "amount": text}, tail),
            attributes("coin_received", {"receiver": recipient, "amount": text}, tail),
            attributes(
                "transfer", {"recipient": recipient, "sender": sender, "amount": text}, tail
            ),
            attributes("message", {"sender": sender}, tail),
        ]

    def between(self, sender: str, recipient: str, amount: int, tail: Tail) -> list[Json]:
        """The same between module accounts; nothing where nothing moves."""
        if not amount:
            return []
        return self.coins(ACCOUNTS[sender], ACCOUNTS[recipient], amount, tail)

    # Transactions

    def deliver(
        self, messages: Sequence[Message], is_wrapped: bool = False
    ) -> tuple[int, list[Json], str]:
        """Execute a transaction's messages; all or none.

        Args:
            is_wrapped: they run in one MsgExec, the transaction's only message.

        Returns:
            Result code, events, and the log of a failure.
        """
        saved = self.saved(messages)
        events: list[Json] = []
        for index, (name, fields) in enumerate(messages):
            tail = ("msg_index", str(index))
            sender = str(fields.get("sender") or fields.get("creator"))
            url = type_url(name, self.form.release.api)
            action = {"action": url, "sender": sender, "module": self.form.release.api}
            told = [attributes("message", action, tail)]
            try:
                told += getattr(self, HANDLERS[name])(fields, tail)
            except ValueError as error:
                self.topics, self.lives, self.accounts, self.registered = saved
                return 75, [], f"failed to execute message; message index: {index}: {error}"
            events += [within_exec(event) for event in told] if is_wrapped else told
        return 0, events, ""

    def saved(
        self, messages: Sequence[Message]
    ) -> tuple[Topics, dict[int, TopicLife], Accounts, set[tuple[int, str, bool]]]:
        """What a transaction that fails goes back to; what its messages cannot touch is shared."""
        lives, registered = self.lives, self.registered
        for name, fields in messages:
            if name == "Register":
                registered = set(self.registered)
            elif name == "CreateNewTopic":
                lives = dict(lives)
            elif name.endswith("Payload"):
                worker = fields.get("worker_data_bundle")
                topic_id = (worker or fields["reputer_value_bundle"]["value_bundle"])["topic_id"]
                life = self.lives.get(topic_id)  # None: made here, or not there
                if life is not None and lives[topic_id] is life:
                    lives = {**lives, topic_id: life.copied()}
        return self.topics, lives, self.accounts.copied(), registered

    def life(self, topic_id: int) -> TopicLife:
        """The life of a topic that a message names."""
        if topic_id not in self.lives:
            raise Refused(f"topic {topic_id} does not exist")
        return self.lives[topic_id]

    def create(self, fields: Mapping[str, Any], tail: Tail) -> list[Json]:
        """CreateNewTopic: topics are counted from 1."""
        topic_id = len(self.lives) + 1
        life = self.topic_life(topic_id, fields)
        self.lives[topic_id] = life
        topic = Topic(topic_id, life.times.epoch_length)
        self.topics = replace(self.topics, topics={**self.topics.topics, topic_id: topic})
        value = {
            "id": topic_id,
            **{name: fields.get(name) for name in ("creator", "metadata", "loss_method")},
            "epoch_last_ended": 0,
            **{name: fields[name] for name in ("epoch_length", "ground_truth_lag", "p_norm")},
            "alpha_regret": fields["alpha_regret"],
            "allow_negative": bool(fields.get("allow_negative")),
            "epsilon": fields["epsilon"],
            "initial_regret": "0",
            **{name: fields[name] for name in TOPIC_TAIL if name in fields},
        }
        return self.form.event("EventCreateNewTopic", {"topic": value}, tail)

    def register(self, fields: Mapping[str, Any], tail: Tail) -> list[Json]:
        """Register a worker or reputer."""
        topic_id, is_reputer = fields["topic_id"], bool(fields.get("is_reputer"))
        self.registered.add((topic_id, fields["sender"], is_reputer))
        who = "reputer" if is_reputer else "worker"
        told = {"topic_id": topic_id, who: fields["sender"], "owner": fields["owner"]}
        return self.form.event(f"Event{who.capitalize()}Registered", told, tail)

    def transfer_ownership(self, fields: Mapping[str, Any], tail: Tail) -> list[Json]:
        """TransferActorOwnership: somebody else is paid for an actor from now on."""
        told = {
            "node_address": fields["sender"],
            "is_reputer": bool(fields.get("is_reputer")),
            "old_owner": fields["sender"],
            "new_owner": fields["new_owner"],
        }
        return self.form.event("EventNodeOwnerUpdated", told, tail)

    def allow_worker(self, fields: Mapping[str, Any], tail: Tail) -> list[Json]:
        """AddToTopicWorkerWhitelist; no list of a made-up chain is switched on."""
        told = {"topic_id": fields["topic_id"], "address": fields["address"]}
        return self.form.event("EventTopicWorkerWhitelistAdded", told, tail)

    def fund(self, fields: Mapping[str, Any], tail: Tail) -> list[Json]:
        """FundTopic: revenue of the topic, which may then become active."""
        topic_id, amount = fields["topic_id"], int(fields["amount"])
        events = self.paid(topic_id, fields["sender"], amount, tail)
        told = {"topic_id": topic_id, "funder": fields["sender"], "amount": amount}
        return events + self.form.event("EventFundTopic", told, tail)

    def paid(self, topic_id: int, sender: str, amount: int, tail: Tail) -> list[Json]:
        """A fee for a topic: coins to the ecosystem, revenue to the topic."""
        if not amount:
            return []
        self.accounts.ecosystem += amount
        topic = self.topics.topics[topic_id]
        self.put(replace(topic, fee_revenue=topic.fee_revenue + amount))
        events = self.coins(sender, ACCOUNTS["ecosystem"], amount, tail)
        return events + self.activate(topic_id, tail)

    def put(self, topic: Topic) -> None:
        """Store a topic."""
        self.topics = replace(self.topics, topics={**self.topics.topics, topic.topic_id: topic})

    def activate(self, topic_id: int, tail: Tail) -> list[Json]:
        """Activate a topic that is heavy enough."""
        topic = self.topics.topics[topic_id]
        if topic.active:
            return []
        weight = topic_weight(
            Decimal(topic.stake),
            Decimal(topic.fee_revenue),
            topic.epoch_length,
            topic.previous_weight,
            self.weights,
            self.form.release.rules,
        )
        if compare(weight, self.weights.min_topic_weight) < 0:
            return []
        rules = self.form.release.rules
        self.topics = activated(self.topics, topic_id, self.height, self.weights, rules)
        told = {"topic_id": topic_id, "is_active": True}
        return self.form.event("EventTopicStatusChanged", told, tail)

    def add_stake(self, fields: Mapping[str, Any], tail: Tail) -> list[Json]:
        """AddStake of a registered reputer."""
        topic_id, reputer = fields["topic_id"], fields["sender"]
        if (topic_id, reputer, True) not in self.registered:
            raise Refused(f"reputer {reputer} is not registered in topic {topic_id}")
        events = self.stake_events(topic_id, reputer, reputer, int(fields["amount"]), tail)
        return events + self.activate(topic_id, tail)

    def delegate(self, fields: Mapping[str, Any], tail: Tail) -> list[Json]:
        """DelegateStake upon a reputer."""
        topic_id, reputer = fields["topic_id"], fields["reputer"]
        amount = int(fields["amount"])
        part, _ = self.accounts.delegations.get((topic_id, reputer, fields["sender"]), NOTHING)
        part += amount
        debt = multiply(part, self.per_share(topic_id, reputer))
        self.accounts.delegations[topic_id, reputer, fields["sender"]] = (part, debt)
        events = self.stake_events(topic_id, reputer, fields["sender"], amount, tail)
        return events + self.activate(topic_id, tail)

    def per_share(self, topic_id: int, reputer: str) -> Decimal:
        """Rewards of a reputer's delegators per unit of their stake."""
        state = self.lives[topic_id].state
        return state.delegate_reward_per_share.get(reputer, Decimal(0))

    def claim(self, fields: Mapping[str, Any], tail: Tail) -> list[Json]:
        """RewardDelegateStake: what the delegation earned since it was paid last."""
        topic_id, reputer, delegator = fields["topic_id"], fields["reputer"], fields["sender"]
        key = (topic_id, reputer, delegator)
        part, debt = self.accounts.delegations.get(key, NOTHING)
        earned = multiply(part, self.per_share(topic_id, reputer))
        owed = subtract(earned, debt)
        if owed <= 0:
            return []
        self.accounts.delegations[key] = (part, earned)
        told = {"topic_id": topic_id, "reputer": reputer, "delegator": delegator, "amount": owed}
        coins = self.coins(ACCOUNTS["delegators"], delegator, to_integer_amount(owed), tail)
        return coins + self.form.event("EventRewardDelegateStake", told, tail)

    def stake_events(
        self, topic_id: int, reputer: str, delegator: str, amount: int, tail: Tail
    ) -> list[Json]:
        """Add stake, or take it away where the amount is negative."""
        if not amount:
            return []
        book = self.accounts.own if delegator == reputer else self.accounts.delegated
        book[topic_id, reputer] = book.get((topic_id, reputer), 0) + amount
        topic = self.topics.topics[topic_id]
        self.put(replace(topic, stake=self.accounts.topic_stake(topic_id)))
        name = "EventAddStake" if amount > 0 else "EventRemoveStake"
        moved = {
            "topic_id": topic_id,
            "reputer": reputer,
            "delegator": delegator,
            "amount": abs(amount),
        }
        now = self.accounts.stake(topic_id, reputer)[0]
        total = {"topic_id": topic_id, "reputer": reputer, "amount": now}
        return [
            *self.form.event(name, moved, tail),
            *self.form.event("EventReputerStakeUpdated", total, tail),
        ]

    def remove_stake(self, fields: Mapping[str, Any], tail: Tail) -> list[Json]:
        """RemoveStake: done once the delay is over; a later request replaces one under way."""
        topic_id, reputer, amount = fields["topic_id"], fields["sender"], int(fields["amount"])
        if amount > self.accounts.own.get((topic_id, reputer), 0):
            raise Refused(f"reputer {reputer} has less stake than {amount}")
        for queued in self.accounts.removals.values():
            queued[:] = [each for each in queued if each[:2] != (topic_id, reputer)]
        due = self.height + self.removal_delay
        self.accounts.removals.setdefault(due, []).append((topic_id, reputer, amount))
        told = {
            "topic_id": topic_id,
            "reputer": reputer,
            "delegator": reputer,
            "amount": amount,
            "completion_height": due,
        }
        return self.form.event("EventRequestStakeRemoval", told, tail)

    def worker_payload(self, fields: Mapping[str, Any], tail: Tail) -> list[Json]:
        """InsertWorkerPayload: an inference, a forecast, or both."""
        bundle = fields["worker_data_bundle"]
        topic_id, nonce = bundle["topic_id"], bundle["nonce"]["block_height"]
        life = self.life(topic_id)
        if nonce not in life.worker_nonces or self.height <= nonce:
            raise Refused(f"nonce {nonce} of topic {topic_id} is not open")
        if (topic_id, bundle["worker"], False) not in self.registered:
            raise Refused(f"worker {bundle['worker']} is not registered in topic {topic_id}")
        events = self.paid(topic_id, fields["sender"], self.data_sending_fee, tail)
        parts = bundle["inference_forecasts_bundle"]
        if parts.get("inference"):
            events += self.inference(life, nonce, parts["inference"], tail)
        if parts.get("forecast"):
            events += self.forecast(life, nonce, parts["forecast"], tail)
        return events

    def inference(
        self, life: TopicLife, nonce: int, sent: Mapping[str, Any], tail: Tail
    ) -> list[Json]:
        """An inference competes for a seat."""
        listed = sent.get("values") or [{"label": "y", "value": sent["value"]}]
        values = {item["label"]: Decimal(item["value"]) for item in listed}
        last = self.topics.topics[life.topic_id].epoch_last_ended
        entered, put_out, events = life.enter("inferer", sent["inferer"], nonce, last, tail)
        life.labels += [label for label in values if label not in life.labels]
        life.inferences.pop(put_out, None)
        if entered:
            life.inferences[sent["inferer"]] = values
        several = "values" in sent
        told: dict[str, Any] = {
            "inferer": sent["inferer"],
            "nonce": nonce,
            "topic_id": life.topic_id,
            "value": Decimal(0) if several else next(iter(values.values())),
            "extra_data": None,
        }
        if self.form.release.since("v10"):
            told["values"] = (
                [{"label": label, "value": value} for label, value in values.items()]
                if several
                else []
            )
        return events + self.form.event("EventInsertInfererPayload", told, tail)

    def forecast(
        self, life: TopicLife, nonce: int, sent: Mapping[str, Any], tail: Tail
    ) -> list[Json]:
        """A forecast competes for a seat."""
        elements = tuple(
            (item["inferer"], Decimal(item["value"])) for item in sent["forecast_elements"]
        )
        last = self.topics.topics[life.topic_id].epoch_last_ended
        forecaster = sent["forecaster"]
        entered, put_out, events = life.enter("forecaster", forecaster, nonce, last, tail)
        life.forecasts.pop(put_out, None)
        if entered:
            life.forecasts[forecaster] = elements
        told = {
            "forecaster": forecaster,
            "nonce": nonce,
            "topic_id": life.topic_id,
            "inferer_addresses": [inferer for inferer, _ in elements],
            "inferer_values": [value for _, value in elements],
            "extra_data": None,
        }
        return events + self.form.event("EventInsertForecasterPayload", told, tail)

    def reputer_payload(self, fields: Mapping[str, Any], tail: Tail) -> list[Json]:
        """InsertReputerPayload of a reputer with enough stake."""
        sent = fields["reputer_value_bundle"]["value_bundle"]
        topic_id, reputer = sent["topic_id"], sent["reputer"]
        nonce = sent["reputer_request_nonce"]["reputer_nonce"]["block_height"]
        life = self.life(topic_id)
        if nonce not in life.reputer_nonces:
            raise Refused(f"reputer nonce {nonce} of topic {topic_id} is not open")
        if self.accounts.stake(topic_id, reputer)[0] < max(self.least_stake, 1):
            raise Refused(f"reputer {reputer} has not enough stake in topic {topic_id}")
        events = self.paid(topic_id, fields["sender"], self.data_sending_fee, tail)
        last = self.topics.topics[topic_id].epoch_last_ended
        entered, put_out, moved = life.enter("reputer", reputer, nonce, last, tail)
        life.reports.pop(put_out, None)
        bundle = received_bundle(sent)
        if entered:
            life.reports[reputer] = bundle
        told = {
            "topic_id": topic_id,
            "nonce": nonce,
            "reputer": reputer,
            "bundle": position_bundle(bundle),
        }
        return events + moved + self.form.event("EventInsertReputerPayload", told, tail)


def within_exec(event: Json) -> Json:
    """An event of a message in a MsgExec: its place there, then that of the MsgExec."""
    *fields, place = event["attributes"]
    inner = {"key": "authz_msg_index", "value": place["value"], "index": True}
    return {**event, "attributes": [*fields, inner, {**place, "value": "0"}]}


def received_bundle(sent: Mapping[str, Any]) -> ValueBundle:
    """A reputer's bundle as it was sent."""

    def values(name: str) -> dict[str, Decimal]:
        return {item["worker"]: Decimal(item["value"]) for item in sent.get(name) or ()}

    return ValueBundle(
        combined=Decimal(sent["combined_value"]),
        naive=Decimal(sent["naive_value"]),
        inferer=values("inferer_values"),
        forecaster=values("forecaster_values"),
        one_out_inferer=values("one_out_inferer_values"),
        one_out_forecaster=values("one_out_forecaster_values"),
        one_in_forecaster=values("one_in_forecaster_values"),
        one_out_inferer_forecaster={
            row["forecaster"]: {
                item["worker"]: Decimal(item["value"]) for item in row["one_out_inferer_values"]
            }
            for row in sent.get("one_out_inferer_forecaster_values") or ()
        },
    )


TOPIC_TAIL = (
    "worker_submission_window",
    "merit_sortition_alpha",
    "active_inferer_quantile",
    "active_forecaster_quantile",
    "active_reputer_quantile",
    "c_norm",
    "label_default_value",
)

HANDLERS = {
    "CreateNewTopic": "create",
    "Register": "register",
    "FundTopic": "fund",
    "TransferActorOwnership": "transfer_ownership",
    "AddToTopicWorkerWhitelist": "allow_worker",
    "AddStake": "add_stake",
    "DelegateStake": "delegate",
    "RemoveStake": "remove_stake",
    "RewardDelegateStake": "claim",
    "InsertWorkerPayload": "worker_payload",
    "InsertReputerPayload": "reputer_payload",
}
"""What executes each message."""

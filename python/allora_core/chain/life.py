"""The chain from block to block over an archive's columns.

Order of a block: the mint, the transactions, and at its end removals of stake, topic weights, ends
of epochs with the closes of reputer nonces, rewards and closes of worker windows. Only heights at
which something happens are visited.

Sources: allora-chain v0.6, ``x/emissions/module/abci.go``, ``module/rewards``,
``x/mint/module/abci.go``; block data, section 1.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import _core
from ..batch import NumberName, Numbers, make_numbers, read_numbers
from ..block_rewards import EndedBlock, TopicTable
from ..collector import collector_paused
from ..engine import Engine
from ..epoch import TopicError
from ..reference.number import compare
from ..reference.topic_weight import topic_weight
from ..topics import Block, EmissionError, Topic, Topics
from . import written_stakes
from .book import Book
from .closes import end_block
from .columns import Addresses, Integers
from .feed import ROLES, Feed, end_of, height_of, order_at
from .inputs import Inputs, Recorded, Row
from .ledger import Ledger, Removal
from .mint import Mint
from .pack import Close
from .rules import Release
from .seats import Turns
from .submissions import submit_all
from .timeline import Lengths
from .topic import Life, ModuleParams
from .warm import Warm

__all__ = ["Chain", "Fault"]


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that could not be computed, or that the chain took and these rules refuse.

    Attributes:
        height: block.
        nonce: epoch, 0 where it is about none.
        stage: ``submission``, ``infer``, ``settle``, ``reward``, ``topics``, ``mint`` or ``input``.
        error: names topic, actor, field and cause.
    """

    height: int
    nonce: int
    stage: str
    error: TopicError

    def __str__(self) -> str:
        return f"height {self.height} nonce {self.nonce} {self.stage}: {self.error}"


class Chain:
    """Everything the chain carries from block to block.

    Attributes:
        number: kind of numbers.
        release: rules in force.
        height: the last block that is over.
        table: topics' weights and schedule.
        lives: topic -> its nonces and active sets.
        states: of the formulas, topic by topic in the order of their creation.
        ledger, mint, module: stakes, emission, parameters.
        fees: topic -> its fee revenue, base units.
        active: topic -> whether it is active.
        next_topic: the number of the next topic, where a message does not tell it.
        registered: topic, address and whether it is a reputer.
        windows: height -> topics whose worker window closes there.
        done: role -> the order up to which payloads were put to the active sets,
        put_off: but for these, of topics whose active sets nothing has asked for yet.
        chosen: submission -> rows of its elements, of forecasts longer than the chain keeps.
        faults: what went wrong.
        warm: the record that is followed, where the start is not known.
        book: results.
        feed, inputs, recorded: what the blocks at hand hold.

    For the block at hand alone: ``turns`` (averages that submissions changed) and ``last_settled``
    (height, closes, batch and network losses). Found again when needed: ``wakes`` (heights to
    visit), ``reviving`` (height -> payloads whose fee may make a topic active), ``workers``
    (topic -> which codes are registered).
    """

    def __init__(
        self, number: NumberName, release: Release, threads: int | None, addresses: Addresses
    ) -> None:
        self.number = number
        self.threads = threads
        self.release = release
        self.engine = Engine(number, rules=release.formulas, threads=threads)
        self.addresses = addresses
        self.height = 0
        self.table = TopicTable.from_topics(Topics(), number)
        self.lives: dict[int, Life] = {}
        self.states = _core.States(number, [])
        self.ledger = Ledger()
        self.mint = Mint()
        self.module = ModuleParams()
        self.fees: dict[int, int] = {}
        self.windows: dict[int, list[int]] = {}
        self.active: dict[int, bool] = {}
        self.next_topic = 1
        self.registered: set[tuple[int, str, bool]] = set()
        self.workers: dict[int, npt.NDArray[np.bool_]] = {}
        self.faults: list[Fault] = []
        self.book = Book(number, addresses)
        self.wakes: list[int] = []
        self.reviving: dict[int, list[tuple[int, int]]] = {}
        self.last_settled: tuple[int, list[Close], Any, Any] = (-1, [], None, None)
        self.done = dict.fromkeys(ROLES, 0)
        self.put_off: dict[str, Integers] = {}
        self.chosen: dict[int, Integers] = {}
        self.turns: list[tuple[Integers, Turns]] = []
        self.warm: Warm | None = None
        self.feed: Feed
        self.inputs: Inputs
        self.recorded: Recorded

    def use(self, release: Release) -> None:
        """Go on by the rules of another release."""
        if release != self.release:
            self.release = release
            self.engine = Engine(self.number, rules=release.formulas, threads=self.threads)
            self.mint.changed()

    def give(self, feed: Feed, inputs: Inputs, recorded: Recorded) -> None:
        """Set what the coming blocks hold."""
        self.feed, self.inputs, self.recorded = feed, inputs, recorded
        for height in inputs.rows:
            self.wake(height)
        for role, payloads in feed.roles.items():
            for height, topic_id, nonce, actor, text in payloads.unreadable:
                if height > self.height:
                    error = TopicError(topic_id, actor, f"{role}_submission", "parse", text[:60])
                    self.fault(height, nonce, "input", error)
        self.reviving.clear()
        for topic_id in self.lives:
            if not self.active.get(topic_id):
                self.watch(topic_id, end_of(self.height))

    def wake(self, height: int) -> None:
        """Visit a height."""
        if height > self.height:
            heapq.heappush(self.wakes, height)

    @collector_paused()
    def run(self, last: int, seen: Callable[[int], None] = lambda _: None) -> None:
        """Go through all blocks up to a height."""
        while self.height < last:
            while self.wakes and self.wakes[0] <= self.height:
                heapq.heappop(self.wakes)
            removal = self.ledger.next_removal
            coming = [last, *self.wakes[:1], *([] if removal is None else [removal])]
            height = max(min(coming), self.height + 1)
            self.begin_blocks(height)
            for table, row in self.merged(height):
                try:
                    self.apply(table, row, height)
                except (ValueError, TypeError, KeyError) as error:
                    fault = TopicError(row.get("topic_id") or 0, "", table, "input", str(error))
                    self.faults.append(Fault(height, 0, "input", fault))
            if self.warm is not None:
                self.warm.before_end(self, height)
            end_block(self, height)
            if self.warm is not None:
                self.warm.after_end(self, height)
            self.height = height
            seen(height)

    def merged(self, height: int) -> Iterator[tuple[str, Row]]:
        """Inputs of a block, and between them the payloads whose fee may make a topic active."""
        fees = sorted(self.reviving.pop(height, ()))
        for table, row in self.inputs.at(height):
            while fees and fees[0][0] < place_of(row, height):
                yield "fees", {"topic_id": fees[0][1], "order": fees.pop(0)[0]}
            yield table, row
        for order, topic_id in fees:
            yield "fees", {"topic_id": topic_id, "order": order}

    def watch(self, topic_id: int, after: int) -> None:
        """Look at an inactive topic again when its next payload pays a fee after an order."""
        orders = self.feed.fees.get(topic_id)
        if orders is None or self.warm is not None:
            return
        at = int(np.searchsorted(orders, after))
        if at < len(orders):
            height = int(height_of(orders[at]))
            self.reviving.setdefault(height, []).append((int(orders[at]), topic_id))
            self.wake(height)

    def begin_blocks(self, height: int) -> None:
        """Begin the blocks up to a height; those between bring nothing but the emission."""
        rules = self.release.formulas
        recorded = self.recorded
        for block in range(self.mint.height + 1, height + 1):
            staked = recorded.staked.get(block)
            try:
                self.mint.begin(block, rules, staked, recorded.emission.get(block))
            except EmissionError as error:
                # The emission of the new month cannot be computed: what is recorded counts.
                self.fault(block, 0, "mint", TopicError(0, "", error.field, error.cause))
                self.mint.computes = False
                self.mint.begin(block, rules, None, recorded.emission.get(block))
            if recorded.tells_info:
                self.mint.split(block)
            self.mint.ecosystem += recorded.fees.get(block, 0)

    # Transactions

    def apply(self, table: str, row: Row, height: int) -> None:
        """Do what one input says."""
        if table == "fees":
            self.activate(row["topic_id"], height, row["order"] + 1)
            if not self.active.get(row["topic_id"]):
                self.watch(row["topic_id"], row["order"] + 1)
            return
        order = place_of(row, height)
        if table in ("params", "topics"):
            self.settle_payloads(order)
        if table == "params":
            self.module.put(row["module"], row["name"], row["value"])
            self.parameters_changed()
        elif table == "topics":
            self.topic(row)
        elif table == "registrations":
            self.registration(row, height, order)
        elif table == "stake_moves":
            amount = int(row["amount"])
            self.ledger.move(row["topic_id"], row["reputer"], row["delegator"] or "", amount)
            if amount > 0:
                self.activate(row["topic_id"], height, order)
        elif table == "stake_removals":
            self.removal(row, height)
        elif table == "funding" and row["reason"] in (None, "fund"):
            self.revenue(row["topic_id"], int(row["amount"]), height, order)
        elif table == "delegate_rewards":
            self.pay_delegator(row, height)

    def pay_delegator(self, row: Row, height: int) -> None:
        """A delegator asks for what was earned."""
        key = (row["topic_id"], row["reputer"], row["delegator"])
        owed = self.ledger.claim(*key)
        if owed > 0:
            written_stakes.paid(self, *key, owed, height)

    def parameters_changed(self) -> None:
        """Take changed parameters over."""
        self.module.read()
        mint = dict(self.module.texts.get("mint", {}))
        for name in ("validators_vs_allora_percent_reward", "blocks_per_month"):
            if name in self.module.texts.get("emissions", {}):
                mint[name] = self.module.texts["emissions"][name]
        self.mint.params = self.mint.written(mint)
        self.mint.enabled = mint.get("emission_enabled", "true") == "true"
        self.mint.changed()

    def topic(self, row: Row) -> None:
        """Create or update a topic."""
        topic_id = row["topic_id"]
        if topic_id is None:
            topic_id = self.next_topic
        if topic_id in self.lives:
            self.lives[topic_id].update(row)
            return
        self.create(topic_id, row)
        self.fees[topic_id] += self.module.whole("create_topic_fee", 0)

    def create(self, topic_id: int, row: Row) -> Life:
        """A new topic."""
        life = Life(topic_id, len(self.lives), Lengths(1, 0, 1))
        life.update(row)
        self.lives[topic_id] = life
        self.next_topic = max(self.next_topic, topic_id + 1)
        self.states = self.states.join(_core.States(self.number, [topic_id]))
        self.fees.setdefault(topic_id, 0)
        topics = self.table.to_topics()
        fresh = Topic(topic_id, life.lengths.epoch_length)
        self.table = TopicTable.from_topics(
            replace(topics, topics={**topics.topics, topic_id: fresh}), self.number
        )
        return life

    def registration(self, row: Row, height: int, order: int) -> None:
        """An actor enters or leaves a topic; whoever enters pays the topic."""
        key = (row["topic_id"], row["address"], bool(row["is_reputer"]))
        submit_all(self, order)  # forecasts so far met the workers so far
        self.workers.clear()
        if row["is_registered"] is False:
            self.registered.discard(key)
        else:
            self.registered.add(key)
            fee = self.module.whole("registration_fee", 0)
            self.revenue(row["topic_id"], fee, height, order)

    def removal(self, row: Row, height: int) -> None:
        """Stake is asked back, or that is taken back."""
        topic_id, reputer = row["topic_id"], row["reputer"]
        delegator = row["delegator"] or ""
        delegator = "" if delegator == reputer else delegator
        if row["is_cancelled"]:
            self.ledger.cancel(topic_id, reputer, delegator)
            return
        due = row["completion_height"]
        if due is None:
            due = height + self.module.whole("remove_stake_delay_window", 0)
        removal = Removal(due, topic_id, reputer, delegator)
        self.ledger.ask(removal, int(row["amount"]))
        written_stakes.asked(self, removal, row["amount"], height)

    def registered_workers(self, topic_id: int) -> npt.NDArray[np.bool_] | None:
        """Which codes of addresses are registered workers of a topic; None: it is not known."""
        if self.warm is not None:
            return None
        known = self.workers.get(topic_id)
        if known is None or len(known) <= len(self.addresses):
            self.workers = self.all_workers()
            known = self.workers.setdefault(topic_id, np.zeros(len(self.addresses) + 1, bool))
        return known if known.any() else None

    def all_workers(self) -> dict[int, npt.NDArray[np.bool_]]:
        """Which codes of addresses are registered workers, by topics that have any."""
        listed: dict[int, list[str]] = {}
        for topic, who, reputer in self.registered:
            if not reputer:
                listed.setdefault(topic, []).append(who)
        codes = {topic: self.addresses.codes(workers) for topic, workers in listed.items()}
        found = {topic: np.zeros(len(self.addresses) + 1, bool) for topic in codes}
        for topic, known in found.items():
            known[codes[topic]] = True
        return found

    # Revenue and activation

    def revenue(self, topic_id: int, amount: int, height: int, order: int) -> None:
        """A topic is paid, which may make it active."""
        self.fees[topic_id] = self.fees.get(topic_id, 0) + amount
        if amount:
            self.activate(topic_id, height, order)

    def count_fees(self, life: Life, limit: int) -> None:
        """Add the fees of the payloads since the last count and before an order."""
        orders = self.feed.fees.get(life.topic_id)
        if orders is None:
            return
        begin, end = orders.searchsorted((life.fees_done + 1, limit))
        if end > begin:
            fee = self.module.whole("data_sending_fee", 0)
            self.fees[life.topic_id] = self.fees.get(life.topic_id, 0) + int(end - begin) * fee
            life.fees_done = int(orders[end - 1])

    def settle_payloads(self, limit: int) -> None:
        """Put what came before an order to the active sets, by the parameters that held then."""
        for life in self.lives.values():
            self.count_fees(life, limit)
        submit_all(self, limit)

    def activate(self, topic_id: int, height: int, order: int) -> None:
        """Make a topic active if it is heavy enough."""
        life = self.lives[topic_id]
        if self.active.get(topic_id) or self.warm is not None:
            return
        self.count_fees(life, order)
        previous = self.previous_weight(topic_id)
        weight = topic_weight(
            Decimal(self.ledger.topics.get(topic_id, 0)),
            Decimal(self.fees[topic_id]),
            life.lengths.epoch_length,
            previous,
            self.module.weights,
            self.release.formulas,
        )
        if compare(weight, self.module.weights.min_topic_weight) < 0:
            return
        self.table = self.up_to_date().activated(
            self.engine, [topic_id], height, self.module.weights
        )
        self.note_changes(height)

    def previous_weight(self, topic_id: int) -> Decimal | None:
        """A topic's stored weight."""
        at = self.position(topic_id)
        column: Numbers = self.table.columns["previous_weight"]
        return read_numbers(column[at : at + 1])[0]

    def position(self, topic_id: int) -> int:
        """A topic's place in the table."""
        return int(np.searchsorted(self.table.columns["topic_id"], np.uint64(topic_id)))

    def up_to_date(self) -> TopicTable:
        """The table with stakes, revenue and waiting nonces as they are now."""
        ids = self.table.columns["topic_id"].tolist()
        columns = dict(self.table.columns)
        columns["stake"] = self.amounts(self.ledger.topics.get(topic, 0) for topic in ids)
        columns["fee_revenue"] = self.amounts(self.fees.get(topic, 0) for topic in ids)
        columns["reward_nonce"] = np.array([self.waiting_nonce(topic) for topic in ids], np.int64)
        columns["epoch_length"] = np.array(
            [self.lives[topic].lengths.epoch_length for topic in ids], np.int64
        )
        return TopicTable(self.number, columns)

    def waiting_nonce(self, topic_id: int) -> int:
        """The nonce of a topic that waits for rewards, or 0."""
        waiting = self.lives[topic_id].waiting
        return 0 if waiting is None else waiting.close.nonce

    def amounts(self, amounts: Iterable[int]) -> Numbers:
        """Base units as a column."""
        if self.number == "float64":
            return np.array(list(amounts), np.float64)
        return make_numbers("decimal", [Decimal(amount) for amount in amounts])

    def note_changes(self, height: int) -> None:
        """Tell which topics became active or inactive, and when their epochs end."""
        columns = self.table.columns
        ids, active = columns["topic_id"].tolist(), columns["active"].tolist()
        for topic_id, now in zip(ids, active, strict=True):
            if bool(now) != self.active.get(topic_id, False):
                self.active[topic_id] = bool(now)
                if not now:
                    self.watch(topic_id, end_of(height))
                self.book.add(
                    "topic_status", 1, topic_id=topic_id, is_active=bool(now), height=height
                )
        for block in columns["listing_block"].tolist():
            self.wake(block)

    def topics_at(self, height: int) -> list[int]:
        """Topics whose epochs end at a height."""
        if self.warm is not None:
            return self.warm.ends.get(height, [])
        columns = self.table.columns
        found = np.flatnonzero(columns["listing_block"] == height)
        if not len(found):
            return []
        begin, end = columns["listing_offsets"][found[0] : found[0] + 2]
        return [int(columns["topic_id"][at]) for at in columns["listing_topic"][begin:end]]

    def ended(self, height: int) -> EndedBlock:
        """Weights, selection and rewards of a block.

        Raises:
            TopicError: none of the block's topics is done.
        """
        balance = self.mint.rewards
        enough = 10**30 if balance is None else balance
        block = Block(height, self.mint.emission, enough)
        table = self.up_to_date()
        try:
            return table.end_block(self.engine, block, self.module.weights)
        except TopicError as error:
            if error.cause != "zero_weight":
                raise
            # No weight is stored yet: there is nothing to share.
            return table.end_block(
                self.engine, replace(block, rewards_balance=0), self.module.weights
            )

    def numbers(self, texts: list[str]) -> Numbers:
        """Texts as the engine's numbers."""
        return make_numbers(self.number, [Decimal(text) for text in texts])

    def fault(self, height: int, nonce: int, stage: str, error: TopicError) -> None:
        """Keep what went wrong; other topics go on."""
        self.faults.append(Fault(height, nonce, stage, error))


def place_of(row: Row, height: int) -> int:
    """The order of an input; what the block itself did comes after its transactions."""
    index = row["tx_index"]
    return order_at(height, 1 << 30 if index is None else index, row["msg_index"] or 0)

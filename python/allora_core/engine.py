"""The compiled engine: whole batches of topics through the moments of an epoch.

``infer`` is the close of a worker nonce, ``settle`` the close of a reputer nonce, ``reward`` the
distribution of the topic's reward that follows; ``epoch`` does all three. Around them, ``submit``
decides who is in for a nonce, ``begin_block`` what a block mints, ``end_block`` which topics it
rewards with how much, and ``pay_block`` what that leaves. All are pure: epochs, states and tables
go in, results and new ones come out, and neither thread count nor the shape of the batch shows in
any digit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, NamedTuple

from . import _core, emission
from .active_set import SubmittedBatch, submit
from .batch import Epochs, NumberName, Numbers, as_column, from_column
from .block_rewards import EndedBlock, TopicTable, pay_block
from .epoch import Epoch, Inferred, Rewarded, Settled, State, TopicError
from .reference.rules import Rules, rules_at
from .reference.sortition import closed
from .results import read_inference, read_network_losses, read_payouts, read_reward
from .states import States
from .tables import inference_table, losses_table, reward_table, states_table
from .topics import (
    ActiveSet,
    Block,
    BlockRewards,
    EmissionBlock,
    EmissionState,
    MintedBlock,
    MintParams,
    PaidBlock,
    Payout,
    SubmissionWindow,
    Topics,
    TopicWeightParams,
)

__all__ = ["Engine", "EpochBatch", "InferredBatch", "RewardedBatch", "SettledBatch"]


class Engine:
    """Scores batches of topics.

    Args:
        number: ``"decimal"`` equals the chain digit for digit, written form included;
            ``"float64"`` gives the same bits everywhere, within the README's stated error.
        device: ``"cpu"``, or ``"cuda:0"``, ``"cuda:1"``, ... (`devices` lists them), which compute
            `infer`, `settle` and `reward` in ``"float64"`` with the same bits.
        rules: a version of the chain (``"v0.17"``) or a `Rules` value.
        threads: by default ALLORA_CORE_THREADS, else the processors that this process may use.

    Raises:
        ValueError: an unknown number, version or rule, with the known ones named; a device that is
            not there, or that has no kernels for the number, with the reason.
    """

    def __init__(
        self,
        number: NumberName = "decimal",
        device: str = "cpu",
        rules: str | Rules = "v0.17",
        threads: int | None = None,
    ) -> None:
        if number not in ("decimal", "float64"):
            raise ValueError(f"unknown number {number!r}: choose 'decimal' or 'float64'")
        self._device = _core.open_device(device)
        _core.variant()  # refuses an ALLORA_CORE_VARIANT that cannot be met
        if threads is not None and threads < 1:
            raise ValueError(f"threads must be at least 1, not {threads}")
        if number == "decimal" and device.startswith("cuda"):
            raise ValueError(f"decimals have no kernels for {device!r} yet")
        self.number: NumberName = number
        self.device = device
        self.rules = rules_at(rules) if isinstance(rules, str) else rules
        self._rules = asdict(self.rules)
        self._host = _core.Host(threads or 0)

    @property
    def threads(self) -> int:
        """Threads this engine computes with."""
        return self._host.threads

    @property
    def topics_on_device(self) -> int:
        """Topics that the device computed so far, counted once per call; 0 on the processor."""
        return self._device.finished if self._device else 0

    @property
    def topics_left_to_host(self) -> int:
        """Topics that the device left to the processor so far: failed or too large ones."""
        return self._device.left if self._device else 0

    @property
    def kernel_milliseconds(self) -> float:
        """What the device's kernels of the last call took; 0 where nothing was measured."""
        return self._device.milliseconds if self._device else 0.0

    def __repr__(self) -> str:
        return f"Engine(number={self.number!r}, device={self.device!r}, threads={self.threads})"

    def infer(
        self, epochs: Epochs | Iterable[Epoch], states: States | Sequence[State] | None = None
    ) -> InferredBatch:
        """Network inferences of a batch of epochs, one per topic.

        Args:
            epochs: a packed batch, or epochs of different topics.
            states: their topics' states in the same order; None: all topics are new.

        Returns:
            The bundles, and the states with the outlier filter's median and deviation updated.
        """
        batch, shelf = self._batch(epochs, states)
        inferred = InferredBatch(
            batch,
            *_core.infer(
                self.number, self._rules, self._host, batch.columns, shelf.core, self._device
            ),
        )
        inferred.leave_out(batch.faults, shelf)
        return inferred

    def settle(
        self, epochs: Epochs | Iterable[Epoch], states: States | Sequence[State] | None = None
    ) -> SettledBatch:
        """Network losses, regrets, scale and stored weights of a batch of epochs, one per topic.

        Args:
            epochs: a packed batch, or epochs of different topics, with their reports.
            states: their topics' states in the same order; None: all topics are new.
        """
        batch, shelf = self._batch(epochs, states)
        settled = SettledBatch(
            batch,
            *_core.settle(
                self.number, self._rules, self._host, batch.columns, shelf.core, self._device
            ),
        )
        faults = dict(batch.faults)
        if self.rules.wrong_nonce_report == "fault":
            for at, epoch in enumerate(batch.epochs):
                reputer = batch.foreign_report(at)
                if reputer is not None and at not in faults:
                    faults[at] = TopicError(epoch.topic_id, reputer, "nonce", "wrong_nonce")
        settled.leave_out(faults, shelf)
        return settled

    def reward(
        self,
        epochs: Epochs | Iterable[Epoch],
        settled: SettledBatch | Numbers,
        states: States | Sequence[State] | None = None,
    ) -> RewardedBatch:
        """Scores, listening coefficients and rewards of a batch of epochs, one per topic.

        Args:
            epochs: a packed batch, or epochs of different topics, with reports and rewards.
            settled: what `settle` gave for them, or its column ``network_losses``.
            states: their topics' states in the same order; None: those that `settled` left.

        Returns:
            Results per topic. A topic that did not settle has none and keeps its state; one whose
            rewards fail keeps what the stages before the fault gave, as on the chain.
        """
        unsettled: list[TopicError | None] = []
        if isinstance(settled, SettledBatch):
            unsettled = settled.status
            losses = settled.columns["network_losses"]
            states = settled.states if states is None else states
        else:
            losses = settled
        batch, shelf = self._batch(epochs, states)
        columns, status, left = _core.reward(
            self.number,
            self._rules,
            self._host,
            batch.columns,
            {"network_losses": as_column(losses)},
            shelf.core,
            self._device,
        )
        rewarded = RewardedBatch(batch, columns, status, left)
        faults = {at: fault for at, fault in enumerate(unsettled) if fault is not None}
        rewarded.leave_out({**batch.faults, **faults}, shelf)
        return rewarded

    def epoch(
        self, epochs: Epochs | Iterable[Epoch], states: States | Sequence[State] | None = None
    ) -> EpochBatch:
        """A whole epoch of a batch of topics: `infer`, `settle` and `reward`, one on the other.

        Args:
            epochs: a packed batch, or epochs of different topics, with reports and rewards.
            states: their topics' states in the same order; None: all topics are new.
        """
        batch, shelf = self._batch(epochs, states)
        inferred = self.infer(batch, shelf)
        settled = self.settle(batch, inferred.states)
        return EpochBatch(inferred, settled, self.reward(batch, settled))

    def submit(
        self,
        windows: Sequence[SubmissionWindow],
        active_sets: Sequence[ActiveSet],
        actors: Sequence[Sequence[str]],
    ) -> SubmittedBatch:
        """Submissions to the active sets of many windows, each window's in their order.

        Args:
            windows: one per topic and role.
            active_sets: their active sets, in the same order.
            actors: per window the addresses that submit.

        Returns:
            Outcomes, and the active sets afterwards; a submission that fails changes nothing.
        """
        return submit(self, windows, active_sets, actors)

    def close_windows(
        self, active_sets: Iterable[ActiveSet], *, rewards_failed: bool = False
    ) -> list[ActiveSet]:
        """The active sets once their nonces are closed: nobody is in.

        Args:
            active_sets: of any topics and roles.
            rewards_failed: the block that closes them could not compute its rewards; rules that do
                rewards first then leave the windows open.
        """
        return [closed(each, self.rules, rewards_failed=rewards_failed) for each in active_sets]

    def begin_block(
        self, block: EmissionBlock, state: EmissionState, params: MintParams | None = None
    ) -> MintedBlock:
        """What a block mints and passes on, in base units, whatever the engine's number.

        Raises:
            EmissionError: names the field at fault.
        """
        return emission.begin_block(block, state, params, self.rules)

    def activate(
        self,
        topics: TopicTable | Topics,
        topic_ids: Sequence[int],
        height: int,
        params: TopicWeightParams | None = None,
    ) -> TopicTable:
        """The topics after some were funded in this order: their weights count again.

        Raises:
            TopicError: a topic is unknown or its weight cannot be computed.
        """
        return self._table(topics).activated(self, topic_ids, height, params)

    def inactivate(
        self,
        topics: TopicTable | Topics,
        topic_ids: Sequence[int],
        height: int,
        params: TopicWeightParams | None = None,
    ) -> TopicTable:
        """The topics without active ones; their stored weights are kept and no longer count."""
        return self._table(topics).inactivated(self, topic_ids, height, params)

    def end_block(
        self,
        topics: TopicTable | Topics,
        block: Block,
        params: TopicWeightParams | None = None,
    ) -> EndedBlock:
        """Weights, selection and rewards of the topics whose epochs end in a block.

        Args:
            topics: all topics; a table is used as it is.
            block: height, the rewards part of its emission and the balance it is paid from, in base
                units.
            params: parameters of the module.

        Raises:
            TopicError: a topic's weight cannot be computed, or the total weight is 0 or negative;
                the network does none of the block's topics then.
        """
        return self._table(topics).end_block(self, block, params)

    def pay_block(
        self,
        block: Block,
        rewards: EndedBlock | BlockRewards,
        payouts: Mapping[int, Payout],
    ) -> PaidBlock:
        """The accounts once a block's topics were paid, in base units.

        Args:
            block: as it was ended.
            rewards: what `end_block` gave.
            payouts: topic id -> what was paid, such as `RewardedBatch.payouts` of those topics.

        Raises:
            TopicError: a topic was paid that has no reward in this block, or more than its reward.
        """
        value = rewards.value() if isinstance(rewards, EndedBlock) else rewards
        return pay_block(block, value, payouts, self.rules)

    def rewards_paid(
        self,
        block: EmissionBlock,
        rewards_balance: int,
        paid: PaidBlock,
        state: EmissionState,
        params: MintParams | None = None,
    ) -> EmissionState:
        """The mint's state after a block's rewards: the reputers' share of them.

        Args:
            block: as it was begun.
            rewards_balance: base units in the rewards account before it was paid from.
            paid: what `pay_block` gave.
            state: what `begin_block` left.
            params: of the mint.

        Raises:
            EmissionError: names the field at fault.
        """
        return emission.rewards_paid(
            block, rewards_balance, paid, state, params or MintParams(), self.rules
        )

    def _table(self, topics: TopicTable | Topics) -> TopicTable:
        return (
            topics
            if isinstance(topics, TopicTable)
            else TopicTable.from_topics(topics, self.number)
        )

    def _batch(
        self, epochs: Epochs | Iterable[Epoch], states: States | Sequence[State] | None
    ) -> tuple[Epochs, States]:
        batch = epochs if isinstance(epochs, Epochs) else Epochs(self.number, list(epochs))
        if states is None:
            shelf = States.new([epoch.topic_id for epoch in batch.epochs], self.number)
        elif isinstance(states, States):
            shelf = states
        else:
            shelf = States.from_states(states, self.number)
        if batch.number != self.number or shelf.number != self.number:
            raise ValueError(
                f"this engine computes in {self.number}, but the epochs are in {batch.number} "
                f"and the states in {shelf.number}"
            )
        if len(batch) != len(shelf):
            raise ValueError(f"{len(batch)} epochs, but {len(shelf)} states")
        shelf.require_topics(batch.columns["topic_id"])
        return batch, shelf


class Batch:
    """What the batches of results share: status and states by position.

    Attributes:
        epochs: the batch they belong to.
        states: the topics' states afterwards; a topic that failed keeps its state.
        status: per topic None, or why it could not be computed.
        columns: the results as arrays over the whole batch.
    """

    def __init__(
        self,
        epochs: Epochs,
        columns: dict[str, Any],
        status: list[tuple[str, str, str] | None],
        states: _core.States,
    ) -> None:
        self.epochs = epochs
        self.columns: dict[str, Any] = {
            name: from_column(column) for name, column in columns.items()
        }
        self.states = States(states, epochs.number)
        self.status: list[TopicError | None] = [
            None if fault is None else TopicError(epochs.epochs[at].topic_id, *fault)
            for at, fault in enumerate(status)
        ]

    def leave_out(self, faults: Mapping[int, TopicError], before: States) -> None:
        """Give topics that cannot be computed their fault, and back the state they came with.

        These faults do not show in the columns, so that something was computed from them.
        """
        for at, fault in faults.items():
            self.status[at] = fault
            self.states = self.states.replace(at, before.state(at))

    def __len__(self) -> int:
        return len(self.epochs)

    def check(self, at: int) -> None:
        """Raise the fault of the topic at this position, if it has one."""
        fault = self.status[at]
        if fault is not None:
            raise fault


class InferredBatch(Batch):
    """Network inferences of a batch."""

    def topic(self, at: int) -> Inferred:
        """Results of the topic at this position.

        Raises:
            TopicError: the topic could not be computed.
        """
        self.check(at)
        network = read_inference(self.epochs, self.columns, "", at)
        resistant = None
        if self.columns["resistant"][at]:
            resistant = read_inference(self.epochs, self.columns, "resistant_", at)
        return Inferred(network, resistant, self.states.state(at))

    def to_arrow(self) -> Any:
        """Long table: topic_id, nonce, role, address, withheld, label, quantity, value."""
        return inference_table(self)


class SettledBatch(Batch):
    """Network losses and new states of a batch."""

    def topic(self, at: int) -> Settled:
        """Results of the topic at this position.

        Raises:
            TopicError: the topic could not be computed.
        """
        self.check(at)
        return Settled(
            read_network_losses(self.epochs, self.columns["network_losses"], at),
            self.states.state(at),
        )

    def to_arrow(self) -> Any:
        """Long table: topic_id, nonce, role, address, withheld, label, quantity, value."""
        return losses_table(self)

    def states_table(self) -> Any:
        """The states after this batch as a long table, with the nonces of its epochs."""
        return states_table(self.states, [epoch.nonce for epoch in self.epochs.epochs])


class RewardedBatch(Batch):
    """Scores, rewards and new states of a batch."""

    def leave_out(self, faults: Mapping[int, TopicError], before: States) -> None:
        """Nothing of these topics counts as computed either."""
        super().leave_out(faults, before)
        computed = self.columns["computed"].copy()
        computed[list(faults)] = 0
        self.columns["computed"] = computed

    def topic(self, at: int) -> Rewarded:
        """Results of the topic at this position; ``fault`` says what ended its rewards early.

        Raises:
            TopicError: nothing could be computed: bad input, or losses that did not settle.
        """
        if not self.columns["computed"][at]:
            self.check(at)
        return read_reward(self.epochs, self.columns, at, self.states.state(at), self.status[at])

    def payouts(self) -> dict[int, Payout]:
        """Topic id -> what its participants were paid, for `Engine.pay_block`.

        A topic of which nothing could be computed has none; one whose rewards failed has what its
        delegators got before.
        """
        return read_payouts(self.epochs, self.columns, self.status)

    def to_arrow(self) -> Any:
        """Long table: topic_id, nonce, role, address, withheld, label, quantity, value."""
        return reward_table(self)

    def states_table(self) -> Any:
        """The states after this batch as a long table, with the nonces of its epochs."""
        return states_table(self.states, [epoch.nonce for epoch in self.epochs.epochs])


class EpochBatch(NamedTuple):
    """The three moments of an epoch, for a batch.

    Attributes:
        inferred: network inferences.
        settled: network losses and regrets.
        rewarded: scores and rewards, and the states that the next epoch starts from.
    """

    inferred: InferredBatch
    settled: SettledBatch
    rewarded: RewardedBatch

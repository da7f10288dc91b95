"""One scenario made ready to be timed: the same numbers for the engine, the peer and the reference.

`Workload.verify` is the correctness that is asserted before any time is reported.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..batch import Epochs, NumberName, read_numbers
from ..engine import Engine, EpochBatch, InferredBatch, RewardedBatch, SettledBatch
from ..epoch import Epoch, Inferred, Params, Settled, State
from ..reference import infer, reward, rules_at, settle
from ..results import REWARD_LISTS, REWARD_SCALARS, REWARD_UNITS
from ..states import States
from ..testing import assert_equal
from .arrays import Float64, InferredArrays, RewardedArrays, SettledArrays, StateArrays
from .check import REWARDS, VALUES, assert_close, assert_scores_close, assert_states_close
from .convert import (
    after_inference,
    network_order,
    state_arrays,
    synthesis_row,
    tile,
    to_epoch,
    to_state,
)
from .convert_reward import score_entries, score_state
from .general_side import GeneralSide
from .numpy_peer import NumpyPeer
from .numpy_reward import NumpyReward
from .scenarios import Scenario, draw_epoch, draw_score_state, draw_state

__all__ = ["VERSION", "Workload"]

VERSION = "v0.17"
"""Rules that every side computes by."""


class Workload:
    """A scenario's first epoch as packed batches, and the means to compute it on every side.

    Args:
        scenario: the shape.
        number: kind of the engine's numbers.
        threads: threads of the engine.
    """

    def __init__(self, scenario: Scenario, number: NumberName, threads: int = 1) -> None:
        self.number = number
        self.topics = scenario.topics[number]
        self.scenario = replace(scenario, distinct=min(scenario.distinct, self.topics))
        self.layout = scenario.layout
        self.engine = Engine(number=number, rules=VERSION, threads=threads)
        self.peer = NumpyPeer(self.layout, scenario.elements)
        self.steps = int(Params().gradient_descent_max_iters)
        self.rewarding = NumpyReward(self.layout, scenario.reputers)
        self.rules = rules_at(VERSION)
        self.epochs = self.pack(self.distinct_epochs(1))
        self.states = self.pack_states(self.distinct_states())
        self.inferred_states = self.engine.infer(self.epochs, self.states).states
        self.engine_settled = self.engine.settle(self.epochs, self.inferred_states)
        self.epoch_arrays = tile(draw_epoch(self.scenario, 1), self.topics)
        self.state_arrays = tile(draw_state(self.scenario), self.topics)
        self.score_state_arrays = tile(draw_score_state(self.scenario), self.topics)
        self.inferred = InferredArrays.empty(self.epoch_arrays)
        self.settled = SettledArrays.empty(self.epoch_arrays)
        self.peer_losses = self.peer.settle(self.epoch_arrays, self.state_arrays).network_losses
        self.general: GeneralSide | None = None
        if number == "float64":
            self.general = GeneralSide(self.epochs, self.distinct_states())

    def distinct_epochs(self, number: int) -> list[Epoch]:
        """Epoch `number` of every distinct topic."""
        arrays = draw_epoch(self.scenario, number)
        return [to_epoch(arrays, at, at + 1, number) for at in range(self.scenario.distinct)]

    def distinct_states(self) -> list[State]:
        """First state of every distinct topic."""
        arrays, scores = draw_state(self.scenario), draw_score_state(self.scenario)
        return [
            to_state(arrays, self.layout, at, at + 1, **score_entries(scores, self.layout, at))
            for at in range(self.scenario.distinct)
        ]

    def pack(self, epochs: list[Epoch]) -> Epochs:
        """The whole batch: distinct topics over and over, under ids of their own."""
        count = len(epochs)
        batch = [replace(epochs[at % count], topic_id=at + 1) for at in range(self.topics)]
        return Epochs.from_epochs(batch, self.number)

    def pack_states(self, states: list[State]) -> States:
        """The states of the whole batch."""
        count = len(states)
        batch = [replace(states[at % count], topic_id=at + 1) for at in range(self.topics)]
        return States.from_states(batch, self.number)

    def engine_infer(self) -> InferredBatch:
        """The engine's `infer` of the first epoch."""
        return self.engine.infer(self.epochs, self.states)

    def engine_settle(self) -> SettledBatch:
        """The engine's `settle` of the first epoch."""
        return self.engine.settle(self.epochs, self.inferred_states)

    def peer_infer(self) -> InferredArrays:
        """The one-shape NumPy peer's `infer` of the first epoch."""
        return self.peer.infer(self.epoch_arrays, self.state_arrays, self.inferred)

    def peer_settle(self) -> SettledArrays:
        """The one-shape NumPy peer's `settle` of the first epoch."""
        return self.peer.settle(self.epoch_arrays, self.state_arrays, self.settled)

    def engine_reward(self) -> RewardedBatch:
        """The engine's `reward` of the first epoch."""
        return self.engine.reward(self.epochs, self.engine_settled)

    def engine_epoch(self) -> EpochBatch:
        """The engine's whole first epoch."""
        return self.engine.epoch(self.epochs, self.states)

    def peer_reward(self) -> RewardedArrays:
        """The NumPy peer's `reward` of the first epoch."""
        return self.reward_losses(self.peer_losses)

    def reward_losses(self, network_losses: Float64) -> RewardedArrays:
        """The NumPy peer's `reward` upon a peer's losses of the first epoch."""
        return self.rewarding.reward(self.epoch_arrays, network_losses, self.score_state_arrays)

    def peer_epoch(self) -> RewardedArrays:
        """The one-shape NumPy peer's whole first epoch."""
        inferred = self.peer_infer()
        between = after_inference(self.state_arrays, inferred)
        settled = self.peer.settle(self.epoch_arrays, between, self.settled)
        return self.reward_losses(settled.network_losses)

    def verify(self) -> None:
        """Run all epochs of the scenario on every side.

        In float64 both NumPy peers must agree on every topic: values to 1e-12 relative, regrets to
        1e-15 absolute, scores and rewards to `check.REWARDS` relative to the greatest of their
        kind. In decimal the reference must agree on its topics in every digit, and the
        one-shape peer on every distinct topic as in float64. Every descent must take as
        many steps on every side; `steps` keeps the least number seen.

        Raises:
            AssertionError: with the first or worst difference.
        """
        state, arrays, scores = self.states, self.state_arrays, self.score_state_arrays
        expected = self.distinct_states()[: self.scenario.reference_topics]
        for number in range(1, self.scenario.epochs + 1):
            epochs = self.pack(self.distinct_epochs(number))
            inferred = self.engine.infer(epochs, state)
            settled = self.engine.settle(epochs, inferred.states)
            rewarded = self.engine.reward(epochs, settled)
            epoch_arrays = tile(draw_epoch(self.scenario, number), self.topics)
            peer_inferred = self.peer.infer(epoch_arrays, arrays)
            peer_settled = self.peer.settle(epoch_arrays, after_inference(arrays, peer_inferred))
            losses = peer_settled.network_losses
            peer_rewarded = self.rewarding.reward(epoch_arrays, losses, scores)
            self._verify_values(inferred, settled, peer_inferred, peer_settled)
            self._verify_states(settled, peer_settled.state)
            self._verify_rewards(rewarded, peer_rewarded)
            if self.general is not None:
                self.general.verify(inferred, settled)
                self.general.count(peer_rewarded)
            if self.number == "decimal":
                expected = [
                    self._verify_digits(before, inferred, settled, rewarded, at)
                    for at, before in enumerate(expected)
                ]
            state, arrays, scores = rewarded.states, peer_settled.state, peer_rewarded.state

    def _verify_values(
        self,
        inferred: InferredBatch,
        settled: SettledBatch,
        peer_inferred: InferredArrays,
        peer_settled: SettledArrays,
    ) -> None:
        order = network_order(self.layout)
        topics = self.topics if self.number == "float64" else self.scenario.distinct
        bundle = peer_inferred.bundle[:topics, order]
        losses = peer_settled.network_losses[:topics, order]
        inferers, workers = self.layout.inferers, peer_inferred.weights[:topics]
        elements = peer_inferred.element_weight[:topics]
        if self.number == "float64":
            pairs = [
                ("inferer_weight", workers[:, :inferers]),
                ("forecaster_weight", workers[:, inferers:]),
                ("element_weight", elements),
                ("values", bundle),
            ]
            for name, values in pairs:
                actual: Float64 = np.asarray(inferred.columns[name]).reshape(values.shape)
                assert_close(name, values, actual, relative=VALUES)
            actual = np.asarray(settled.columns["network_losses"]).reshape(losses.shape)
            assert_close("network_losses", losses, actual, relative=VALUES)
            return
        for at in range(topics):
            network = inferred.topic(at).network
            row = synthesis_row(inferred.epochs.epochs[at], network, self.layout)
            assert_close(f"topic {at} values", bundle[at], row, relative=VALUES)
        losses_read = read_numbers(settled.columns["network_losses"][: losses.size])
        assert_close(
            "network_losses",
            losses,
            np.array([float(loss or 0) for loss in losses_read]).reshape(losses.shape),
            relative=VALUES,
        )

    def _verify_states(self, settled: SettledBatch, peer: StateArrays) -> None:
        states = [settled.states.state(at) for at in range(self.scenario.distinct)]
        actual = state_arrays(states, self.layout)
        assert_states_close(tile(peer, len(states)), actual)

    def _verify_rewards(self, rewarded: RewardedBatch, peer: RewardedArrays) -> None:
        faults = [fault for fault in rewarded.status if fault is not None]
        if faults:
            raise AssertionError(f"rewards failed: {faults[0]}")
        steps = rewarded.columns["iterations"]
        assert_close("iterations", peer.iterations, steps)
        self.steps = min(self.steps, int(steps.min()))
        names = [*REWARD_SCALARS, *sum((*REWARD_LISTS.values(), *REWARD_UNITS.values()), ())]
        for name in names:
            expected = peer.values[name]
            column = rewarded.columns[name]
            if self.number == "decimal":
                expected = expected[: self.scenario.distinct]
                numbers = read_numbers(column[: expected.size])
                column = np.array([float(number or 0) for number in numbers])
            greatest = float(np.abs(expected).max())
            actual: Float64 = np.asarray(column).reshape(expected.shape)
            assert_close(name, expected, actual, relative=REWARDS, absolute=REWARDS * greatest)
        states = [rewarded.states.state(at) for at in range(self.scenario.distinct)]
        carried = score_state(states, self.layout, self.scenario.reputers)
        assert_scores_close(tile(peer.state, len(states)), carried)

    def _verify_digits(
        self,
        state: State,
        inferred: InferredBatch,
        settled: SettledBatch,
        rewarded: RewardedBatch,
        at: int,
    ) -> State:
        epoch = inferred.epochs.epochs[at]
        expected: Inferred = infer(epoch, state, self.rules)
        assert_equal(expected, inferred.topic(at), epoch)
        closed: Settled = settle(epoch, expected.state, self.rules)
        assert_equal(closed, settled.topic(at), epoch)
        given = rewarded.topic(at)
        if at >= self.scenario.reference_rewards:
            # The engine's rewards go on: what they carry does not enter inferences and losses.
            return given.state
        paid = reward(epoch, closed.network_losses, closed.state, self.rules)
        assert_equal(paid, given, epoch)
        return paid.state

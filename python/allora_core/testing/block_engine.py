"""The compiled engine as what computes a made-up chain's epochs, one topic at a time.

For long histories of many actors: the topics' states stay in the engine, and what a topic's life
reads of them comes out as a `State` without the families of two actors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import fields
from decimal import Decimal
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from allora_core import _core
from allora_core.batch import DecimalArray, as_column, from_column, read_numbers
from allora_core.engine import Batch, Engine, SettledBatch
from allora_core.epoch import Epoch, Inferred, Rewarded, Settled, State, ValueBundle
from allora_core.reference.rules import Rules
from allora_core.results import present
from allora_core.states import States
from allora_core.topics import Role

__all__ = ["Compiled"]

Result = TypeVar("Result", Inferred, Settled, Rewarded)

LISTS: dict[Role, tuple[str, ...]] = {
    "inferer": ("inferer_regret", "naive_inferer_regret", "inferer_weight"),
    "forecaster": ("forecaster_regret", "forecaster_weight"),
    "reputer": ("listening_coefficient", "delegate_reward_per_share"),
}
"""What is read of each actor, beside average scores and their heights."""
NUMBERS = (
    "initial_regret",
    "regret_scale",
    "previous_combined_loss",
    "inference_median",
    "inference_median_absolute_deviation",
)
MOVED = tuple(f"{role}_score_{part}" for role in LISTS for part in ("ema", "height"))
"""What submissions change between the moments of an epoch."""
HELD = tuple(field.name for field in fields(State) if field.name not in MOVED)
Actors = dict[Role, list[str]]


class Kept(States):
    """One topic's state in the engine, read without the families of two actors.

    Attributes:
        actors: role -> everybody met in it.
    """

    __slots__ = ("actors",)

    def __init__(self, core: _core.States, actors: Actors) -> None:
        super().__init__(core, "decimal")
        self.actors = actors

    def state(self, at: int) -> State:
        """What a topic's life reads."""
        found: dict[str, Any] = {}
        for name in NUMBERS:
            [found[name]] = decimals(self.core.scalar_column(name))
        for role, listed in LISTS.items():
            names = self.actors[role]
            place = everywhere(names)
            for name in listed:
                found[name] = present(names, decimals(self.core.list_column(name, *place)))
            scores, heights, quantile, initial = self.core.averages(role, *place)
            found[f"{role}_score_ema"] = present(names, decimals(scores))
            stored = [height or None for height in heights.tolist()]
            found[f"{role}_score_height"] = present(names, stored)
            [found[f"{role}_score_quantile"]] = decimals(quantile)
            [found[f"initial_{role}_score"]] = decimals(initial)
        return State(self.topic_ids[at], **found)

    def moved(self, before: State, after: State) -> _core.States:
        """The state after submissions.

        Raises:
            ValueError: more than average scores and their heights differs.
        """
        for name in HELD:
            old, new = getattr(before, name), getattr(after, name)
            if old is not new and old != new:
                raise ValueError(f"{name} of topic {after.topic_id} changed outside the engine")
        core = self.core
        for role in LISTS:
            old, new = (getattr(state, f"{role}_score_ema") for state in (before, after))
            was, now = (getattr(state, f"{role}_score_height") for state in (before, after))
            names = [
                name
                for name, score in new.items()
                if old.get(name) is not score or was.get(name) != now.get(name)
            ]
            if names:
                columns = {
                    "score": as_column(DecimalArray.from_texts([str(new[name]) for name in names])),
                    "height": np.array([now.get(name, 0) for name in names], np.int64),
                }
                core = core.with_averages(role, *everywhere(names), columns)
        return core


def everywhere(names: list[str]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint32]]:
    """Actors of the only topic, as the engine takes them."""
    return np.array([0, len(names)], np.int64), _core.intern(names)


def decimals(column: Any) -> list[Decimal | None]:
    """A column of the engine's numbers."""
    return read_numbers(from_column(column))


class Compiled:
    """Single epochs through engines of all rules asked for.

    Raises:
        ValueError: a state that it is given differs from the one it gave out in more than average
            scores and their heights.
    """

    def __init__(self) -> None:
        self.engines: dict[Rules, Engine] = {}
        self.topics: dict[int, tuple[State, Kept]] = {}
        self.settled: dict[int, SettledBatch] = {}

    def moments(self) -> tuple[Any, Any, Any]:
        """The three functions."""
        return self.infer, self.settle, self.reward

    def engine(self, rules: Rules) -> Engine:
        """The engine for these rules."""
        if rules not in self.engines:
            self.engines[rules] = Engine("decimal", rules=rules, threads=1)
        return self.engines[rules]

    def infer(self, epoch: Epoch, state: State, rules: Rules) -> Inferred:
        """The network inferences of one epoch."""
        states = self.states(epoch, state)
        batch = self.engine(rules).infer([epoch], states)
        return self.kept(batch, states, batch.topic)

    def settle(self, epoch: Epoch, state: State, rules: Rules) -> Settled:
        """The network losses of one epoch; kept, since rewards follow from them."""
        states = self.states(epoch, state)
        batch = self.settled[epoch.topic_id] = self.engine(rules).settle([epoch], states)
        return self.kept(batch, states, batch.topic)

    def reward(self, epoch: Epoch, losses: ValueBundle, state: State, rules: Rules) -> Rewarded:
        """Scores and rewards of the epoch that was settled last."""
        states = self.states(epoch, state)
        column = self.settled.pop(epoch.topic_id).columns["network_losses"]
        batch = self.engine(rules).reward([epoch], column, states)
        return self.kept(batch, states, batch.topic)

    def states(self, epoch: Epoch, state: State) -> Kept:
        """A topic's state in the engine, out of what its life holds now."""
        known = self.topics.get(epoch.topic_id)
        if known is None:
            new = State(epoch.topic_id)
            known = (new, Kept(States.new([epoch.topic_id]).core, {role: [] for role in LISTS}))
        before, states = known
        met: dict[Role, Iterable[str]] = {
            "inferer": (*epoch.inferences, *state.inferer_score_ema),
            "forecaster": (*epoch.forecasts, *state.forecaster_score_ema),
            "reputer": (*epoch.reports, *state.reputer_score_ema),
        }
        actors = {role: list(dict.fromkeys((*states.actors[role], *met[role]))) for role in LISTS}
        return Kept(states.moved(before, state), actors)

    def kept(self, batch: Batch, states: Kept, topic: Callable[[int], Result]) -> Result:
        """One topic's result; its state is kept beside what is told of it."""
        batch.states = Kept(batch.states.core, states.actors)
        result = topic(0)
        self.topics[batch.epochs.epochs[0].topic_id] = (result.state, batch.states)
        return result

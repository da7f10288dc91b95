"""One topic between two blocks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from decimal import Decimal
from typing import Any

from ..batch import NumberName, Numbers, make_numbers
from ..epoch import Params
from ..topics import TopicWeightParams
from .feed import ROLES
from .pack import Accepted, Close
from .seats import Seats
from .timeline import Lengths, OpenNonces

__all__ = ["Life", "ModuleParams", "Waiting"]

LENGTHS = ("epoch_length", "ground_truth_lag", "worker_submission_window")
OF_TOPICS = (
    "epsilon",
    "p_norm",
    "c_norm",
    "alpha_regret",
    "merit_sortition_alpha",
    "active_inferer_quantile",
    "active_forecaster_quantile",
    "active_reputer_quantile",
    "label_default_value",
)
"""Parameters of formulas that a topic has for itself."""


@dataclass
class ModuleParams:
    """The parameters of the modules, as their texts and as the formulas take them.

    Attributes:
        texts: by module and name.
        version: rises with every change.
        formulas, weights: read from the texts; defaults where a text is missing.
    """

    texts: dict[str, dict[str, str]] = field(default_factory=dict)
    version: int = 0
    formulas: Params = field(default_factory=Params)
    weights: TopicWeightParams = field(default_factory=TopicWeightParams)

    def put(self, module: str, name: str, value: str) -> None:
        """Change one parameter."""
        self.texts.setdefault(module, {})[name] = value

    def read(self) -> None:
        """Take the texts over."""
        self.version += 1
        known = self.texts.get("emissions", {})
        self.formulas = taken(self.formulas, known)
        self.weights = taken(self.weights, known)

    def whole(self, name: str, default: int) -> int:
        """A parameter that is a whole number."""
        text = self.texts.get("emissions", {}).get(name)
        return default if text is None else int(text)


def taken(params: Any, texts: Mapping[str, str]) -> Any:
    """Parameters with the values of texts of the same names."""
    changes = {
        each.name: (int if isinstance(getattr(params, each.name), int) else Decimal)(
            texts[each.name]
        )
        for each in fields(params)
        if each.name in texts
    }
    return replace(params, **changes)


@dataclass
class Waiting:
    """A closed reputer nonce that waits for its rewards.

    Attributes:
        close: what was settled.
        losses: its network losses, slot by slot.
    """

    close: Close
    losses: Numbers


@dataclass
class Life:
    """One topic.

    Attributes:
        topic_id: its number.
        at: its position among the states.
        lengths: its clock.
        values: what it says for itself, as texts by name.
        open: nonces that are not fulfilled.
        accepted: nonce -> what its worker close took.
        seats: its active sets.
        fees_done: order of the last payload whose fee was counted.
        waiting: the nonce that waits for its rewards.
        epoch_last_ended: as of the last opened epoch.
        settled: epochs settled since the replay began.
        checked: parameters that `numbers` was made of.
    """

    topic_id: int
    at: int
    lengths: Lengths
    values: dict[str, str] = field(default_factory=dict)
    open: OpenNonces = field(default_factory=OpenNonces)
    accepted: dict[int, Accepted] = field(default_factory=dict)
    seats: dict[str, Seats] = field(default_factory=lambda: {role: Seats() for role in ROLES})
    fees_done: int = 0
    waiting: Waiting | None = None
    epoch_last_ended: int = 0
    settled: int = 0
    checked: int = -1
    params: Params = field(default_factory=Params)
    numbers: Numbers | None = None
    alpha: Numbers | None = None

    def refresh(self, module: ModuleParams, number: NumberName) -> None:
        """Bring the parameters of formulas up to date."""
        if self.checked == module.version:
            return
        own = {name: self.values[name] for name in OF_TOPICS if self.values.get(name)}
        self.params = taken(module.formulas, own)
        listed = [getattr(self.params, each.name) for each in fields(Params)]
        self.numbers = make_numbers(number, listed)
        self.alpha = make_numbers(number, [self.params.merit_sortition_alpha])
        self.checked = module.version

    def update(self, row: Mapping[str, Any]) -> None:
        """Take over what a message or a state says about the topic."""
        for name in (*LENGTHS, *OF_TOPICS):
            if row.get(name) is not None:
                self.values[name] = str(row[name])
        self.lengths = Lengths(*(int(self.values[name]) for name in LENGTHS))
        self.checked = -1

"""Topics' epochs to reward, by engine and reference, under the rules of both ends."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, settings
from hypothesis import strategies as st

from allora_core import Engine
from allora_core.batch import Epochs, bundle_row, make_numbers, read_numbers
from allora_core.epoch import Epoch, Rewarded, State
from allora_core.reference import Rules, network_loss, reward
from allora_core.reference.network_loss import accepted_reports
from allora_core.reference.number import UNBOUNDED
from allora_core.results import read_loss_bundle
from allora_core.testing.strategies import histories

D = Decimal
EXAMPLES = int(os.environ.get("ALLORA_CORE_HISTORIES", "100"))
SETTINGS = settings(
    max_examples=max(EXAMPLES // 8, 1),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
ENGINES = {version: Engine(rules=version, threads=1) for version in ("v0.6", "v0.17")}
versions = pytest.mark.parametrize("version", ENGINES)
STYLES: Any = ("ordinary", "ties", "zeros", "long")
# Faults that valid input may meet: nobody left with stake behind an entry, fractions of 0 without
# a logarithm, workers without the losses that their scores are made of, and scores too far from
# the sampled ones for the exponential: v0.6 refuses it, v0.17 the logarithm of its infinity.
POSSIBLE = {"div_undefined", "div_zero", "invalid", "domain", "no_score", "length"}
POSSIBLE |= {"overflow", "underflow", "range", "infinite_arg"}

Losses = list[Decimal | None]


@dataclass(frozen=True)
class Side:
    """Who computes, and by which rules.

    Attributes:
        settled: the row of network losses, in the order of the bundle.
        rewarded: what an epoch's losses, given as such a row, lead to.
    """

    version: str
    settled: Callable[[str, Epoch, State], Losses]
    rewarded: Callable[[str, Epoch, State, Losses], Rewarded]

    @property
    def rules(self) -> Rules:
        return ENGINES[self.version].rules


Start = tuple[Side, Epoch, State]


def settled_by_engine(version: str, epoch: Epoch, state: State) -> Losses:
    settled = ENGINES[version].settle([epoch], [state])
    settled.check(0)
    return read_numbers(settled.columns["network_losses"])


def rewarded_by_engine(version: str, epoch: Epoch, state: State, losses: Losses) -> Rewarded:
    column = make_numbers("decimal", losses)
    return ENGINES[version].reward([epoch], column, [state]).topic(0)


def settled_by_reference(version: str, epoch: Epoch, _: State) -> Losses:
    rules = ENGINES[version].rules
    losses = network_loss.network_losses(epoch, accepted_reports(epoch, rules))
    return list(bundle_row(losses, sorted(epoch.inferences), sorted(epoch.forecasts)))


def rewarded_by_reference(version: str, epoch: Epoch, state: State, losses: Losses) -> Rewarded:
    bundle = read_loss_bundle(Epochs("decimal", [epoch]), losses, 0)
    return reward(epoch, bundle, state, ENGINES[version].rules)


SIDES = {
    f"{name}-{version}": Side(version, *by)
    for name, by in (
        ("engine", (settled_by_engine, rewarded_by_engine)),
        ("reference", (settled_by_reference, rewarded_by_reference)),
    )
    for version in ENGINES
}
sides = pytest.mark.parametrize("side", SIDES.values(), ids=list(SIDES))


@st.composite
def starts(draw: st.DrawFn, side: Side, inferers: int = 4) -> Start:
    """An epoch whose losses settle, and a state before its rewards."""
    rules = side.rules
    history = draw(histories(rules, styles=STYLES, max_epochs=1, inferers=inferers, forecasters=2))
    epoch = history.epochs[0]
    assume(any(report.stake for report in accepted_reports(epoch, rules).values()))
    return side, epoch, history.state


def losses_of(start: Start) -> Losses:
    """The row of network losses, in the order of the bundle."""
    side, epoch, state = start
    return side.settled(side.version, epoch, state)


def rewarded(start: Start, losses: Losses | None = None) -> Rewarded:
    """The result, by default of the losses that the side settles itself."""
    side, epoch, state = start
    row = losses_of(start) if losses is None else losses
    result = side.rewarded(side.version, epoch, state, row)
    if result.fault is not None:
        assert result.fault.cause in POSSIBLE, str(result.fault)
    return result


def close(expected: Decimal, actual: Decimal, digits: int = 25) -> bool:
    """Equal up to the last digits that truncated products leave."""
    off = UNBOUNDED.subtract(expected, actual).copy_abs()
    return off <= UNBOUNDED.multiply(expected.copy_abs(), D(f"1E-{digits}"))


def all_close(expected: dict[str, Decimal], actual: dict[str, Decimal], digits: int = 25) -> bool:
    return expected.keys() == actual.keys() and all(
        close(value, actual[name], digits) for name, value in expected.items()
    )

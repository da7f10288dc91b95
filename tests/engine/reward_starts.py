"""Topics' epochs to reward in the engine, under the first and the last version's rules."""

from __future__ import annotations

import os
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, settings
from hypothesis import strategies as st

from allora_core import Engine
from allora_core.batch import make_numbers, read_numbers
from allora_core.epoch import Epoch, Rewarded, State
from allora_core.reference.network_loss import accepted_reports
from allora_core.reference.number import UNBOUNDED
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

Start = tuple[str, Epoch, State]
Losses = list[Decimal | None]


@st.composite
def starts(draw: st.DrawFn, version: str, inferers: int = 4) -> Start:
    """An epoch whose losses settle, and a state before its rewards."""
    rules = ENGINES[version].rules
    history = draw(histories(rules, styles=STYLES, max_epochs=1, inferers=inferers, forecasters=2))
    epoch = history.epochs[0]
    assume(any(report.stake for report in accepted_reports(epoch, rules).values()))
    return version, epoch, history.state


def losses_of(start: Start) -> Losses:
    """The row of network losses, in the order of the bundle."""
    version, epoch, state = start
    settled = ENGINES[version].settle([epoch], [state])
    settled.check(0)
    return read_numbers(settled.columns["network_losses"])


def rewarded(start: Start, losses: Losses | None = None) -> Rewarded:
    """The engine's result, by default of the losses that it settles itself."""
    version, epoch, state = start
    row = losses_of(start) if losses is None else losses
    column = make_numbers("decimal", row)
    return ENGINES[version].reward([epoch], column, [state]).topic(0)


def close(expected: Decimal, actual: Decimal, digits: int = 25) -> bool:
    """Equal up to the last digits that truncated products leave."""
    off = UNBOUNDED.subtract(expected, actual).copy_abs()
    return off <= UNBOUNDED.multiply(expected.copy_abs(), D(f"1E-{digits}"))


def all_close(expected: dict[str, Decimal], actual: dict[str, Decimal], digits: int = 25) -> bool:
    return expected.keys() == actual.keys() and all(
        close(value, actual[name], digits) for name, value in expected.items()
    )

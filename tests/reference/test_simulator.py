"""The network simulator's tables, which are independent of the chain's code."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from allora_core.epoch import State
from allora_core.recorded import recognise
from allora_core.recorded_simulator import (
    is_loss_difference,
    read_simulator,
    simulated_values_of,
)
from allora_core.reference import infer, reward, settle

VECTORS = Path(__file__).parents[1] / "vectors"
COMPARED = {"regression": 582, "classification": 4454}
RELATIVE, ABSOLUTE = Decimal("1E-12"), Decimal("1E-15")


@pytest.mark.parametrize("table", COMPARED)
def test_simulator_table(table: str) -> None:
    path = VECTORS / f"simulator_{table}.csv"
    assert recognise(path) == f"simulator_{table}"
    compared = 0
    wrong: list[str] = []
    for simulated in read_simulator(path):
        state = State(topic_id=1) if simulated.state is None else simulated.state
        inferred = None
        if simulated.state is not None:
            inferred = infer(simulated.epoch, state, simulated.rules)
        settled = settle(simulated.epoch, state, simulated.rules)
        rewarded = reward(simulated.epoch, settled.network_losses, settled.state, simulated.rules)
        assert rewarded.fault is None
        got = simulated_values_of(simulated, inferred, settled, rewarded)
        assert set(got) == set(simulated.expected)
        for column, expected in simulated.expected.items():
            compared += 1
            bound = ABSOLUTE if is_loss_difference(column) else RELATIVE * abs(expected)
            if abs(got[column] - expected) > bound:
                wrong.append(f"line {simulated.line} {column}: {expected} not {got[column]}")
    assert not wrong, "\n".join(wrong[:10])
    assert compared == COMPARED[table]

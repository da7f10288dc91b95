"""The network simulator's tables, which are independent of the chain's code."""

from __future__ import annotations

import csv
import math
import statistics
from decimal import Decimal, localcontext
from itertools import pairwise
from pathlib import Path

import pytest

from allora_core.epoch import Params, State
from allora_core.recorded import recognise
from allora_core.recorded_simulator import (
    SimulatedEpoch,
    allowed_error,
    read_simulator,
    simulated_values_of,
)
from allora_core.reference import infer, reward, rules_at, settle
from allora_core.reference.number import add, quotient
from allora_core.reference.reward_fraction import entropy, reputer_fractions, smoothed_fractions
from allora_core.reference.topic_reward import Entropies, divided, normalisation, task_rewards

VECTORS = Path(__file__).parents[1] / "vectors"
COMPARED = {"regression": 758, "classification": 5770}
RELATIVE, ABSOLUTE = Decimal("1E-12"), Decimal("1E-15")
ROLES = {"inferer": 5, "forecaster": 3, "reputer": 5}

# One cell, epoch 3 of the classification table, is 1.16e-12 off, relative. It is the simulator's
# rounding: for x = -9.279 it adds 1 and exp(x) = 9.334e-5 in binary64, where numbers above 1 stand
# 2^-52 apart. That sum comes out 0.978 * 2^-53 = 1.086e-16 too great, and phi = ln(1 + exp(x)) =
# 9.333e-5 with it: 1.164e-12 of phi, and so 5.004e-17 of the fraction, phi over 2.171. So much is
# found; `test_the_one_fraction_beyond` computes it.
ROUNDED = {("classification", 4, "inferer_reward_fraction_0")}


def computed(simulated: SimulatedEpoch) -> dict[str, Decimal]:
    state = State(topic_id=1) if simulated.state is None else simulated.state
    inferred = None
    if simulated.state is not None:
        inferred = infer(simulated.epoch, state, simulated.rules)
    settled = settle(simulated.epoch, state, simulated.rules)
    rewarded = reward(simulated.epoch, settled.network_losses, settled.state, simulated.rules)
    assert rewarded.fault is None
    return simulated_values_of(simulated, inferred, settled, rewarded)


@pytest.mark.parametrize("table", COMPARED)
def test_simulator_table(table: str) -> None:
    path = VECTORS / f"simulator_{table}.csv"
    assert recognise(path) == f"simulator_{table}"
    compared = 0
    wrong: list[str] = []
    for simulated in read_simulator(path):
        got = computed(simulated)
        assert set(got) == set(simulated.expected)
        for column, expected in simulated.expected.items():
            compared += 1
            rounded = (table, simulated.line, column) in ROUNDED
            absolute = "regret" in column
            bound = ABSOLUTE if absolute else RELATIVE * abs(expected)
            if rounded:
                bound = allowed_error(column)[1]
            assert bound <= max(allowed_error(column)[0] * abs(expected), allowed_error(column)[1])
            if abs(got[column] - expected) > bound:
                wrong.append(f"line {simulated.line} {column}: {expected} not {got[column]}")
    assert not wrong, "\n".join(wrong[:10])
    assert compared == COMPARED[table]


def rows_of(table: str) -> list[dict[str, str]]:
    with (VECTORS / f"simulator_{table}.csv").open() as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("table", COMPARED)
def test_worker_fractions_as_the_simulator_rounds_them(table: str) -> None:
    rows = rows_of(table)
    compared, least = 0, math.inf
    for role, rows_needed in (("inferer", 2), ("forecaster", 4)):
        scores = [[float(row[f"{role}_score_{j}"]) for j in range(ROLES[role])] for row in rows]
        for at in range(rows_needed - 1, len(rows)):
            sample = [score for row in reversed(scores[: at + 1]) for score in row][:10]
            scale = statistics.stdev(sample) + 0.01
            phi = [math.log(1 + math.exp(3 * (x / scale - 0.75))) for x in scores[at]]
            least = min(least, sum(phi))
            for j, x in enumerate(phi):
                recorded = float(rows[at][f"{role}_reward_fraction_{j}"])
                assert x / sum(phi) == pytest.approx(recorded, rel=2e-14, abs=0)
                compared += 1
    # What `allowed_error` divides the rounding of 1 + exp(x) by.
    assert least > 0.25
    assert compared == {"regression": 18, "classification": 138}[table]


def test_the_one_fraction_beyond() -> None:
    """Its error is that of the simulator's 1 + exp(x), to four digits."""
    rows = rows_of("classification")[:3]
    assert rows[-1]["epoch"] == "3"
    with localcontext() as context:
        context.prec = 50
        scores = [[Decimal(row[f"inferer_score_{j}"]) for j in range(5)] for row in rows]
        sample = [*scores[2], *scores[1]]
        mean = sum(sample) / 10
        squares = sum((score - mean) * (score - mean) for score in sample)
        scale = (squares / 9).sqrt() + Decimal("0.01")
        powers = [(3 * (score / scale - Decimal("0.75"))).exp() for score in scores[2]]
        phi = [(1 + power).ln() for power in powers]
        fraction = phi[0] / sum(phi)
        off = Decimal(rows[2]["inferer_reward_fraction_0"]) - fraction
        rounding = Decimal(1.0 + float(powers[0])) - (1 + powers[0])
        explained = rounding / (1 + powers[0]) / sum(phi) * (1 - fraction)
    assert RELATIVE * fraction < off < allowed_error("inferer_reward_fraction_0")[1]
    assert abs(rounding) < Decimal(2) ** -53
    assert abs(off - explained) < Decimal("1E-4") * off


@pytest.mark.parametrize(
    ("table", "version"), [("regression", "v0.6"), ("classification", "v0.17")]
)
def test_formulas_on_every_row(table: str, version: str) -> None:
    """Each formula on the row's own columns, in the rows too that lack the scores before."""
    rows, rules, params = rows_of(table), rules_at(version), Params()
    compared = 0

    def meets(row: dict[str, str], values: dict[str, Decimal]) -> None:
        nonlocal compared
        for column, value in values.items():
            expected = Decimal(row[column])
            assert abs(value - expected) <= RELATIVE * abs(expected), (row["epoch"], column)
            compared += 1

    def of(row: dict[str, str], column: str, count: int) -> dict[str, Decimal]:
        return {f"{i}": Decimal(row[f"{column}_{i}"]) for i in range(count)}

    def named(column: str, values: dict[str, Decimal]) -> dict[str, Decimal]:
        return {f"{column}_{i}": value for i, value in values.items()}

    for row in rows:
        entropies = Entropies(*(Decimal(row[f"{role}s_entropy"]) for role in ROLES))
        chi, amount = Decimal(row["forecasters_utility"]), Decimal(row["topic_rewards"])
        tasks = task_rewards(entropies, chi, normalisation(entropies, chi), amount)
        for role, task in zip(
            ROLES, (tasks.inference, tasks.forecasting, tasks.reputer), strict=True
        ):
            meets(row, {f"{role}s_reward_fraction": quotient(task, amount)})
            fractions = of(row, f"{role}_reward_fraction", ROLES[role])
            meets(row, named(f"{role}_reward", divided(fractions, task)))
        scores, stakes = of(row, "reputer_score", 5), of(row, "reputer_stake", 5)
        fractions = reputer_fractions(scores, stakes, params.p_reward_reputer, rules)
        meets(row, named("reputer_reward_fraction", fractions))
    for before, row in pairwise(rows):
        for role, count in ROLES.items():
            fractions = of(row, f"{role}_reward_fraction", count)
            stored = of(before, f"{role}_reward_fraction_smooth", count)
            smoothed = smoothed_fractions(fractions, stored, params)
            meets(row, named(f"{role}_reward_fraction_smooth", smoothed.fractions))
            meets(row, {f"{role}s_entropy": entropy(smoothed, params, rules)})
        stakes, rewards = of(before, "reputer_stake", 5), of(before, "reputer_reward", 5)
        raised = {m: add(stake, rewards[m]) for m, stake in stakes.items()}
        meets(row, named("reputer_stake", raised))
    # 3 shares, 13 rewards, 5 fractions in every row; 13 fractions, 3 entropies, 5 stakes after it.
    assert compared == 21 * len(rows) + 21 * (len(rows) - 1)

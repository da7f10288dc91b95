"""The network simulator's tables through the compiled engine, in both numbers."""

from __future__ import annotations

import csv
from decimal import Decimal
from pathlib import Path

import pytest

from allora_core.batch import NumberName
from allora_core.recorded_simulator import read_simulator
from allora_core.verify import verify

VECTORS = Path(__file__).parents[1] / "vectors"
COMPARED = {"regression": 758, "classification": 5770}

# Per row: what needs losses alone, what the row before and the inferers' scores add, what the
# forecasters' scores of four rows add.
LOSSES, STATE, EVERYTHING = 9, 9 + 39, 9 + 39 + 23


def is_reward_column(column: str) -> bool:
    parts = ("score", "fraction", "reward", "entropy", "utility", "coefficient", "stake")
    return any(part in column for part in parts)


@pytest.mark.parametrize("number", ["decimal", "float64"])
@pytest.mark.parametrize("table", COMPARED)
def test_every_column(table: str, number: NumberName) -> None:
    (comparison,) = verify([VECTORS / f"simulator_{table}.csv"], number)
    assert comparison.first_difference == ""
    assert comparison.compared == comparison.equal == COMPARED[table]


@pytest.mark.parametrize("table", COMPARED)
def test_every_column_of_scores_and_rewards_is_expected(table: str) -> None:
    path = VECTORS / f"simulator_{table}.csv"
    with path.open() as file:
        named = {column for column in next(csv.reader(file)) if is_reward_column(column)}
    rows = list(read_simulator(path))
    counts = [sum(is_reward_column(column) for column in row.expected) for row in rows]
    # The stakes after the last row are not in the table.
    following = [5] * (len(rows) - 4) + [0]
    assert counts == [LOSSES, STATE, STATE, *(EVERYTHING + after for after in following)]
    inputs = {"topic_rewards", *(f"reputer_stake_{m}" for m in range(5))}
    assert named - set(rows[3].expected) == inputs


@pytest.mark.parametrize("number", ["decimal", "float64"])
@pytest.mark.parametrize(
    "column",
    [
        "inferer_score_2",
        "reputer_listening_coefficient_1",
        "reputer_adjusted_stake_2",
        "forecaster_reward_fraction_0",
        "forecasters_entropy",
        "inferers_reward_fraction",
        "reputer_reward_4",
    ],
)
def test_a_wrong_digit_is_found(tmp_path: Path, column: str, number: NumberName) -> None:
    with (VECTORS / "simulator_regression.csv").open() as file:
        rows = list(csv.reader(file))
    at = rows[0].index(column)
    rows[-1][at] = str(Decimal(rows[-1][at]) * Decimal("1.00000000001"))
    path = tmp_path / "simulator_regression.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    (comparison,) = verify([path], number)
    assert comparison.different == 1
    assert f"line 5: {column}: recorded" in comparison.first_difference

"""Recorded files that cannot be read say where and why."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from allora_core.epoch import State
from allora_core.recorded import (
    RecordingError,
    read_chain_epochs,
    read_decimal_operations,
    recognise,
)
from allora_core.recorded_simulator import read_simulator

VECTORS = Path(__file__).parents[1] / "vectors"


def document() -> dict[str, Any]:
    """One small valid line."""
    loss = {"combined": "-1", "naive": "-1.0", "inferer": {"allo1a": "-2"}}
    return {
        "kind": "small",
        "input": {
            "topic": 4,
            "epoch": 0,
            "block": 100,
            "topic_params": {"epsilon": "0.05"},
            "inferences": [["allo1a", "1.50"]],
            "forecasts": [{"forecaster": "allo1k", "elements": [["allo1a", "-2"]]}],
            "reputers": [{"reputer": "allo1m", "stake": "100", "bundle": loss}],
            "state": {"initial_regret": "0", "previous_combined_loss": None},
        },
        "output": {"synthesis": {"branch": "single", "combined": "1.50"}},
    }


def write(folder: Path, *lines: object) -> Path:
    path = folder / "epochs.jsonl"
    path.write_text("\n".join(json.dumps(line) for line in lines))
    return path


def test_reads_a_line(tmp_path: Path) -> None:
    (recorded,) = read_chain_epochs(write(tmp_path, document()))
    assert str(recorded.epoch.inferences["allo1a"]["y"]) == "1.50"
    assert recorded.epoch.params.epsilon == Decimal("0.05")
    assert recorded.state == State(4)
    assert recorded.expected[("synthesis", "combined", "y")] == "1.50"


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (("inferences", 0, 1), "1.5x", "topic 4 inference of allo1a[y]: '1.5x': parse"),
        (("inferences", 0, 1), 1.5, "topic 4 inference of allo1a[y]: not the text of a number"),
        (("forecasts", 0, "elements", 0, 1), "nan", "forecast of allo1k for allo1a: 'nan': parse"),
        (("reputers", 0, "stake"), "inf", "topic 4 stake of allo1m: 'inf': infinite"),
        (("reputers", 0, "bundle", "inferer", "allo1a"), "", None),
        (("reputers", 0, "bundle", "naive"), None, "report of allo1m naive: not the text"),
        (("state", "initial_regret"), "--1", "topic 4 state initial_regret: '--1': parse"),
        (("topic_params", "epsilon"), "e5", "topic 4 epsilon: 'e5': parse"),
        (("reward",), "much", "topic 4 reward: 'much': parse"),
        (("reputers", 0, "delegated"), 5, "delegated of allo1m: not the text of a number"),
        (
            ("state", "listening_coefficients"),
            {"allo1m": "x"},
            "topic 4 state listening_coefficients[allo1m]: 'x': parse",
        ),
        (
            ("state", "inferer_score_history"),
            {"7": [["allo1a", "?"]]},
            "topic 4 state inferer_score_history[7][allo1a]: '?': parse",
        ),
        (
            ("state", "inferer_score_history"),
            {"late": []},
            "state inferer_score_history[late]: not a block height",
        ),
    ],
)
def test_bad_values_are_located(
    tmp_path: Path, place: tuple[Any, ...], value: object, message: str | None
) -> None:
    line = document()
    part = line["input"]
    for key in place[:-1]:
        part = part[key]
    part[place[-1]] = value
    path = write(tmp_path, document(), line)
    if message is None:
        assert len(list(read_chain_epochs(path))) == 2
        return
    with pytest.raises(RecordingError) as caught:
        list(read_chain_epochs(path))
    assert str(caught.value).startswith("epochs.jsonl line 2: ")
    assert message in str(caught.value)


def test_missing_parts(tmp_path: Path) -> None:
    line = document()
    del line["input"]["reputers"]
    with pytest.raises(RecordingError, match="line 1: topic 4 input reputers: missing"):
        list(read_chain_epochs(write(tmp_path, line)))


@pytest.mark.parametrize("content", ["", "hello", "[1]", "{}", "{broken", "epoch,time"])
def test_unknown_formats(tmp_path: Path, content: str) -> None:
    path = tmp_path / "file"
    path.write_text(content)
    with pytest.raises(RecordingError, match="file line 1"):
        recognise(path)


def test_readers_refuse_each_others_files() -> None:
    operations = VECTORS / "decimal_ops.jsonl"
    with pytest.raises(RecordingError, match="decimal_operations, not whole epochs"):
        list(read_chain_epochs(operations))
    with pytest.raises(RecordingError, match="decimal_operations, not a simulator table"):
        list(read_simulator(operations))
    with pytest.raises(RecordingError, match="rules: missing"):
        list(read_decimal_operations(VECTORS / "chain_epochs_v06.jsonl.gz"))


def test_simulator_cells_are_located(tmp_path: Path) -> None:
    lines = (VECTORS / "simulator_regression.csv").read_text().splitlines()
    short = tmp_path / "short.csv"
    short.write_text("\n".join([lines[0], lines[1].rsplit(",", 1)[0]]))
    with pytest.raises(RecordingError, match=r"short\.csv line 2: row: 460 of 461 columns"):
        list(read_simulator(short))
    cells = lines[1].split(",")
    cells[lines[0].split(",").index("inference_3")] = "?"
    broken = tmp_path / "broken.csv"
    broken.write_text("\n".join([lines[0], ",".join(cells)]))
    with pytest.raises(RecordingError, match="line 2: column inference_3: parse"):
        list(read_simulator(broken))

"""Recorded losses that cannot be read say where and why; differences are found."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from allora_core.recorded import RecordingError, recognise
from allora_core.recorded_losses import read_loss_cases
from allora_core.verify import verify

VECTORS = Path(__file__).parents[1] / "vectors" / "loss_cases.json"


def case(**changes: Any) -> dict[str, Any]:
    whole = {"loss": "sqe", "params": {}, "y_true": 1.0, "y_pred": 3, "expected": 4.0}
    return {key: value for key, value in (whole | changes).items() if value is not None}


def write(folder: Path, content: Any, indent: int | None = None) -> Path:
    path = folder / "cases.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content, indent=indent))
    return path


def test_the_recorded_file() -> None:
    cases = list(read_loss_cases(VECTORS))
    assert recognise(VECTORS) == "loss_cases"
    assert len(cases) == 200
    assert [cases[0].line, cases[-1].line] == [2, 201]
    assert {each.expected for each in cases if isinstance(each.expected, str)} == {"inf", "error"}


@pytest.mark.parametrize("number", ["decimal", "float64"])
def test_every_case_is_equal(number: Any) -> None:
    (comparison,) = verify([VECTORS], number)
    found = (comparison.kind, comparison.file, comparison.compared)
    assert found == ("loss cases", "loss_cases.json", 200)
    assert comparison.equal == 200
    assert comparison.largest_error["loss"] <= 2.0**-52


@pytest.mark.parametrize(
    ("change", "shown"),
    [
        ({"expected": 4.000000000000002}, "line 9: sqe(1.0, 3): recorded 4.000000000000002, comp"),
        ({"expected": "error"}, "recorded error, computed 4.0"),
        ({"expected": "inf"}, "recorded inf, computed 4.0"),
        ({"loss": "bce"}, "recorded 4.0, computed error"),
    ],
)
def test_a_difference_is_found(tmp_path: Path, change: dict[str, Any], shown: str) -> None:
    path = write(tmp_path, [case(), case(**change)], indent=0)
    (comparison,) = verify([path], "float64")
    assert (comparison.equal, comparison.different) == (1, 1)
    assert shown in comparison.first_difference


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([case(), case(y_true="1")], "line 1: y_true: not a number: '1'"),
        ([case(), case(y_pred=[1.0, None])], "not a number: None"),
        ([case(expected=None)], "expected: missing"),
        ([case(expected="none")], "expected: not a number: 'none'"),
        ([case(params={"std": "1"})], "params[std]: not a number"),
        ([case(loss="nothing")], "line 1: loss: unknown method 'nothing'"),
        (json.dumps([case()])[:-1] + ",\n 5]", "line 2: "),
        (json.dumps([case()])[:-1], "line 1: list: ',' expected"),
        (json.dumps([case()])[:-1] + ",]", "line 1: entry: "),
        (json.dumps([case()])[:-2] + ', "loss": "sqe"}]', "line 1: loss: given twice"),
    ],
)
def test_bad_files(tmp_path: Path, content: Any, message: str) -> None:
    path = write(tmp_path, content)
    assert recognise(path) == "loss_cases" or "expected" in message
    with pytest.raises(RecordingError) as caught:
        verify([path])
    assert str(caught.value).startswith("cases.json line ")
    assert message in str(caught.value)


@pytest.mark.parametrize("content", ["[]", "[1]", '[{"loss": "sqe"}]', "[{", '[["loss"]]'])
def test_other_lists_are_not_recognised(tmp_path: Path, content: str) -> None:
    with pytest.raises(RecordingError, match="not a recorded file of a known format"):
        recognise(write(tmp_path, content))

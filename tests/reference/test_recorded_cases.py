"""Cases that the network's own tests assert, against the reference, and damaged files of them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from allora_core.recorded import RecordingError, recognise
from allora_core.recorded_cases import FUNCTIONS, agrees, outcome, read_cases

VECTORS = Path(__file__).parents[1] / "vectors" / "rewards_cases.json"
CASES = list(read_cases(VECTORS))


def test_every_function_is_covered() -> None:
    assert recognise(VECTORS) == "rewards_cases"
    assert len(CASES) == 75
    assert {case.function for case in CASES} == set(FUNCTIONS)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case(case) -> None:
    found = outcome(case)
    assert agrees(case, case.expected, found), found


def test_another_answer_differs() -> None:
    """Every kind of answer can be missed."""
    wrong = {
        "ema": "211",
        "quantile_bad_1.1": "3",
        "topic_skim": [3, 4, 1],
        "stddev_basic": {"error": "none"},
        "reputer_fraction_zero_stake": "0",
    }
    named = {case.name: case for case in CASES}
    for name, expected in wrong.items():
        case = named[name] if name in named else next(c for c in CASES if c.function == name)
        assert not agrees(case, expected, outcome(case)), name
    held = named["higher_one_out_higher_forecaster_score"]
    turned = {"a": held.inputs["b"], "b": held.inputs["a"]}
    assert outcome(replace(held, inputs=turned)) is False


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda document: document["cases"][0].update(function="fame"), "unknown 'fame'"),
        (lambda document: document["cases"][0].update(inputs=[]), "inputs: not an object"),
        (lambda document: document["cases"][0].pop("expected"), "expected: missing"),
        (lambda document: document.pop("cases"), "cases: missing"),
    ],
)
def test_damage_is_named(tmp_path: Path, change, words: str) -> None:
    document = json.loads(VECTORS.read_text())
    change(document)
    path = tmp_path / "cases.json"
    path.write_text(json.dumps(document, indent=1))
    with pytest.raises(RecordingError, match=words) as caught:
        list(read_cases(path))
    assert str(caught.value).startswith("cases.json line ")

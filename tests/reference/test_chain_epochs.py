"""Both files of recorded chain epochs: every value, its written form, and the carried state."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from allora_core.epoch import State
from allora_core.recorded import RecordedEpoch, read_chain_epochs, recognise, values_of
from allora_core.recorded_reward import STATE_FIELDS
from allora_core.reference import infer, reward, settle
from allora_core.reference.number import subtract
from allora_core.reference.number_text import plain_text
from allora_core.reference.weight import regret_scale

VECTORS = Path(__file__).parents[1] / "vectors"
FILES = {
    "chain_epochs_v0.6": VECTORS / "chain_epochs_v06.jsonl.gz",
    "chain_epochs_v0.17": VECTORS / "chain_epochs_v017.jsonl.gz",
}


def scales_in_forecasts(recorded: RecordedEpoch, before: State) -> dict[str, str]:
    """v0.6: the deviation of the approximate regrets of each forecast, plus epsilon."""
    loss = before.previous_combined_loss
    scales: dict[str, str] = {}
    for k in recorded.forecast_regret_scale:
        elements = dict(recorded.epoch.forecasts[k])
        present = [j for j in sorted(elements) if j in recorded.epoch.inferences]
        assert loss is not None
        regrets = [subtract(loss, elements[j]) for j in present]
        scales[k] = plain_text(regret_scale(regrets, recorded.epoch.params, recorded.rules))
    return scales


@pytest.mark.parametrize("form", FILES)
def test_every_value_and_form(form: str) -> None:
    assert recognise(FILES[form]) == form
    state = State(topic_id=0)
    compared = 0
    wrong: list[str] = []
    for recorded in read_chain_epochs(FILES[form]):
        before = state if recorded.state is None else recorded.state
        inferred = infer(recorded.epoch, before, recorded.rules)
        settled = settle(recorded.epoch, inferred.state, recorded.rules)
        rewarded = reward(recorded.epoch, settled.network_losses, settled.state, recorded.rules)
        got = values_of(recorded, before, inferred, settled, rewarded)
        for name in sorted({*got, *recorded.expected}):
            compared += 1
            expected = recorded.expected.get(name)
            if expected != got.get(name):
                wrong.append(f"line {recorded.line} {name}: {expected} not {got.get(name)}")
        assert scales_in_forecasts(recorded, before) == recorded.forecast_regret_scale
        state = recorded.state_after(settled, rewarded)
    assert not wrong, "\n".join(wrong[:10])
    assert compared == {"chain_epochs_v0.6": 46_549, "chain_epochs_v0.17": 53_201}[form]


def leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for part in value.values():
            yield from leaves(part)
    elif isinstance(value, list):
        for part in value:
            yield from leaves(part)
    elif value is not None:
        yield value


@pytest.mark.parametrize("form", FILES)
def test_nothing_of_these_stages_is_left_out(form: str) -> None:
    with gzip.open(FILES[form], "rt") as lines:
        documents = [json.loads(line) for line in lines]
    for document, recorded in zip(documents, read_chain_epochs(FILES[form]), strict=True):
        output = document["output"]
        output["synthesis"].pop("forecast_regret_scale", None)
        if not recorded.scored:
            # The file gives what scores would leave, but not the scores.
            for name in STATE_FIELDS.keys() & output.get("state_after", {}).keys():
                del output["state_after"][name]
        if "error" in output.get("scores", {}):
            output["scores"] = {"error": output["scores"]["error"]}
        stages = ("synthesis", "network_losses", "regrets", "weights", "scores", "rewards")
        stages += ("state_after",)
        held = sum(1 for stage in stages for _ in leaves(output.get(stage)))
        assert held == len(recorded.expected)

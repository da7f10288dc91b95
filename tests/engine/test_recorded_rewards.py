"""Scores, rewards and carried state of the chain's recorded epochs: every digit, and its form."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from itertools import zip_longest
from pathlib import Path
from typing import Any

from allora_core import Engine, Rewarded
from allora_core.epoch import Epoch, State
from allora_core.recorded import RecordedEpoch, read_chain_epochs
from allora_core.reference.number_text import plain_text

FILE = Path(__file__).parents[1] / "vectors" / "chain_epochs_v06.jsonl.gz"
ROLES = ("inferer", "forecaster", "reputer")
# The exponents that the file's description gives as its defaults.
DEFAULTS = {"p_reward_inference": "1", "p_reward_reputer": "3"}
SCALARS = (
    "reputer_entropy",
    "inference_entropy",
    "forecasting_entropy",
    "forecasting_task_utility_score",
    "forecaster_score_ratio",
    "chi",
    "gamma",
    "reputer_task_reward",
    "inference_task_reward",
    "forecasting_task_reward",
)


def recorded_epochs() -> Iterator[tuple[RecordedEpoch, dict[str, Any]]]:
    with gzip.open(FILE, "rt") as lines:
        yield from zip(read_chain_epochs(FILE), map(json.loads, lines), strict=True)


def numbers(entries: dict[str, str]) -> dict[str, Decimal]:
    return {actor: Decimal(text) for actor, text in entries.items()}


def epoch_of(recorded: RecordedEpoch, given: dict[str, Any]) -> Epoch:
    """The epoch with what scores and rewards need."""
    known = type(recorded.epoch.params).__slots__
    texts = {**DEFAULTS, **given["params"], **given["topic_params"]}
    params = {name: Decimal(text) for name, text in texts.items() if name in known}
    reports = {
        report["reputer"]: replace(
            recorded.epoch.reports[report["reputer"]], delegated=Decimal(report["delegated"])
        )
        for report in given["reputers"]
    }
    return replace(
        recorded.epoch,
        params=replace(recorded.epoch.params, **params),
        reports=reports,
        reward=Decimal(given["reward"]),
    )


def state_of(state: State, given: dict[str, Any]) -> State:
    """The state with what scores and rewards carry."""

    def history(blocks: dict[str, Any]) -> dict[int, tuple[tuple[str, Decimal], ...]]:
        return {
            int(block): tuple((worker, Decimal(text)) for worker, text in scores)
            for block, scores in blocks.items()
        }

    values: dict[str, Any] = {
        "listening_coefficient": numbers(given["listening_coefficients"]),
        "forecaster_score_ratio": Decimal(given["forecaster_score_ratio"]),
        "delegate_reward_per_share": numbers(given["delegate_reward_per_share"]),
    }
    for role in ROLES:
        values[f"{role}_score_ema"] = numbers(given[f"{role}_score_ema"])
        values[f"{role}_reward_fraction"] = numbers(given[f"{role}_reward_fraction_smooth"])
    for role in ROLES[:2]:
        values[f"{role}_score_history"] = history(given[f"{role}_score_history"])
    return replace(state, **values)


def computed(result: Rewarded) -> dict[str, dict[str, Any]]:
    """What the engine gave, under the file's names."""
    state = result.state
    scores: dict[str, Any] = {
        "gradient_descent_iterations": result.iterations,
        "listening_used_for_scores": result.listening_coefficient_used,
        "adjusted_stake_used_for_scores": result.adjusted_stake_used,
        "listening_after": {m: state.listening_coefficient[m] for m in result.reputer_score},
        "adjusted_stake_after": result.adjusted_stake,
    }
    rewards: dict[str, Any] = {name: getattr(result, name) for name in SCALARS}
    rewards["delegate_reward_per_share"] = state.delegate_reward_per_share
    rewards["reputer_reward_paid"] = result.reputer_paid
    after: dict[str, Any] = {
        "listening_coefficients": state.listening_coefficient,
        "forecaster_score_ratio": state.forecaster_score_ratio,
        "delegate_reward_per_share": state.delegate_reward_per_share,
    }
    for role in ROLES:
        scored = getattr(result, f"{role}_score")
        averages = getattr(state, f"{role}_score_ema")
        smooth = getattr(state, f"{role}_reward_fraction")
        scores[role] = scored
        scores[f"{role}_ema"] = {actor: averages[actor] for actor in scored if actor in averages}
        scores[f"{role}_quantile"] = getattr(state, f"{role}_score_quantile")
        rewards[f"{role}_fraction"] = getattr(result, f"{role}_fraction")
        rewards[f"{role}_reward"] = getattr(result, f"{role}_reward")
        # Forecasters' fractions are smoothed only where there are several inferers.
        updated = scored if role != "forecaster" or len(result.inferer_score) > 1 else {}
        rewards[f"{role}_fraction_smooth"] = {actor: smooth[actor] for actor in updated}
        after[f"{role}_score_ema"] = averages
        after[f"{role}_reward_fraction_smooth"] = smooth
    for role in ROLES[:2]:
        after[f"{role}_score_history"] = getattr(state, f"{role}_score_history")
        after[f"{role}_inclusions"] = getattr(state, f"{role}_inclusions")
    return {"scores": scores, "rewards": rewards, "state_after": after}


def flat(name: tuple[str, ...], value: Any) -> Iterator[tuple[tuple[str, ...], str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from flat((*name, str(key)), inner)
    elif isinstance(value, (list, tuple)):
        for at, inner in enumerate(value):
            yield from flat((*name, str(at)), inner)
    elif value is not None:
        yield name, plain_text(value) if isinstance(value, Decimal) else str(value)


def differences(result: Rewarded, output: dict[str, Any], place: str) -> tuple[int, list[str]]:
    """How many values were compared, and those that differ, surplus ones included."""
    compared, found = 0, []
    for stage, values in computed(result).items():
        if "error" in output.get(stage, {"error": ""}):
            continue
        recorded = {name: value for name, value in output[stage].items() if name in values}
        expected, actual = dict(flat((stage,), recorded)), dict(flat((stage,), values))
        for name in expected.keys() | actual.keys():
            compared += 1
            if expected.get(name) != actual.get(name):
                texts = f"{actual.get(name)} instead of {expected.get(name)}"
                found.append(f"{place} {'.'.join(name)}: {texts}")
    return compared, found


def failed_as_recorded(result: Rewarded, output: dict[str, Any]) -> bool:
    """The one recorded failure: a loss that only reputers without adjusted stake report."""
    if "error" not in output["scores"]:
        return result.fault is None
    return result.fault is not None and result.fault.cause == "div_undefined"


def test_one_topic_at_a_time() -> None:
    compared, found = 0, []
    state: State | None = None
    for recorded, document in recorded_epochs():
        given, output = document["input"], document["output"]
        if recorded.state is not None:
            state = state_of(recorded.state, given["state"])
        assert state is not None
        engine = Engine(rules=recorded.rules, threads=1)
        batch = engine.epoch([epoch_of(recorded, given)], [state])
        result = batch.rewarded.topic(0)
        place = f"{recorded.kind} nonce {recorded.epoch.nonce}"
        assert failed_as_recorded(result, output), place
        if result.fault is not None:
            assert result.state == batch.settled.topic(0).state
        count, differing = differences(result, output, place)
        compared += count
        found += differing
        state = result.state
    assert found == []
    assert compared == 8793


def test_all_topics_in_one_batch() -> None:
    topics: dict[int, list[tuple[RecordedEpoch, dict[str, Any]]]] = {}
    for recorded, document in recorded_epochs():
        topics.setdefault(recorded.epoch.topic_id, []).append((recorded, document))
    states = {
        topic: state_of(history[0][0].state, history[0][1]["input"]["state"])
        for topic, history in topics.items()
        if history[0][0].state is not None
    }
    compared, found = 0, []
    for step in zip_longest(*topics.values()):
        due = [entry for entry in step if entry is not None]
        engine = Engine(rules=due[0][0].rules, threads=2)
        batch = engine.epoch(
            [epoch_of(recorded, document["input"]) for recorded, document in due],
            [states[recorded.epoch.topic_id] for recorded, _ in due],
        )
        for at, (recorded, document) in enumerate(due):
            result = batch.rewarded.topic(at)
            count, differing = differences(result, document["output"], recorded.kind)
            compared += count
            found += differing
            states[recorded.epoch.topic_id] = result.state
    assert found == []
    assert compared == 8793


def test_float64_within_its_error() -> None:
    """Relative 1e-11, with the stage's largest magnitude of the epoch as the least scale."""
    compared = 0
    state: State | None = None
    for recorded, document in recorded_epochs():
        given, output = document["input"], document["output"]
        if recorded.state is not None:
            state = state_of(recorded.state, given["state"])
        assert state is not None
        engine = Engine("float64", rules=recorded.rules, threads=1)
        result = engine.epoch([epoch_of(recorded, given)], [state]).rewarded.topic(0)
        state = result.state
        for stage, values in computed(result).items():
            if "error" in output.get(stage, {"error": ""}):
                continue
            expected = numeric(flat((stage,), {name: output[stage][name] for name in values}))
            actual = numeric(flat((stage,), values))
            scale = max(abs(value) for value in expected.values())
            for name, value in expected.items():
                error = abs(actual.get(name, float("inf")) - value)
                assert error <= 1e-11 * scale, (recorded.kind, recorded.epoch.nonce, name)
                compared += 1
    assert compared > 8000


def numeric(values: Iterator[tuple[tuple[str, ...], str]]) -> dict[tuple[str, ...], float]:
    """The numbers among them."""
    return {name: float(text) for name, text in values if text[:1] in "-0123456789"}

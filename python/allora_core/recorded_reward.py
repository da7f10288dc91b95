"""Scores and rewards in a whole-epoch file: its names, and where this package keeps the same.

The state's families have names of their own in the file; both are listed once, here. Values of a
score history stand under (block, position, 0 or 1): the worker and its score.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from .epoch import Rewarded, State, TopicError
from .reference.number_text import plain_text

__all__ = [
    "PARAMS",
    "STAGES",
    "STATE_FIELDS",
    "expected_values",
    "reward_state",
    "reward_values",
    "scale_of",
    "stage_of",
]

Name = tuple[str, ...]
Number = Callable[[Any, str], Decimal]

STAGES = ("scores", "rewards")
ROLES = ("inferer", "forecaster", "reputer")
WORKERS = ("inferer", "forecaster")

# Exponents of v0.6, which the file leaves out where a topic has them.
PARAMS = {"p_reward_inference": "1", "p_reward_reputer": "3"}

STATE_FIELDS = {
    "listening_coefficients": "listening_coefficient",
    "delegate_reward_per_share": "delegate_reward_per_share",
    "forecaster_score_ratio": "forecaster_score_ratio",
    **{f"{role}_score_ema": f"{role}_score_ema" for role in ROLES},
    **{f"{role}_reward_fraction_smooth": f"{role}_reward_fraction" for role in ROLES},
    **{f"{role}_score_history": f"{role}_score_history" for role in WORKERS},
}
"""Name of the file -> field of `State`."""

TASK_FIELDS = (
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

# How the chain words what ended the scores -> the cause that it has here.
FAILURES = {"division undefined": "div_undefined"}


def stage_of(name: Name) -> str:
    """The stage that gave a value: what the state keeps of scores and rewards is theirs."""
    if name[0] != "state_after" or name[1] not in STATE_FIELDS:
        return name[0]
    scored = "_score_ema" in name[1] or "_score_history" in name[1] or "listening" in name[1]
    return "scores" if scored else "rewards"


def stage_of_fault(fault: TopicError) -> str:
    """The stage that ended scores and rewards; ``""`` for a payout, which ends nothing."""
    if fault.field.endswith("_paid"):
        return ""
    scored = fault.field.endswith(("_score", "_score_ema", "_score_history"))
    return "scores" if scored and fault.field != "forecasting_task_utility_score" else "rewards"


def scale_of(name: Name) -> str:
    """Values that are measured against the same magnitude: coins would hide any fraction."""
    stage = stage_of(name)
    if name[1] in ("delegate_reward_per_share", "gradient_descent_iterations"):
        return f"{stage}.{name[1]}"
    if stage == "rewards" and name[1].endswith(("_reward", "_paid")):
        return f"{stage}.coins"
    return stage


def reward_state(given: Mapping[str, Any], number: Number) -> dict[str, Any]:
    """Fields of `State` from a recorded state; `number` parses a text at a place."""
    values: dict[str, Any] = {}
    for name, field in STATE_FIELDS.items():
        value = given.get(name)
        if value is None:
            continue
        if name.endswith("_history"):
            values[field] = {
                int(block): tuple(
                    (worker, number(text, f"state {name}[{block}][{worker}]"))
                    for worker, text in scores
                )
                for block, scores in value.items()
            }
        elif isinstance(value, dict):
            values[field] = {
                actor: number(text, f"state {name}[{actor}]") for actor, text in value.items()
            }
        else:
            values[field] = number(value, f"state {name}")
    return values


def expected_values(output: Mapping[str, Any]) -> Iterator[tuple[Name, str]]:
    """What a file says about scores, rewards and the state they leave."""
    for stage in STAGES:
        given = output.get(stage) or {}
        if "error" in given:
            text = str(given["error"])
            known = (cause for words, cause in FAILURES.items() if words in text)
            yield (stage, "error"), next(known, text)
            continue
        yield from flat((stage,), given)
    for name in STATE_FIELDS:
        yield from flat(("state_after", name), (output.get("state_after") or {}).get(name))


def flat(name: Name, value: Any) -> Iterator[tuple[Name, str]]:
    """Every value under its name."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from flat((*name, str(key)), inner)
    elif isinstance(value, (list, tuple)):
        for at, inner in enumerate(value):
            yield from flat((*name, str(at)), inner)
    elif value is not None:
        yield name, plain_text(value) if isinstance(value, Decimal) else str(value)


@dataclass(frozen=True)
class Computed:
    """What an implementation gave, under the file's names."""

    before: State
    result: Rewarded

    def scores(self) -> dict[str, Any]:
        """Scores of this epoch, their averages, and the last iteration of the descent."""
        result, state = self.result, self.result.state
        listened = self.before.listening_coefficient
        values: dict[str, Any] = {
            "gradient_descent_iterations": result.iterations,
            "listening_before": {m: listened.get(m, Decimal(1)) for m in result.reputer_score},
            "listening_used_for_scores": result.listening_coefficient_used,
            "adjusted_stake_used_for_scores": result.adjusted_stake_used,
            "listening_after": {m: state.listening_coefficient[m] for m in result.reputer_score},
            "adjusted_stake_after": result.adjusted_stake,
        }
        for role in ROLES:
            scored = getattr(result, f"{role}_score")
            averages = getattr(state, f"{role}_score_ema")
            values[role] = scored
            values[f"{role}_ema"] = {
                actor: averages[actor] for actor in scored if actor in averages
            }
            values[f"{role}_quantile"] = getattr(state, f"{role}_score_quantile")
        return values

    def rewards(self) -> dict[str, Any]:
        """Fractions, the split of the topic's reward, and what everybody gets."""
        result, state = self.result, self.result.state
        values: dict[str, Any] = {name: getattr(result, name) for name in TASK_FIELDS}
        values["delegate_reward_per_share"] = state.delegate_reward_per_share
        values["reputer_reward_paid"] = result.reputer_paid
        for role in ROLES:
            values[f"{role}_fraction"] = getattr(result, f"{role}_fraction")
            values[f"{role}_reward"] = getattr(result, f"{role}_reward")
            # Forecasters' fractions are smoothed only where there are several inferers.
            smoothed = role != "forecaster" or len(result.inferer_score) > 1
            updated = getattr(result, f"{role}_score") if smoothed else {}
            fractions = getattr(state, f"{role}_reward_fraction")
            values[f"{role}_fraction_smooth"] = {actor: fractions[actor] for actor in updated}
        return values


def reward_values(
    expected: Mapping[Name, str], before: State, result: Rewarded
) -> Iterator[tuple[Name, str]]:
    """What an implementation computed, for the stages that the file has."""
    stages = {name[0] for name in expected}
    failed = "" if result.fault is None else stage_of_fault(result.fault)
    computed = Computed(before, result)
    for stage, values in (("scores", computed.scores), ("rewards", computed.rewards)):
        if stage == failed and result.fault is not None:
            yield (stage, "error"), result.fault.cause
            break
        yield from flat((stage,), values())
    if "scores" in stages and "state_after" in stages:
        for name, field in STATE_FIELDS.items():
            yield from flat(("state_after", name), getattr(result.state, field))

"""Functions of the recorded cases that are about one topic: scores, fractions, task rewards."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise
from typing import Any

from .epoch import Params, Report, ValueBundle
from .reference.consensus import consensus
from .reference.listening import adjusted_stakes, listen, reputer_scores
from .reference.network_loss import weighted_loss
from .reference.number import add, multiply, quotient, subtract, total
from .reference.reward_fraction import reputer_fractions, smoothed_fractions
from .reference.rules import rules_at
from .reference.score import forecaster_scores, forecasting_task_score, inferer_scores
from .reference.score_average import initial_score
from .reference.statistics import ema, quantile, standard_deviation
from .reference.topic_reward import (
    Entropies,
    TaskRewards,
    divided,
    normalisation,
    paid,
    shared_with_delegators,
    task_rewards,
    utility,
)

__all__ = ["SCORE_FUNCTIONS"]

D = Decimal
ONE = D(1)
Inputs = dict[str, Any]
RULES = rules_at("v0.17")


def numbers(texts: Sequence[str]) -> list[Decimal]:
    return [D(text) for text in texts]


def named(texts: Sequence[str]) -> dict[str, Decimal]:
    """Numbers under names that keep their order."""
    return {f"{at:03}": D(text) for at, text in enumerate(texts)}


def columns(rows: Sequence[Sequence[str]]) -> list[tuple[Decimal | None, ...]]:
    """The reputers' losses entry by entry; NaN marks one that is not reported."""
    values = [[None if text == "NaN" else D(text) for text in row] for row in rows]
    return list(zip(*values, strict=True))


def bundle(given: Mapping[str, Any]) -> ValueBundle:
    return ValueBundle(
        combined=D(given["combined"]),
        naive=D(given["naive"]),
        inferer=named(given["one_out_inferers"]),
        forecaster=named(given["one_out_forecasters"]),
        one_out_inferer=named(given["one_out_inferers"]),
        one_out_forecaster=named(given["one_out_forecasters"]),
        one_in_forecaster=named(given["one_in_forecasters"]),
    )


def scores_of_forecasters(given: Mapping[str, Any]) -> list[Decimal]:
    return list(forecaster_scores(bundle(given), RULES).values())


def effective_number(given: Inputs) -> Decimal:
    return smoothed_fractions(named(given["fractions"]), {}, Params()).effective


def normalized(given: Inputs) -> list[Decimal]:
    return list(smoothed_fractions(named(given["values"]), {}, Params()).fractions.values())


def chi_of(given: Inputs, score: Decimal) -> Decimal:
    params = replace(Params(), task_reward_alpha=D(given["alpha"]))
    scores = numbers(given["inferer_scores"])
    return utility(score, scores, D(given["previous_tau"]), params)[1]


def split(given: Inputs) -> TaskRewards:
    """The three tasks' rewards; a case about reputers alone has no losses, and any chi serves."""
    entropies = Entropies(D(given["F"]), D(given["G"]), D(given["H"]))
    chi = D("0.5")
    if "naive_loss" in given:
        chi = chi_of(given, subtract(D(given["naive_loss"]), D(given["network_loss"])))
    return task_rewards(entropies, chi, normalisation(entropies, chi), D(given["E"]))


def task_reward(given: Inputs) -> Decimal:
    rewards = split(given)
    return {
        "inference": rewards.inference,
        "forecast": rewards.forecasting,
        "reputer": rewards.reputer,
    }[given["task"]]


def fractions_of_reputers(given: Inputs) -> dict[str, Decimal]:
    return reputer_fractions(named(given["scores"]), named(given["stakes"]), D(given["p"]), RULES)


def a_reputer_less_leaves_more(given: Inputs) -> bool:
    reward = D(given["total"])
    everyone = divided(fractions_of_reputers(given), reward)
    fewer = {**given, "scores": given["scores"][:-1], "stakes": given["stakes"][:-1]}
    remaining = divided(fractions_of_reputers(fewer), reward)
    return all(more > everyone[m] for m, more in remaining.items())


def no_stake_no_fraction(given: Inputs) -> bool:
    """Whatever the score."""
    scores = ["17.5", *(["20"] * (len(given["stakes"]) - 1))]
    return not fractions_of_reputers({**given, "scores": scores})["000"]


def combined_score(given: Inputs) -> Decimal:
    f = D(given["f"])
    within = multiply(f, D(given["one_in"]))
    return add(within, multiply(subtract(ONE, f), D(given["one_out"])))


def listened(given: Inputs) -> dict[str, list[Decimal]]:
    params = replace(Params(), epsilon_reputer=D(given["epsilon_reputer"]))
    coefficients, stakes = numbers(given["coefficients"]), numbers(given["stakes"])
    result = listen(coefficients, stakes, columns(given["losses"]), params, RULES)
    return {"coefficients": list(result.coefficients), "scores": list(result.scores)}


def descent_ascends(given: Inputs) -> bool:
    """The mean score by adjusted stake does not fall, and at 20 iterations nothing lags."""
    losses, stakes = columns(given["losses"]), numbers(given["stakes"])
    coefficients = numbers(given["coefficients"])
    names = ("learning_rate", "epsilon_reputer", "min_stake_fraction", "max_gradient_threshold")
    given_params = replace(Params(), **{name: D(given[name]) for name in names})
    means = []
    for limit in given["iterations"]:
        params = replace(given_params, gradient_descent_max_iters=D(limit))
        result = listen(coefficients, stakes, losses, params, RULES)
        adjusted = adjusted_stakes(result.coefficients, stakes)
        weighted = total(multiply(s, w) for s, w in zip(result.scores, adjusted, strict=True))
        means.append(quotient(weighted, total(adjusted)))
        if not limit and (any(result.scores) or list(result.coefficients) != coefficients):
            return False
    final = reputer_scores(result.coefficients, stakes, losses, params)
    apart = max(abs(a - b) for a, b in zip(final, result.scores, strict=True))
    return apart <= D("0.01") and all(a <= b for a, b in pairwise(means))


def delegators_in_proportion(given: Inputs) -> bool:
    """Of rewards with a fraction, as they are; of a whole one the cut leaves the reputer a unit."""
    own, delegated = D(given["own_stake"]), D(given["delegated"])
    for reward in (D("12345.9"), D("98765432.9"), D("100000000000000000000.9")):
        report = Report(own + delegated, ValueBundle(), delegated)
        shared = shared_with_delegators(reward, report, None)
        if shared.delegators // 1000 != paid({"m": shared.reward})[0]["m"]:
            return False
    return True


SCORE_FUNCTIONS: dict[str, Callable[[Inputs], Any]] = {
    "adjusted_stake": lambda i: adjusted_stakes(numbers(i["coefficients"]), numbers(i["stakes"]))[
        i["index"]
    ],
    "consensus_losses": lambda i: [
        consensus(column, numbers(i["adjusted_stakes"])) for column in columns(i["losses"])
    ],
    "delegator_split_property": delegators_in_proportion,
    "ema": lambda i: ema(D(i["alpha"]), D(i["current"]), D(i["previous"]), i["first"]),
    "forecast_task_score": lambda i: forecasting_task_score(
        ValueBundle(combined=D(i["network_loss"]), naive=D(i["naive_loss"]))
    ),
    "forecaster_combine": combined_score,
    "forecaster_scores": scores_of_forecasters,
    "forecaster_scores_order": lambda i: (
        scores_of_forecasters(i["a"])[0] < scores_of_forecasters(i["b"])[0]
    ),
    "forecasting_utility": lambda i: chi_of(i, D(i["score"])),
    "inferer_scores": lambda i: list(inferer_scores(bundle(i)).values()),
    "initial_ema": lambda i: initial_score(named(i["scores"]), D(i["lambda_"])),
    "normalize": normalized,
    "number_ratio": effective_number,
    "quantile": lambda i: quantile(numbers(i["values"]), D(i["q"])),
    "reputer_fractions": lambda i: list(fractions_of_reputers(i).values()),
    "reputer_fractions_property": no_stake_no_fraction,
    "reputer_output": listened,
    "reputer_output_property": descent_ascends,
    "reputer_rewards_order": a_reputer_less_leaves_more,
    "reward_per_actor": lambda i: list(divided(named(i["fractions"]), D(i["total"])).values()),
    "stddev": lambda i: standard_deviation(numbers(i["values"])),
    "task_reward": task_reward,
    "task_reward_ratio": lambda i: quotient(split(i).inference, split(i).forecasting),
    "weighted_mean": lambda i: weighted_loss(
        list(zip(numbers(i["stakes"]), numbers(i["values"]), strict=True))
    ),
}

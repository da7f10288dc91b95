"""The float64 peer of the compiled engine's `reward`: scores and rewards of v0.17 in NumPy.

It covers what a running topic does: two or more inferers, forecasters and reputers who all reported
every loss and were scored before, full histories of scores, stakes above 0. The descent of the
listening coefficients goes the direct way, from the consensus over all columns of losses to each
reputer's distance from it; the coefficients of a step and those moved one by one beside them are
evaluated together, as one more axis. There is no loop over topics, participants or columns: the
Python loops walk over the steps of the descent, which follow from each other, and over chunks of
topics and of columns, so that one chunk's differences stay in the cache.

Source: rewards, sections 3 to 9.
"""

from __future__ import annotations

import numpy as np

from ..epoch import Params
from .arrays import EpochArrays, Float64, Index, Layout, RewardedArrays, ScoreStateArrays
from .numpy_sums import chunks

__all__ = ["CHUNK_BYTES", "NumpyReward"]

CHUNK_BYTES = 1024 * 1024
"""Size of one chunk's differences between losses and consensus."""

GREATEST_EXPONENT = 700.0
"""Beyond it e^x has no double: the potential would need another form."""

PARAMS = Params()
EPSILON_REPUTER = float(PARAMS.epsilon_reputer)
EPSILON_SAFE_DIV = float(PARAMS.epsilon_safe_div)
LEARNING_RATE = float(PARAMS.learning_rate)
MOST_STEPS = int(PARAMS.gradient_descent_max_iters)
LEAST_GRADIENT = float(PARAMS.max_gradient_threshold)
LEAST_STAKE = float(PARAMS.min_stake_fraction)
SORTITION_ALPHA = float(PARAMS.merit_sortition_alpha)
QUANTILES = {
    "inferer": float(PARAMS.active_inferer_quantile),
    "forecaster": float(PARAMS.active_forecaster_quantile),
    "reputer": float(PARAMS.active_reputer_quantile),
}
LAMBDA = float(PARAMS.lambda_initial_score)
EXPONENT = {
    "inferer": float(PARAMS.p_reward_inference),
    "forecaster": float(PARAMS.p_reward_forecast),
    "reputer": float(PARAMS.p_reward_reputer),
}
OFFSET = {
    "inferer": float(PARAMS.c_reward_inference),
    "forecaster": float(PARAMS.c_reward_forecast),
}
TASK_ALPHA = float(PARAMS.task_reward_alpha)
BETA = float(PARAMS.beta_entropy)
MOVE = 0.001
LEAST_UTILITY, GREATEST_UTILITY, UTILITY_SLOPE = 0.1, 0.5, 0.4


class NumpyReward:
    """Scores and rewards of epochs of one shape, with a work buffer that lives as long as it does.

    Args:
        layout: slots of the arrays.
        reputers: reputers per topic, two or more.
        chunk_bytes: size of one chunk's differences between losses and consensus.
    """

    def __init__(self, layout: Layout, reputers: int, chunk_bytes: int = CHUNK_BYTES) -> None:
        if layout.inferers < 2 or layout.forecasters < 2:
            raise ValueError("the NumPy peer covers topics of two or more inferers and forecasters")
        if reputers < 2:
            raise ValueError("the NumPy peer covers topics of two or more reputers")
        self.layout, self.reputers = layout, reputers
        column_bytes = 8 * (reputers + 1) * reputers
        self.columns_per_chunk = min(layout.width, max(1, chunk_bytes // column_bytes))
        self.topics_per_chunk = max(1, chunk_bytes // (column_bytes * layout.width))
        self.work = np.empty(chunk_bytes // 8 + column_bytes)

    def reward(
        self, epoch: EpochArrays, network_losses: Float64, state: ScoreStateArrays
    ) -> RewardedArrays:
        """Scores, listening coefficients and rewards of a batch.

        Args:
            epoch: the epoch, with reports, stakes and the topics' rewards.
            network_losses: (T, width) of `NumpyPeer.settle`.
            state: before the epoch's scores.

        Raises:
            ValueError: a topic is outside of what the peer covers.
        """
        if not (np.all(epoch.stakes > 0) and np.all(state.listening_coefficient > 0)):
            raise ValueError("the NumPy peer covers reputers with stake who are listened to")
        if np.isnan(epoch.reports).any() or np.isnan(network_losses).any():
            raise ValueError("the NumPy peer covers reputers who report every loss")
        values, iterations, coefficients = self._descend(epoch, state.listening_coefficient)
        scores = self._worker_scores(network_losses)
        history = {
            role: advanced(getattr(state, f"{role}_score_history"), score)
            for role, score in scores.items()
        }
        after = self._averages({**scores, "reputer": values["reputer_score"]}, state)
        fraction = {
            role: worker_fractions(role, score, history[role], epoch.epsilon)
            for role, score in scores.items()
        }
        fraction["reputer"] = shares(
            (epoch.stakes * values["reputer_score"]) ** EXPONENT["reputer"]
        )
        entropies: dict[str, Float64] = {}
        for role, own in fraction.items():
            name = f"{role}_reward_fraction"
            after[name], entropies[role] = entropy(own, getattr(state, name))
        values |= {f"{role}_score": score for role, score in scores.items()}
        values |= {f"{role}_fraction": own for role, own in fraction.items()}
        values["inference_entropy"] = entropies["inferer"]
        values["forecasting_entropy"] = entropies["forecaster"]
        values["reputer_entropy"] = entropies["reputer"]
        ratio = utility(network_losses, scores["inferer"], state.forecaster_score_ratio, values)
        split(epoch.reward, values)
        per_share = pay(epoch, values, state.delegate_reward_per_share)
        return RewardedArrays(
            values,
            iterations,
            ScoreStateArrays(
                listening_coefficient=coefficients,
                inferer_score_history=history["inferer"],
                forecaster_score_history=history["forecaster"],
                forecaster_score_ratio=ratio,
                delegate_reward_per_share=per_share,
                inferer_inclusions=state.inferer_inclusions + (values["inferer_paid"] > 0),
                forecaster_inclusions=state.forecaster_inclusions + (values["forecaster_paid"] > 0),
                **after,
            ),
        )

    # Listening coefficients

    def _descend(
        self, epoch: EpochArrays, stored: Float64
    ) -> tuple[dict[str, Float64], Index, Float64]:
        """The whole descent: scores and what they belong to, steps, new coefficients (5.2-5.5)."""
        scores, used, coefficients = np.zeros(stored.shape), stored.copy(), stored.copy()
        iterations = np.zeros(len(stored), dtype=np.int64)
        for chunk in chunks(epoch.topics, self.topics_per_chunk):
            stakes, reports = epoch.stakes[chunk], epoch.reports[chunk]
            running = np.ones(len(stakes), dtype=np.bool_)
            for _ in range(MOST_STEPS):
                if not running.any():
                    break
                now = coefficients[chunk].copy()
                base, moved = self._step(now, stakes, reports)
                # A topic whose descent has ended keeps what its last step gave.
                which = running[:, None]
                np.copyto(scores[chunk], base, where=which)
                np.copyto(used[chunk], now, where=which)
                np.copyto(coefficients[chunk], moved, where=which)
                iterations[chunk] += running
                running &= np.abs(moved - now).max(axis=-1) / LEARNING_RATE >= LEAST_GRADIENT
        values = {
            "reputer_score": scores,
            "listening_coefficient_used": used,
            "adjusted_stake_used": adjusted_stakes(used, epoch.stakes),
            "adjusted_stake": adjusted_stakes(coefficients, epoch.stakes),
        }
        return values, iterations, coefficients

    def _step(self, now: Float64, stakes: Float64, reports: Float64) -> tuple[Float64, Float64]:
        """Scores at the coefficients `now`, and the coefficients one step further (5.5)."""
        count = self.reputers
        delta = np.where(now == 1.0, -MOVE, MOVE)
        tried = np.repeat(now[:, None, :], count + 1, axis=1)
        # Evaluation 0 is at `now`, evaluation l + 1 with reputer l's coefficient moved.
        tried.reshape(len(now), -1)[:, count :: count + 1] += delta
        scores = self._scores(tried, stakes, reports)
        mean = (scores * stakes[:, None, :]).sum(axis=-1)
        gradient = (1.0 - mean[:, :1] / mean[:, 1:]) / delta
        moved = np.clip(now + LEARNING_RATE * gradient, 0.0, 1.0)
        everything = stakes.sum(axis=-1)
        before = (now * stakes).sum(axis=-1) / everything
        after = (moved * stakes).sum(axis=-1) / everything
        short = after < LEAST_STAKE
        if short.any():
            change = after - before
            part = np.divide(LEAST_STAKE - before, change, out=np.zeros_like(change), where=short)
            moved[short] = now[short] + (moved - now)[short] * part[short, None]
        return scores[:, 0], moved

    def _scores(self, coefficients: Float64, stakes: Float64, reports: Float64) -> Float64:
        """(T, evaluations, R) scores at (T, evaluations, R) coefficients (5.2-5.4)."""
        weights = shares(adjusted_stakes(coefficients, stakes[:, None, :]))
        topics, evaluations, reputers = weights.shape
        norm, distance = np.zeros((topics, evaluations)), np.zeros(weights.shape)
        for columns in chunks(self.layout.width, self.columns_per_chunk):
            losses = reports[..., columns]
            middle = np.matmul(weights, losses)
            norm += np.einsum("tej,tej->te", middle, middle)
            size = topics * evaluations * reputers * middle.shape[-1]
            away = self.work[:size].reshape(topics, evaluations, reputers, -1)
            np.subtract(losses[:, None], middle[:, :, None], out=away)
            distance += np.einsum("temj,temj->tem", away, away)
        norm = np.sqrt(norm)
        norm[norm == 0.0] = EPSILON_SAFE_DIV
        return 1.0 / (np.sqrt(distance) / norm[..., None] + EPSILON_REPUTER)

    # Scores of workers, averages

    def _worker_scores(self, losses: Float64) -> dict[str, Float64]:
        """T_j = L-_j - L, and T_k = f (N - L+_k) + (1 - f)(L-_k - L) (sections 3 and 4)."""
        layout = self.layout
        combined, naive = losses[:, :1], losses[:, 1:2]
        f = 0.5 ** (layout.forecasters - 1)
        added = naive - losses[:, layout.one_in_forecaster]
        without = losses[:, layout.one_out_forecaster] - combined
        return {
            "inferer": losses[:, layout.one_out_inferer] - combined,
            "forecaster": f * added + (1.0 - f) * without,
        }

    def _averages(self, scores: dict[str, Float64], state: ScoreStateArrays) -> dict[str, Float64]:
        """Averages, their quantile, the initial score of newcomers (sections 6.1, 6.3, 6.4)."""
        after: dict[str, Float64] = {}
        for role, score in scores.items():
            stored = getattr(state, f"{role}_score_ema")
            average = SORTITION_ALPHA * score + (1.0 - SORTITION_ALPHA) * stored
            after[f"{role}_score_ema"] = average
            after[f"{role}_score_quantile"] = quantile(average, QUANTILES[role])
            spread = average.std(axis=-1, ddof=1)
            after[f"initial_{role}_score"] = average.min(axis=-1) - LAMBDA * spread
        return after


def adjusted_stakes(coefficients: Float64, stakes: Float64) -> Float64:
    """S^_m = min(R a_m S_m / sum_i a_i S_i, 1)."""
    listened = coefficients * stakes
    listened *= stakes.shape[-1] / listened.sum(axis=-1, keepdims=True)
    return np.minimum(listened, 1.0, out=listened)


def shares(values: Float64) -> Float64:
    """Each value by the sum of its row."""
    everyone: Float64 = values / values.sum(axis=-1, keepdims=True)
    return everyone


def advanced(history: Float64, scores: Float64) -> Float64:
    """The history with an epoch's scores in the place of the oldest block."""
    return np.concatenate([history[:, 1:], scores[:, None]], axis=1)


def quantile(values: Float64, q: float) -> Float64:
    """The q-quantile of each row by linear interpolation."""
    ordered = np.sort(values, axis=-1)
    last = ordered.shape[-1] - 1
    position = (1.0 - q) * last
    whole = int(position)
    low, high = ordered[:, last - whole], ordered[:, max(last - whole - 1, 0)]
    value: Float64 = low + (position - whole) * (high - low)
    return value


def worker_fractions(role: str, scores: Float64, history: Float64, epsilon: Float64) -> Float64:
    """u_j = M_j / sum M, M_j = ln(1 + e^(p (T_j / (sigma + epsilon) - c))) (section 7.3)."""
    deviation = history.reshape(len(scores), -1).std(axis=-1, ddof=1)
    exponent = scores / (deviation + epsilon)[:, None]
    exponent -= OFFSET[role]
    exponent *= EXPONENT[role]
    # Scores that hardly differ count as equal.
    exponent[deviation < epsilon] = 0.0
    if exponent.max() > GREATEST_EXPONENT:
        raise ValueError("the NumPy peer covers scores of less than 230 deviations")
    return shares(np.log1p(np.exp(exponent)))


def entropy(fractions: Float64, stored: Float64) -> tuple[Float64, Float64]:
    """Smoothed fractions f, and -(sum f ln f)(N_eff/N)^beta (section 7.5)."""
    smooth = TASK_ALPHA * fractions + (1.0 - TASK_ALPHA) * stored
    effective = 1.0 / np.einsum("ti,ti->t", smooth, smooth)
    smooth = shares(smooth)
    information = -np.einsum("ti,ti->t", smooth, np.log(smooth))
    return smooth, information * (effective / fractions.shape[-1]) ** BETA


def utility(
    losses: Float64, scores: Float64, previous: Float64, values: dict[str, Float64]
) -> Float64:
    """The forecasting task's score, ratio tau and utility chi (sections 8.1 and 8.2)."""
    score = losses[:, 1] - losses[:, 0]
    best = np.maximum(scores.max(axis=-1), 0.0)
    best = np.where(best == 0.0, np.abs(score), best)
    if not best.all():
        raise ValueError("the NumPy peer covers topics with a score other than 0")
    ratio = TASK_ALPHA * (score / best) + (1.0 - TASK_ALPHA) * previous
    chi = np.clip(ratio, 0.0, 1.0) * UTILITY_SLOPE + LEAST_UTILITY
    values["forecasting_task_utility_score"] = score
    values["forecaster_score_ratio"] = ratio
    values["chi"] = np.minimum(chi, GREATEST_UTILITY)
    return ratio


def split(reward: Float64, values: dict[str, Float64]) -> None:
    """gamma and the tasks' rewards (sections 8.3 and 8.4)."""
    inference, forecasting = values["inference_entropy"], values["forecasting_entropy"]
    reputer, chi = values["reputer_entropy"], values["chi"]
    workers = inference + forecasting
    gamma = workers / ((1.0 - chi) * inference + chi * forecasting)
    unit = reward / (workers + reputer)
    values["gamma"] = gamma
    values["inference_task_reward"] = (1.0 - chi) * gamma * inference * unit
    values["forecasting_task_reward"] = chi * gamma * forecasting * unit
    values["reputer_task_reward"] = reputer * unit


def pay(epoch: EpochArrays, values: dict[str, Float64], per_share: Float64) -> Float64:
    """Rewards, the delegators' part, whole units paid; the new rewards per share (section 9)."""
    tasks = (("inferer", "inference"), ("forecaster", "forecasting"), ("reputer", "reputer"))
    for role, task in tasks:
        amount = values[f"{task}_task_reward"][:, None]
        values[f"{role}_reward"] = values[f"{role}_fraction"] * amount
    whole = values["reputer_reward"]
    delegators = np.trunc(whole * (epoch.delegated / epoch.stakes))
    values["delegators_reward"] = delegators
    values["reputer_reward"] = whole - delegators
    for role, _ in tasks:
        values[f"{role}_paid"] = np.trunc(values[f"{role}_reward"])
    raised = np.divide(
        delegators, epoch.delegated, out=np.zeros_like(whole), where=epoch.delegated > 0.0
    )
    total: Float64 = per_share + raised
    return total

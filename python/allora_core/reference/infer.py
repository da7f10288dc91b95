"""``infer``: everything that the network computes when a worker nonce closes.

Order: median and deviation of the outlier filter, network inference, filter, second network
inference.

Sources: allora-chain v0.6 to v0.17,
``x/emissions/keeper/inference_synthesis/network_inferences.go`` and
``x/emissions/keeper/actor_utils/worker.go``; synthesis, sections 1 to 5 and 9.
"""

from __future__ import annotations

from decimal import Decimal

from allora_core.epoch import Epoch, Inferred, State, Synthesis, TopicError
from allora_core.reference import network_inference as network
from allora_core.reference.confidence_interval import confidence_interval
from allora_core.reference.faults import located, require_submittable
from allora_core.reference.forecast_implied import ImpliedInput, Vector, forecast_implied
from allora_core.reference.number import ZERO
from allora_core.reference.outlier import kept_inferers, updated_median
from allora_core.reference.rules import Rules
from allora_core.reference.statistics import median
from allora_core.reference.weight import Weights, normalized

__all__ = ["infer", "initial_regret_of", "synthesize"]


def initial_regret_of(epoch: Epoch, state: State) -> Decimal:
    """Return the initial regret in force: the epoch's own from its start, or the state's."""
    return state.initial_regret if epoch.initial_regret is None else epoch.initial_regret


def infer(epoch: Epoch, state: State, rules: Rules) -> Inferred:
    """Compute the network inference bundle of an epoch from the state before it.

    Raises:
        TopicError: the epoch is not valid input, or a number has no result on the network.
    """
    if epoch.topic_id != state.topic_id:
        raise TopicError(epoch.topic_id, "", "state", "wrong_topic", str(state.topic_id))
    inferences = _vectors(epoch, rules)
    _require_submittable_forecasts(epoch, rules)
    if not inferences:
        raise TopicError(epoch.topic_id, "", "inferences", "no_inference")
    filtered = rules.outlier_resistant != "absent" and len(epoch.labels) == 1
    if filtered:
        with located(epoch.topic_id, "inference_median"):
            values = [vector[0] for vector in inferences.values()]
            state = updated_median(values, state, epoch.params)
    result = synthesize(epoch, inferences, state, rules)
    if not filtered:
        return Inferred(result, None, state)
    with located(epoch.topic_id, "outlier_resistant"):
        scalars = {j: vector[0] for j, vector in inferences.items()}
        kept = kept_inferers(scalars, state, epoch.params)
    if len(kept) == len(inferences):
        return Inferred(result, result, state)
    if not kept:
        raise TopicError(epoch.topic_id, "", "outlier_resistant", "no_inference")
    resistant = synthesize(epoch, {j: inferences[j] for j in kept}, state, rules)
    return Inferred(result, resistant, state)


def _vectors(epoch: Epoch, rules: Rules) -> dict[str, Vector]:
    """Spread every worker's labeled values over the topic's labels, in address order."""
    if rules.labels == "scalar" and len(epoch.labels) != 1:
        raise TopicError(epoch.topic_id, "", "labels", "several_labels")
    if not epoch.labels or len(set(epoch.labels)) != len(epoch.labels):
        raise TopicError(epoch.topic_id, "", "labels", "label")
    default = epoch.params.label_default_value
    vectors: dict[str, Vector] = {}
    for j in sorted(epoch.inferences):
        given = epoch.inferences[j]
        unknown = sorted(set(given) - set(epoch.labels))
        if unknown:
            raise TopicError(epoch.topic_id, j, "inference", "label", unknown[0])
        with located(epoch.topic_id, "inference", j):
            for value in given.values():
                require_submittable(value, rules)
        vectors[j] = tuple(given.get(label, default) for label in epoch.labels)
    return vectors


def _require_submittable_forecasts(epoch: Epoch, rules: Rules) -> None:
    for k, elements in epoch.forecasts.items():
        with located(epoch.topic_id, "forecast", k):
            for _, loss in elements:
                require_submittable(loss, rules)


def synthesize(
    epoch: Epoch, inferences: dict[str, Vector], state: State, rules: Rules
) -> Synthesis:
    """Compute one network inference bundle over the given inferences."""
    all_new = initial_regret_of(epoch, state) == 0
    inferers = list(inferences)
    if len(inferers) == 1:
        value = inferences[inferers[0]]
        return Synthesis("single", all_new, combined=value, naive=value)
    if state.previous_combined_loss is None and rules.no_previous_loss == "median":
        with located(epoch.topic_id, "combined"):
            middle = median([vector[0] for vector in inferences.values()])
        return Synthesis("median", all_new, combined=(middle,), naive=(ZERO,))
    return _weighted(epoch, inferences, state, rules)


def _weighted(epoch: Epoch, inferences: dict[str, Vector], state: State, rules: Rules) -> Synthesis:
    """Compute all lists of the bundle; without an earlier network loss nobody forecasts."""
    known_loss = state.previous_combined_loss is not None
    everyone, element_weight = _participants(epoch, inferences, state, rules)
    r0 = everyone.initial_regret
    value, raw = network.combined(everyone)
    forecasters = everyone.forecasters
    with located(epoch.topic_id, "normalized_weight"):
        share_inferer, share_forecaster = normalized(raw)
    listed = rules.one_out_inferer_forecaster == "present" and known_loss
    return Synthesis(
        branch="weighted" if known_loss else "no_previous_loss",
        all_inferers_are_new=everyone.given.all_inferers_are_new,
        regret_scale=raw.scale,
        inferer_regret_used=dict(network.regrets_of(state.inferer_regret, everyone.inferers, r0)),
        forecaster_regret_used=dict(network.regrets_of(state.forecaster_regret, forecasters, r0)),
        inferer_weight=raw.inferer,
        forecaster_weight=raw.forecaster,
        forecast_inferer_weight=element_weight,
        forecast_implied=everyone.implied,
        combined=value,
        naive=network.naive(everyone),
        one_out_inferer=network.one_out_inferer(everyone),
        one_out_forecaster=network.one_out_forecaster(everyone),
        one_in_forecaster=network.one_in_forecaster(everyone),
        one_out_inferer_forecaster=(network.one_out_inferer_forecaster(everyone) if listed else {}),
        confidence_interval=_interval(epoch, everyone, raw),
        normalized_inferer_weight=share_inferer,
        normalized_forecaster_weight=share_forecaster,
    )


def _participants(
    epoch: Epoch, inferences: dict[str, Vector], state: State, rules: Rules
) -> tuple[network.Participants, dict[str, dict[str, Decimal]]]:
    """Compute the forecast-implied inferences; who has none is no forecaster in this epoch."""
    r0 = initial_regret_of(epoch, state)
    loss = state.previous_combined_loss
    given = ImpliedInput(
        inferences,
        len(epoch.labels),
        r0 == 0,
        ZERO if loss is None else loss,
        state.regret_scale,
        epoch.params,
        rules,
    )
    implied: dict[str, Vector] = {}
    element_weight: dict[str, dict[str, Decimal]] = {}
    for k in sorted(epoch.forecasts) if loss is not None else []:
        with located(epoch.topic_id, "forecast_implied", k):
            result = forecast_implied(epoch.forecasts[k], given)
        if result.value is not None:
            implied[k] = result.value
            element_weight[k] = result.inferer_weight
    everyone = network.Participants(
        list(inferences), list(implied), epoch.forecasts, implied, given, state, r0
    )
    return everyone, element_weight


def _interval(epoch: Epoch, everyone: network.Participants, raw: Weights) -> Vector:
    if len(epoch.labels) != 1:
        return ()
    with located(epoch.topic_id, "confidence_interval"):
        return confidence_interval(everyone.given.inferences, everyone.implied, raw)

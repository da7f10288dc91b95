"""Events of an epoch's life as rows: what was submitted, which steps were taken, what came out."""

from __future__ import annotations

from ..archive.schema import Rows
from ..blocks.bundles import add_inference_bundle, add_value_bundle
from ..blocks.fields import (
    Fields,
    Handler,
    Origin,
    actor_type,
    per_actor,
    single,
    topic_and_nonce,
    whole,
    with_fixed,
)

__all__ = ["EPOCH_EVENTS"]


def forecast_task_score(rows: Rows, origin: Origin, fields: Fields) -> None:
    """The forecasting utility; before v9 the event named no nonce."""
    nonce = fields.get("nonce_block_height")
    rows.add(
        "forecast_task_scores",
        origin,
        1,
        topic_id=whole(fields["topic_id"], "topic_id"),
        nonce=None if nonce is None else whole(nonce, "nonce_block_height"),
        score=fields["score"],
    )


def rewards_settled(rows: Rows, origin: Origin, fields: Fields) -> None:
    """Rewards of one kind of actor; before v8 the event named the payout alone, not the nonce."""
    names = [name for name in NONCE if name in fields]
    height = whole(fields[names[0] if names else "block_height"], "block_height")
    named = "block_height_tx" in fields
    addresses = fields["addresses"]
    rows.add(
        "rewards",
        origin,
        len(addresses),
        topic_id=whole(fields["topic_id"], "topic_id"),
        nonce=height if named else None,
        payout_height=whole(fields["block_height_tx"], "block_height_tx") if named else height,
        actor_type=actor_type(fields),
        address=addresses,
        reward=fields["rewards"],
    )


def topic_rewards(rows: Rows, origin: Origin, fields: Fields) -> None:
    """What each topic of the block is paid."""
    topics = [whole(topic, "topic_ids") for topic in fields["topic_ids"]]
    rows.add("topic_rewards", origin, len(topics), topic_id=topics, reward=fields["rewards"])


def network_losses(rows: Rows, origin: Origin, fields: Fields) -> None:
    """Network losses, in either form of the bundle."""
    row = topic_and_nonce(fields, "nonce", "block_height")
    add_value_bundle(rows, "network_losses", origin, row, bundle_of(fields))


def network_inferences(
    rows: Rows, origin: Origin, fields: Fields, outlier_resistant: bool = False
) -> None:
    """Network inferences of single-output topics up to v9, in either form of the bundle."""
    row = topic_and_nonce(fields, "nonce", "block_height")
    row["outlier_resistant"] = outlier_resistant
    add_value_bundle(rows, "network_inferences", origin, row, bundle_of(fields))


def bundle_of(fields: Fields) -> Fields:
    """The bundle that is not null."""
    bundle = fields.get("bundle") or fields.get("value_bundle")
    if not isinstance(bundle, dict):
        raise KeyError("bundle or value_bundle")
    return bundle


def inference_bundle(rows: Rows, origin: Origin, fields: Fields) -> None:
    """Network inferences from v10 on, one value a label."""
    row = topic_and_nonce(fields, "nonce")
    row["outlier_resistant"] = bool(fields.get("outlier_resistant", False))
    add_inference_bundle(rows, origin, row, fields)


def active_set(rows: Rows, origin: Origin, fields: Fields, actor_type: str) -> None:
    """The actors that a close worked with."""
    row = topic_and_nonce(fields, "nonce_block_height")
    addresses = fields["addresses"]
    rows.add(
        "active_sets",
        origin,
        len(addresses),
        **row,
        actor_type=actor_type,
        address=addresses,
        source="event",
    )


def epoch_step(rows: Rows, origin: Origin, fields: Fields, step: str) -> None:
    """A window opened or closed, a nonce committed, or all records up to a nonce pruned."""
    nonces = {"committed": ("nonce",), "pruned": ("block_height",)}.get(
        step.rpartition("_")[2], ("nonce_block_height",)
    )
    end = fields.get("window_end_block")
    row = topic_and_nonce(fields, *nonces)
    rows.add(
        "epoch_steps",
        origin,
        1,
        **row,
        step=step,
        window_end=None if end is None else whole(end, "window_end_block"),
    )


def label_registry(rows: Rows, origin: Origin, fields: Fields) -> None:
    """The labels of an epoch; where only their number is told, one row without a label."""
    row = topic_and_nonce(fields, "nonce_block_height")
    row["registry_size"] = whole(fields["registry_size"], "registry_size")
    labels = fields.get("labels") or [{}]
    named = [label if isinstance(label, dict) else {"name": label} for label in labels]
    rows.add(
        "label_registries",
        origin,
        len(named),
        **row,
        label_id=[whole(label["id"], "labels") if "id" in label else None for label in named],
        label_name=[label.get("name") for label in named],
    )


def inferer_payload(rows: Rows, origin: Origin, fields: Fields) -> None:
    """An inference as the chain took it; of a multi-output topic one value a label."""
    row = topic_and_nonce(fields, "nonce")
    row |= {
        "inferer": fields["inferer"],
        "source": "event",
        "extra_data": fields.get("extra_data"),
    }
    labeled = fields.get("values")
    if labeled:
        row["label"] = [each["label"] for each in labeled]
        values = [each["value"] for each in labeled]
    else:
        values = [fields["value"]]
    rows.add("inferences", origin, len(values), **row, value=values)


def forecaster_payload(rows: Rows, origin: Origin, fields: Fields) -> None:
    """A forecast as the chain took it."""
    inferers = fields["inferer_addresses"]
    rows.add(
        "forecasts",
        origin,
        len(inferers),
        **topic_and_nonce(fields, "nonce"),
        forecaster=fields["forecaster"],
        inferer=inferers,
        value=fields["inferer_values"],
        source="event",
        extra_data=fields.get("extra_data"),
    )


def reputer_payload(rows: Rows, origin: Origin, fields: Fields) -> None:
    """A reputer's losses as the chain took them."""
    row = topic_and_nonce(fields, "nonce")
    row |= {"reputer": fields["reputer"], "source": "event"}
    add_value_bundle(rows, "reputer_losses", origin, row, bundle_of(fields))


def weights(use: str, kind: str, *nonces: str) -> Handler:
    """Weights of inferers or forecasters, latest or those a network inference used."""
    return per_actor("weights", "weight", "weights", *nonces, use=use, actor_type=kind)


def regrets(use: str, kind: str, *nonces: str) -> Handler:
    """Regrets of one set, latest or those a network inference used."""
    return per_actor("regrets", "regret", "regrets", *nonces, use=use, kind=kind)


# Both names were in use for the nonce that a result belongs to.
NONCE = ("nonce_block_height", "block_height")

EPOCH_EVENTS: dict[str, Handler] = {
    "EventScoresSet": per_actor("scores", "score", "scores", *NONCE),
    "EventEMAScoresSet": per_actor("ema_scores", "score", "scores", "nonce"),
    "EventListeningCoefficientsSet": per_actor(
        "listening_coefficients", "coefficient", "coefficients", *NONCE
    ),
    "EventForecastTaskScoreSet": forecast_task_score,
    "EventRewardsSettled": rewards_settled,
    "EventTopicRewardsSet": topic_rewards,
    "EventNetworkLossSet": network_losses,
    "EventInfererNetworkRegretSet": regrets("latest", "inferer", *NONCE),
    "EventForecasterNetworkRegretSet": regrets("latest", "forecaster", *NONCE),
    "EventNaiveInfererNetworkRegretSet": regrets("latest", "naive_inferer", *NONCE),
    "EventNetworkInferenceInfererRegretsUsedSet": regrets("network_inference", "inferer", *NONCE),
    "EventNetworkInferenceForecasterRegretsUsedSet": regrets(
        "network_inference", "forecaster", *NONCE
    ),
    "EventTopicInitialRegretSet": single("regret_scales", *NONCE, initial_regret="regret"),
    "EventRegretStdNormSet": single("regret_scales", *NONCE, stdnorm="stdnorm"),
    "EventInfererWeightSet": weights("latest", "inferer", *NONCE),
    "EventForecasterWeightSet": weights("latest", "forecaster", *NONCE),
    "EventInfererWeightsSet": weights("latest", "inferer", *NONCE),
    "EventForecasterWeightsSet": weights("latest", "forecaster", *NONCE),
    "EventNetworkInferenceInfererWeightsSet": weights("network_inference", "inferer", *NONCE),
    "EventNetworkInferenceForecasterWeightsSet": weights("network_inference", "forecaster", *NONCE),
    "EventTopicInitialEmaScoreSet": single("initial_ema_scores", *NONCE, score="score"),
    "EventNetworkInferences": network_inferences,
    "EventOutlierResistantNetworkInferences": with_fixed(
        network_inferences, outlier_resistant=True
    ),
    "EventNetworkInferenceBundle": inference_bundle,
    "EventActiveInferersSet": with_fixed(active_set, actor_type="inferer"),
    "EventActiveForecastersSet": with_fixed(active_set, actor_type="forecaster"),
    "EventActiveReputersSet": with_fixed(active_set, actor_type="reputer"),
    "EventWorkerLastCommitSet": with_fixed(epoch_step, step="worker_committed"),
    "EventReputerLastCommitSet": with_fixed(epoch_step, step="reputer_committed"),
    "EventWorkerSubmissionWindowOpened": with_fixed(epoch_step, step="worker_opened"),
    "EventWorkerSubmissionWindowClosed": with_fixed(epoch_step, step="worker_closed"),
    "EventReputerSubmissionWindowOpened": with_fixed(epoch_step, step="reputer_opened"),
    "EventReputerSubmissionWindowClosed": with_fixed(epoch_step, step="reputer_closed"),
    "EventPruneRecords": with_fixed(epoch_step, step="pruned"),
    "EventEpochLabelRegistryFrozen": label_registry,
    "EventInsertInfererPayload": inferer_payload,
    "EventInsertForecasterPayload": forecaster_payload,
    "EventInsertReputerPayload": reputer_payload,
}
"""Handlers by the event's name."""

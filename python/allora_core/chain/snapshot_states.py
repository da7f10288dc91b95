"""What formulas remember, out of a state's fields into the engine's states."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .life import Chain
    from .start import Snapshot

__all__ = ["fill_states"]

Entry = tuple[str, str, str, str]

PER_ACTOR = {
    "latest_inferer_network_regrets": "inferer_regret",
    "latest_forecaster_network_regrets": "forecaster_regret",
    "latest_naive_inferer_network_regrets": "naive_inferer_regret",
    "latest_inferer_weights": "inferer_weight",
    "latest_forecaster_weights": "forecaster_weight",
    "reputer_listening_coefficient": "listening_coefficient",
    "previous_inference_reward_fraction": "inferer_reward_fraction",
    "previous_forecast_reward_fraction": "forecaster_reward_fraction",
    "previous_reputer_reward_fraction": "reputer_reward_fraction",
    "delegate_reward_per_share": "delegate_reward_per_share",
    "count_inferer_inclusions_in_topic_active_set": "inferer_inclusions",
    "count_forecaster_inclusions_in_topic_active_set": "forecaster_inclusions",
}
PER_PAIR = {
    f"latest_{name}_network_regrets": f"{name}_regret"
    for name in (
        "one_out_inferer_inferer",
        "one_out_inferer_forecaster",
        "one_out_forecaster_inferer",
        "one_out_forecaster_forecaster",
        "one_in_forecaster",
    )
}
PER_TOPIC = {
    "latest_regret_std_norm": "regret_scale",
    "last_median_inferences": "inference_median",
    "mad_inferences": "inference_median_absolute_deviation",
    "previous_topic_quantile_inferer_score_ema": "inferer_score_quantile",
    "previous_topic_quantile_forecaster_score_ema": "forecaster_score_quantile",
    "previous_topic_quantile_reputer_score_ema": "reputer_score_quantile",
    "initial_inferer_ema_score": "initial_inferer_score",
    "initial_forecaster_ema_score": "initial_forecaster_score",
    "initial_reputer_ema_score": "initial_reputer_score",
    "previous_forecaster_score_ratio": "forecaster_score_ratio",
}


def fill_states(chain: Chain, snapshot: Snapshot) -> None:
    """Give every topic its state."""
    entries: dict[int, list[Entry]] = {topic_id: [] for topic_id in chain.lives}
    for name, family in PER_ACTOR.items():
        for entry in snapshot.of(name):
            if entry.topic_id is not None and entry.actor is not None:
                text = number_in(entry.value)
                entries[entry.topic_id].append((family, "", entry.actor, text))
    for name, family in PER_PAIR.items():
        for entry in snapshot.of(name):
            if entry.topic_id is not None and entry.actor and entry.other:
                text = number_in(entry.value)
                entries[entry.topic_id].append((family, entry.actor, entry.other, text))
    for name, family in PER_TOPIC.items():
        for entry in snapshot.of(name):
            if entry.topic_id is not None:
                entries[entry.topic_id].append((family, "", "", number_in(entry.value)))
    for role in ("inferer", "forecaster", "reputer"):
        averages(snapshot, role, entries)
    for role in ("inferer", "forecaster"):
        histories(chain, snapshot, role, entries)
    for topic_id, text in combined_losses(snapshot).items():
        entries[topic_id].append(("previous_combined_loss", "", "", text))
    for entry in snapshot.of("topics"):
        topic = entry.value["topic"]
        if topic.get("initial_regret"):
            value = ("initial_regret", "", "", topic["initial_regret"])
            entries[int(topic["id"])].append(value)
    for topic_id, life in chain.lives.items():
        chain.states = chain.states.with_entries(life.at, entries[topic_id])


def number_in(value: Any) -> str:
    """The one number of an entry, whatever its field is called."""
    for name in ("dec", "int", "uint64", "value", "coefficient", "weight", "score"):
        if isinstance(value.get(name), str):
            return str(value[name])
    for name in ("timestamped_value", "listening_coefficient", "score", "value"):
        if isinstance(value.get(name), dict):
            return number_in(value[name])
    raise ValueError(f"an entry of the state holds no number: {value}")


def averages(snapshot: Snapshot, role: str, entries: dict[int, list[Entry]]) -> None:
    """Average scores and their heights."""
    for entry in snapshot.of(f"{role}_score_emas"):
        if entry.topic_id is None or entry.actor is None:
            continue
        score = entry.value["score"]
        entries[entry.topic_id] += [
            (f"{role}_score_ema", "", entry.actor, score["score"]),
            (f"{role}_score_height", "", entry.actor, str(score["block_height"])),
        ]


def histories(chain: Chain, snapshot: Snapshot, role: str, entries: dict[int, list[Entry]]) -> None:
    """Scores of the last blocks, as many as formulas can reach."""
    params = chain.module.formulas
    reach = int(params.max_samples_to_scale_scores)
    if chain.release.formulas.score_samples == "per_seat":
        reach *= int(getattr(params, f"max_top_{role}s_to_reward"))
    blocks: dict[int, dict[int, list[Any]]] = {}
    for entry in snapshot.of(f"{role}_scores_by_block"):
        if entry.topic_id is not None:
            listed = entry.value["scores"]["scores"] or []
            blocks.setdefault(entry.topic_id, {})[int(entry.value["block_height"])] = listed
    for topic_id, scores in blocks.items():
        kept = 0
        for block in sorted(scores, reverse=True):
            if kept >= reach:
                break
            kept += len(scores[block])
            entries[topic_id] += [
                (f"{role}_score_history", str(block), score["address"], score["score"])
                for score in scores[block]
            ]


def combined_losses(snapshot: Snapshot) -> dict[int, str]:
    """The combined network loss of each topic's last settled nonce."""
    newest: dict[int, tuple[int, str]] = {}
    for entry in snapshot.of("network_loss_bundles"):
        height = int(entry.value["block_height"])
        if entry.topic_id is not None and height >= newest.get(entry.topic_id, (0, ""))[0]:
            newest[entry.topic_id] = (height, entry.value["value_bundle"]["combined_value"])
    return {topic_id: text for topic_id, (_, text) in newest.items()}

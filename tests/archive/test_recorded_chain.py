"""A recorded chain of v0.6 in the archive: inputs beside state, rows beside events."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from allora_core.archive.files import Archive, ArchiveError

RECORDING = Path(__file__).parents[1] / "vectors" / "blocks_v06"
STATES = (150, 300, 488)


def exported(height: int) -> Any:
    with gzip.open(RECORDING / f"state_{height}.json.gz") as file:
        return json.load(file)["app_state"]["emissions"]


def rows(archive: Archive, table: str) -> list[dict[str, Any]]:
    return archive.read(table).to_pylist()


def results_of(answers: list[Any]) -> dict[int, Any]:
    return {int(each["height"]): each for each in answers if "finalize_block_events" in each}


def test_all_heights_are_there(recorded: Archive, answers: list[Any]) -> None:
    assert recorded.ranges == [(1, 490)]
    assert recorded.gaps == []
    assert [row["height"] for row in rows(recorded, "blocks")] == list(range(1, 491))
    codes = Counter(
        result["code"]
        for each in results_of(answers).values()
        for result in each["txs_results"] or ()
    )
    found = rows(recorded, "txs")
    assert Counter(row["code"] for row in found) == codes
    assert sum(row["code"] != 0 for row in found) == 6


def test_failed_transactions_are_no_inputs(recorded: Archive) -> None:
    failed = {(row["height"], row["tx_index"]) for row in rows(recorded, "txs") if row["code"] != 0}
    for table in ("messages", "inferences", "reputer_losses", "stake_moves", "registrations"):
        places = {(row["height"], row["tx_index"]) for row in rows(recorded, table)}
        assert places
        assert not places & failed


@pytest.mark.parametrize("height", STATES)
def test_inferences_are_those_of_the_state(recorded: Archive, height: int) -> None:
    sent = {
        (row["topic_id"], row["nonce"], row["inferer"]): row["value"]
        for row in rows(recorded, "inferences")
    }
    kept = [
        each
        for epoch in exported(height)["all_inferences"]
        for each in epoch["inferences"]["inferences"]
    ]
    assert len(kept) > 40
    for each in kept:
        key = (int(each["topic_id"]), int(each["block_height"]), each["inferer"])
        assert Decimal(sent[key]) == Decimal(each["value"]), key


@pytest.mark.parametrize("height", STATES)
def test_forecasts_are_those_of_the_state(recorded: Archive, height: int) -> None:
    sent = {
        (row["topic_id"], row["nonce"], row["forecaster"], row["inferer"]): row["value"]
        for row in rows(recorded, "forecasts")
    }
    kept = [
        (int(each["topic_id"]), int(each["block_height"]), each["forecaster"], element)
        for epoch in exported(height)["all_forecasts"]
        for each in epoch["forecasts"]["forecasts"]
        for element in each["forecast_elements"]
    ]
    assert len(kept) > 40
    for *key, element in kept:
        value = sent[(*key, element["inferer"])]
        assert Decimal(value) == Decimal(element["value"]), key


def cells(bundle: dict[str, Any]) -> dict[tuple[Any, Any, Any], Decimal]:
    """A bundle of the state, spelled out by kind, inferer and forecaster."""
    found = {("combined", None, None): bundle["combined_value"]}
    found[("naive", None, None)] = bundle["naive_value"]
    for kind in ("inferer", "one_out_inferer"):
        for cell in bundle[f"{kind}_values"]:
            found[(kind, cell["worker"], None)] = cell["value"]
    for kind in ("forecaster", "one_out_forecaster", "one_in_forecaster"):
        for cell in bundle[f"{kind}_values"]:
            found[(kind, None, cell["worker"])] = cell["value"]
    for line in bundle["one_out_inferer_forecaster_values"]:
        for cell in line["one_out_inferer_values"]:
            key = ("one_out_inferer_forecaster", cell["worker"], line["forecaster"])
            found[key] = cell["value"]
    return {key: Decimal(value) for key, value in found.items()}


def by_bundle(
    found: list[dict[str, Any]], *names: str
) -> dict[tuple[Any, ...], dict[tuple[Any, Any, Any], Decimal]]:
    """Rows of values by bundle and cell."""
    bundles: dict[tuple[Any, ...], dict[tuple[Any, Any, Any], Decimal]] = {}
    for row in found:
        cell = (row["kind"], row["inferer"], row["forecaster"])
        bundle = bundles.setdefault(tuple(row[name] for name in names), {})
        bundle[cell] = Decimal(row["value"])
    return bundles


@pytest.mark.parametrize("height", STATES)
def test_reputer_losses_are_those_of_the_state(recorded: Archive, height: int) -> None:
    sent = by_bundle(rows(recorded, "reputer_losses"), "topic_id", "nonce", "reputer")
    kept = [
        each["value_bundle"]
        for epoch in exported(height)["all_loss_bundles"]
        for each in epoch["reputer_value_bundles"]["reputer_value_bundles"]
    ]
    assert len(kept) >= 10
    for bundle in kept:
        nonce = int(bundle["reputer_request_nonce"]["reputer_nonce"]["block_height"])
        found = sent[(int(bundle["topic_id"]), nonce, bundle["reputer"])]
        # The chain keeps values of the epoch's own workers alone.
        for cell, value in cells(bundle).items():
            assert found[cell] == value, (bundle["topic_id"], nonce, cell)


@pytest.mark.parametrize("height", STATES)
def test_network_losses_are_those_of_the_state(recorded: Archive, height: int) -> None:
    events = by_bundle(rows(recorded, "network_losses"), "topic_id", "nonce")
    kept = exported(height)["network_loss_bundles"]
    assert len(kept) >= 8
    for each in kept:
        assert events[(int(each["topic_id"]), int(each["block_height"]))] == cells(
            each["value_bundle"]
        )


@pytest.mark.parametrize("height", STATES)
def test_every_entry_of_the_state_is_kept(recorded: Archive, height: int) -> None:
    found: dict[str, list[dict[str, Any]]] = {}
    for row in recorded.read("snapshots", (height, height)).to_pylist():
        found.setdefault(row["name"], []).append(row)
    for name, value in exported(height).items():
        if name == "params":
            continue
        entries = value if isinstance(value, list) else [value]
        kept = [
            row["value"] if isinstance(entries[0], str) else json.loads(row["value"])
            for row in found.pop(name, [])
        ]
        assert sorted(kept, key=repr) == sorted(entries, key=repr), name
    assert {name for name in found if not name.startswith(("mint.", "bank."))} == set()


def test_keys_of_the_state(recorded: Archive) -> None:
    rows_by_name: dict[str, list[dict[str, Any]]] = {}
    for row in recorded.read("snapshots", (300, 300)).to_pylist():
        rows_by_name.setdefault(row["name"], []).append(row)
    state = exported(300)

    def keys(name: str, *columns: str) -> set[tuple[Any, ...]]:
        return {tuple(row[column] for column in columns) for row in rows_by_name[name]}

    assert keys("latest_one_in_forecaster_network_regrets", "topic_id", "actor", "other_actor") == {
        (int(each["topic_id"]), each["actor_id1"], each["actor_id2"])
        for each in state["latest_one_in_forecaster_network_regrets"]
    }
    assert keys("delegated_stakes", "topic_id", "actor", "other_actor") == {
        (int(each["topic_id"]), each["reputer"], each["delegator"])
        for each in state["delegated_stakes"]
    }
    assert keys("all_loss_bundles", "topic_id", "nonce") == {
        (int(each["topic_id"]), int(each["block_height"])) for each in state["all_loss_bundles"]
    }
    assert keys("active_topics", "topic_id") == {(1,), (2,), (3,), (4,)}
    assert keys("core_team_addresses", "actor") == {
        (each,) for each in state["core_team_addresses"]
    }


def test_one_topic_alone(recorded: Archive) -> None:
    found = recorded.read("scores", (200, 300), ["topic_id", "height"], topic=2)
    assert set(found["topic_id"].to_pylist()) == {2}
    whole = recorded.read("scores", (200, 300))["topic_id"].to_pylist()
    assert found.num_rows == whole.count(2) > 10
    with pytest.raises(ArchiveError, match="does not tell topics apart"):
        recorded.read("blocks", topic=2)
    with pytest.raises(ArchiveError, match="no table nothing"):
        recorded.read("nothing")


def test_topics_carry_the_ids_that_the_chain_gave(recorded: Archive) -> None:
    created = {
        row["topic_id"]: row for row in rows(recorded, "topics") if row["source"] == "transaction"
    }
    kept = {int(each["topic_id"]): each["topic"] for each in exported(488)["topics"]}
    assert created.keys() == kept.keys()
    for topic_id, topic in kept.items():
        row = created[topic_id]
        assert (row["metadata"], row["loss_method"]) == (topic["metadata"], topic["loss_method"])
        assert row["epoch_length"] == int(topic["epoch_length"])
        assert row["ground_truth_lag"] == int(topic["ground_truth_lag"])
        assert row["worker_submission_window"] == int(topic["worker_submission_window"])
        assert row["allow_negative"] == json.dumps(topic["allow_negative"])
        for name in ("p_norm", "alpha_regret", "epsilon", "active_inferer_quantile"):
            assert Decimal(row[name]) == Decimal(topic[name]), name


def test_changed_params(recorded: Archive) -> None:
    changed = {
        (row["name"], row["value"])
        for row in rows(recorded, "params")
        if row["source"] == "transaction"
    }
    assert {(name, Decimal(value)) for name, value in changed} == {
        ("learning_rate", Decimal("0.06")),
        ("max_top_inferers_to_reward", Decimal(7)),
    }


def test_events_have_their_rows(recorded: Archive, answers: list[Any]) -> None:
    """As many rows as the events have values, counted straight from the node's answers."""
    counted: Counter[str] = Counter()
    lists = {
        "EventScoresSet": ("scores", "scores"),
        "EventEMAScoresSet": ("ema_scores", "scores"),
        "EventRewardsSettled": ("rewards", "rewards"),
        "EventTopicRewardsSet": ("topic_rewards", "rewards"),
    }
    singles = {
        "EventForecastTaskScoreSet": "forecast_task_scores",
        "EventWorkerLastCommitSet": "epoch_steps",
        "EventReputerLastCommitSet": "epoch_steps",
    }
    for each in results_of(answers).values():
        events = list(each["finalize_block_events"])
        for result in each["txs_results"] or ():
            events += result["events"] if result["code"] == 0 else []
        for event in events:
            read = {item["key"]: item["value"] for item in event["attributes"]}
            name = event["type"].rpartition(".")[2]
            if name in lists:
                table, values = lists[name]
                counted[table] += len(json.loads(read[values]))
            elif name in singles:
                counted[singles[name]] += 1
            elif name == "EventNetworkLossSet":
                counted["network_losses"] += len(cells(json.loads(read["value_bundle"])))
            elif event["type"].startswith("mint."):
                counted["mint_values"] += len(read) - ("mode" in read)
            elif name == "transfer":
                counted["transfers"] += bool(read["amount"])
    for table, count in counted.items():
        assert recorded.read(table).num_rows == count, table
    assert len(counted) == 9
    assert recorded.read("other_events").num_rows == 0

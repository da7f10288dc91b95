"""Every event that has a table, in the forms of its releases: one row a value."""

from __future__ import annotations

import json
from typing import Any

import pytest

from allora_core.archive.schema import TABLES, Rows
from allora_core.blocks.answers import BlockError, Event, Where
from allora_core.blocks.epoch_events import EPOCH_EVENTS
from allora_core.blocks.events import add_event
from allora_core.blocks.topic_events import TOPIC_EVENTS

ORIGIN = {"height": 500, "event_index": 3}


def event(name: str, version: int = 9, **fields: Any) -> Event:
    attributes = {key: json.dumps(value) for key, value in fields.items()}
    return Event(f"emissions.v{version}.{name}", {**attributes, "mode": "EndBlock"})


def rows_of(found: Event) -> dict[str, list[dict[str, Any]]]:
    """Rows by table, without what is empty and without the floats beside decimals."""
    rows = Rows()
    add_event(rows, found, ORIGIN, Where("test"))
    return {
        name: [
            {
                key: value
                for key, value in row.items()
                if value is not None and not key.endswith("_f64")
            }
            for row in table.to_pylist()
        ]
        for name, table in rows.tables().items()
    }


PLACE = {"height": 500, "event_index": 3, "api_version": "v9"}
T, N = {"topic_id": 7}, {"topic_id": 7, "nonce": 90}
INFERERS = {"addresses": ["a", "b"]}
CASES: dict[str, tuple[dict[str, Any], str, list[dict[str, Any]]]] = {
    "EventScoresSet": (
        {
            "actor_type": "ACTOR_TYPE_REPUTER",
            "block_height": "90",
            **INFERERS,
            "scores": ["1", "2"],
        },
        "scores",
        [
            {**N, "actor_type": "reputer", "address": "a", "score": "1"},
            {**N, "actor_type": "reputer", "address": "b", "score": "2"},
        ],
    ),
    "EventEMAScoresSet": (
        {
            "actor_type": "ACTOR_TYPE_INFERER_UNSPECIFIED",
            "nonce": "90",
            "addresses": ["a"],
            "scores": ["NaN"],
            "is_active": [False],
        },
        "ema_scores",
        [{**N, "actor_type": "inferer", "address": "a", "is_active": False, "score": "NaN"}],
    ),
    "EventListeningCoefficientsSet": (
        {
            "actor_type": "ACTOR_TYPE_REPUTER",
            "block_height": "90",
            **INFERERS,
            "coefficients": ["1", "0.5"],
        },
        "listening_coefficients",
        [{**N, "reputer": "a", "coefficient": "1"}, {**N, "reputer": "b", "coefficient": "0.5"}],
    ),
    "EventForecastTaskScoreSet": (
        {"score": "0.5", "nonce_block_height": "90"},
        "forecast_task_scores",
        [{**N, "score": "0.5"}],
    ),
    "EventRewardsSettled": (
        {
            "actor_type": "ACTOR_TYPE_FORECASTER",
            "block_height": "90",
            "block_height_tx": "500",
            "addresses": ["a"],
            "rewards": ["5"],
        },
        "rewards",
        [{**N, "actor_type": "forecaster", "address": "a", "payout_height": 500, "reward": "5"}],
    ),
    "EventInfererNetworkRegretSet": (
        {"block_height": "90", "addresses": ["a"], "regrets": ["-1"]},
        "regrets",
        [{**N, "use": "latest", "kind": "inferer", "actor": "a", "value": "-1"}],
    ),
    "EventNaiveInfererNetworkRegretSet": (
        {"nonce_block_height": "90", "addresses": ["a"], "regrets": ["-1"]},
        "regrets",
        [{**N, "use": "latest", "kind": "naive_inferer", "actor": "a", "value": "-1"}],
    ),
    "EventNetworkInferenceForecasterRegretsUsedSet": (
        {"nonce_block_height": "90", "addresses": ["a"], "regrets": ["2"]},
        "regrets",
        [{**N, "use": "network_inference", "kind": "forecaster", "actor": "a", "value": "2"}],
    ),
    "EventTopicInitialRegretSet": (
        {"block_height": "90", "regret": "2"},
        "regret_scales",
        [{**N, "initial_regret": "2"}],
    ),
    "EventInfererWeightSet": (
        {"block_height": "90", "address": "a", "weight": "2"},
        "weights",
        [{**N, "use": "latest", "actor_type": "inferer", "address": "a", "weight": "2"}],
    ),
    "EventForecasterWeightsSet": (
        {"block_height": "90", "addresses": ["a"], "weights": ["2"]},
        "weights",
        [{**N, "use": "latest", "actor_type": "forecaster", "address": "a", "weight": "2"}],
    ),
    "EventNetworkInferenceInfererWeightsSet": (
        {"nonce_block_height": "90", "addresses": ["a"], "weights": ["2"]},
        "weights",
        [{**N, "use": "network_inference", "actor_type": "inferer", "address": "a", "weight": "2"}],
    ),
    "EventTopicInitialEmaScoreSet": (
        {"actor_type": "ACTOR_TYPE_REPUTER", "block_height": "90", "score": "2"},
        "initial_ema_scores",
        [{**N, "actor_type": "reputer", "score": "2"}],
    ),
    "EventActiveReputersSet": (
        {"nonce_block_height": "90", "addresses": ["a"]},
        "active_sets",
        [{**N, "actor_type": "reputer", "address": "a", "source": "event"}],
    ),
    "EventReputerLastCommitSet": (
        {"block_height": "500", "nonce": {"block_height": "90"}},
        "epoch_steps",
        [{**N, "step": "reputer_committed"}],
    ),
    "EventWorkerSubmissionWindowOpened": (
        {"nonce_block_height": "90", "window_end_block": "99"},
        "epoch_steps",
        [{**N, "step": "worker_opened", "window_end": 99}],
    ),
    "EventReputerSubmissionWindowClosed": (
        {"nonce_block_height": "90"},
        "epoch_steps",
        [{**N, "step": "reputer_closed"}],
    ),
    "EventEpochLabelRegistryFrozen": (
        {
            "nonce_block_height": "90",
            "registry_size": "2",
            "labels": [{"id": "0", "name": "x"}, {"id": "1", "name": "y"}],
        },
        "label_registries",
        [
            {**N, "registry_size": 2, "label_id": 0, "label_name": "x"},
            {**N, "registry_size": 2, "label_id": 1, "label_name": "y"},
        ],
    ),
    "EventInsertInfererPayload": (
        {
            "nonce": "90",
            "inferer": "a",
            "value": "0",
            "values": [{"label": "x", "value": "1"}, {"label": "y", "value": "2"}],
            "extra_data": None,
        },
        "inferences",
        [
            {**N, "inferer": "a", "label": "x", "source": "event", "value": "1"},
            {**N, "inferer": "a", "label": "y", "source": "event", "value": "2"},
        ],
    ),
    "EventInsertForecasterPayload": (
        {
            "nonce": "90",
            "forecaster": "f",
            "inferer_addresses": ["a"],
            "inferer_values": ["1"],
            "extra_data": "AAAA",
        },
        "forecasts",
        [
            {
                **N,
                "forecaster": "f",
                "inferer": "a",
                "source": "event",
                "extra_data": "AAAA",
                "value": "1",
            }
        ],
    ),
    "EventRemoveStake": (
        {"reputer": "r", "delegator": "d", "amount": "12"},
        "stake_moves",
        [
            {
                **T,
                "reputer": "r",
                "delegator": "d",
                "reason": "remove",
                "source": "event",
                "amount": "-12",
            }
        ],
    ),
    "EventReputerStakeUpdated": (
        {"reputer": "r", "amount": "12"},
        "stakes",
        [{**T, "reputer": "r", "stake_authority": "12"}],
    ),
    "EventRequestStakeRemoval": (
        {"reputer": "r", "delegator": "d", "amount": "12", "completion_height": "600"},
        "stake_removals",
        [
            {
                **T,
                "reputer": "r",
                "delegator": "d",
                "completion_height": 600,
                "is_cancelled": False,
                "source": "event",
                "amount": "12",
            }
        ],
    ),
    "EventDelegateRewardDistributed": (
        {"reputer": "r", "amount": "12"},
        "delegate_rewards",
        [{**T, "reputer": "r", "reason": "distributed", "source": "event", "amount": "12"}],
    ),
    "EventTopicWeightUpdated": (
        {"new_weight": "1.5", "topic_stake": "3", "topic_fee_revenue": "4"},
        "topic_status",
        [{**T, "weight": "1.5", "topic_stake": "3", "topic_fee_revenue": "4"}],
    ),
    "EventTopicStatusChanged": ({"is_active": True}, "topic_status", [{**T, "is_active": True}]),
    "EventTopicFeeRevenueDripped": (
        {"old_revenue": "3", "new_revenue": "2", "drip_amount": "1"},
        "fee_revenue_drips",
        [{**T, "old_revenue": "3", "new_revenue": "2", "drip_amount": "1"}],
    ),
    "EventFundTopic": (
        {"funder": "f", "amount": "12"},
        "funding",
        [{**T, "funder": "f", "reason": "fund", "source": "event", "amount": "12"}],
    ),
    "EventWorkerRegistered": (
        {"worker": "w", "owner": "o"},
        "registrations",
        [
            {
                **T,
                "address": "w",
                "owner": "o",
                "is_reputer": False,
                "is_registered": True,
                "source": "event",
            }
        ],
    ),
    "EventReputerUnregistered": (
        {"reputer": "r"},
        "registrations",
        [{**T, "address": "r", "is_reputer": True, "is_registered": False, "source": "event"}],
    ),
    "EventNodeOwnerUpdated": (
        {"node_address": "n", "is_reputer": True, "old_owner": "o", "new_owner": "p"},
        "owners",
        [
            {
                "address": "n",
                "is_reputer": True,
                "old_owner": "o",
                "new_owner": "p",
                "source": "event",
            }
        ],
    ),
    "EventTopicWorkerWhitelistAdded": (
        {"address": "w"},
        "whitelists",
        [{**T, "whitelist": "topic_worker", "change": "add", "address": "w", "source": "event"}],
    ),
    "EventTopicReputerWhitelistDisabled": (
        {},
        "whitelists",
        [{**T, "whitelist": "topic_reputer", "change": "disable", "source": "event"}],
    ),
    "EventPruneRecords": (
        {"block_height": "90"},
        "epoch_steps",
        [{**T, "nonce": 90, "step": "pruned"}],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_rows(name: str) -> None:
    fields, table, expected = CASES[name]
    found = rows_of(event(name, topic_id="7", **fields))
    assert found.keys() == {table}
    assert found[table] == [{**PLACE, **row} for row in expected]


def test_an_event_without_a_topic() -> None:
    assert rows_of(event("EventWhitelistAdminRemoved", admin="a"))["whitelists"] == [
        {**PLACE, "whitelist": "admin", "change": "remove", "address": "a", "source": "event"}
    ]


def test_rewards_of_a_block() -> None:
    found = rows_of(event("EventTopicRewardsSet", topic_ids=["7", "8"], rewards=["0", "1.5"]))
    assert [(row["topic_id"], row["reward"]) for row in found["topic_rewards"]] == [
        (7, "0"),
        (8, "1.5"),
    ]


def test_old_rewards_have_no_nonce() -> None:
    old = event(
        "EventRewardsSettled",
        version=4,
        topic_id="7",
        actor_type="ACTOR_TYPE_REPUTER",
        block_height="500",
        addresses=["a"],
        rewards=["1"],
    )
    (row,) = rows_of(old)["rewards"]
    assert "nonce" not in row
    assert row["payout_height"] == 500


def labeled_bundle(forecasters: list[str], matrix: list[list[list[str]]]) -> Event:
    return event(
        "EventNetworkInferenceBundle",
        version=10,
        topic_id="7",
        nonce="90",
        label_names=["x", "y"],
        inferer_addresses=["a", "b"],
        forecaster_addresses=forecasters,
        combined_value=["1", "2"],
        naive_value=["3", "4"],
        inferer_values=[["5", "6"], ["7", "8"]],
        forecaster_values=[["9", "10"]] * len(forecasters),
        one_out_inferer_values=[["11", "12"], ["13", "14"]],
        one_out_forecaster_values=[["15", "16"]] * len(forecasters),
        one_in_forecaster_values=[["17", "18"]] * len(forecasters),
        one_out_inferer_forecaster_values=matrix,
        outlier_resistant=True,
    )


def test_labeled_network_inferences() -> None:
    found = rows_of(labeled_bundle(["f"], [[["19", "20"], ["21", "22"]]]))["network_inferences"]
    assert len(found) == 2 * (2 + 2 * 2 + 3 * 1 + 2 * 1)
    values = {
        (row["kind"], row.get("inferer"), row.get("forecaster"), row["label"]): row["value"]
        for row in found
    }
    assert values[("combined", None, None, "y")] == "2"
    assert values[("one_out_inferer", "b", None, "x")] == "13"
    assert values[("one_in_forecaster", None, "f", "y")] == "18"
    assert values[("one_out_inferer_forecaster", "b", "f", "x")] == "21"
    assert {row["outlier_resistant"] for row in found} == {True}


def test_a_matrix_with_gaps_names_nobody() -> None:
    """Pairs that are missing leave no gap, so that the places tell no inferer."""
    found = rows_of(labeled_bundle(["f"], [[["19", "20"]]]))["network_inferences"]
    pairs = [row for row in found if row["kind"] == "one_out_inferer_forecaster"]
    assert [row["value"] for row in pairs] == ["19", "20"]
    assert not any("inferer" in row for row in pairs)


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (event("EventScoresSet", topic_id="7", block_height="90"), "actor_type is missing"),
        (
            event(
                "EventScoresSet",
                topic_id="7",
                actor_type="ACTOR_TYPE_JUDGE",
                block_height="90",
                addresses=[],
                scores=[],
            ),
            "actor_type 'ACTOR_TYPE_JUDGE' is not known",
        ),
        (
            event("EventActiveInferersSet", topic_id="7", addresses=["a"]),
            "nonce_block_height is missing",
        ),
        (
            event("EventTopicRewardsSet", topic_ids=["7"], rewards=["1", "2"]),
            "reward has 2 values for 1 rows",
        ),
        (
            event("EventAddStake", topic_id="7", reputer="r", delegator="d", amount="-5"),
            "amount is '-5', not a whole number",
        ),
        (labeled_bundle(["f", "g"], []), ""),
    ],
)
def test_wrong_events(found: Event, words: str) -> None:
    if not words:
        rows_of(found)  # a bundle without matrix is whole
        return
    with pytest.raises(BlockError, match=r"test: emissions\.v9\.") as error:
        rows_of(found)
    assert words in str(error.value)


def test_every_handler_is_of_an_event() -> None:
    for name in (*EPOCH_EVENTS, *TOPIC_EVENTS):
        assert name.startswith("Event")
    assert not EPOCH_EVENTS.keys() & TOPIC_EVENTS.keys()
    assert TABLES.keys() >= {table for _, table, _ in CASES.values()}

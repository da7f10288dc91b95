"""Every recorded sample is ingested, and its rows hold what the sample says, value by value."""

from __future__ import annotations

import base64
import hashlib
import json
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from allora_core.archive.files import Archive
from allora_core.archive.schema import TABLES

SAMPLES = Path(__file__).parents[1] / "vectors" / "blocks"
STATES = ("testnet_emissions_v9_params", "testnet_emissions_v9_topic_1", "testnet_mint_v5_params")


def sample(name: str) -> Any:
    return json.loads((SAMPLES / name).read_bytes())


def attributes(event: dict[str, Any]) -> dict[str, Any]:
    """An event's attributes, their JSON read."""
    plain = ("mode", "msg_index")
    return {
        each["key"]: each["value"] if each["key"] in plain else json.loads(each["value"])
        for each in event["attributes"]
    }


def counts(archive: Archive) -> dict[str, int]:
    """Rows of each table that has any."""
    sizes = {table: archive.read(table).num_rows for table in TABLES}
    return {table: size for table, size in sizes.items() if size}


def rows(archive: Archive, table: str) -> list[dict[str, Any]]:
    return archive.read(table).to_pylist()


def cells(found: list[dict[str, Any]]) -> dict[tuple[Any, Any, Any], str]:
    """Values by kind, inferer and forecaster; each stands once."""
    by_key = {(row["kind"], row["inferer"], row["forecaster"]): row["value"] for row in found}
    assert len(by_key) == len(found)
    return by_key


def cells_by_position(bundle: dict[str, Any]) -> dict[tuple[Any, Any, Any], str]:
    """The cells of a bundle with two lists of addresses, spelled out."""
    inferers, forecasters = bundle["inferer_addresses"], bundle["forecaster_addresses"]
    expected = {("combined", None, None): bundle["combined_value"]}
    expected[("naive", None, None)] = bundle["naive_value"]
    for kind in ("inferer", "one_out_inferer"):
        for place, inferer in enumerate(inferers):
            expected[(kind, inferer, None)] = bundle[f"{kind}_values"][place]
    for kind in ("forecaster", "one_out_forecaster", "one_in_forecaster"):
        for place, forecaster in enumerate(forecasters):
            expected[(kind, None, forecaster)] = bundle[f"{kind}_values"][place]
    for line, forecaster in enumerate(forecasters):
        for place, inferer in enumerate(inferers):
            value = bundle["one_out_inferer_forecaster_values"][line][place]
            expected[("one_out_inferer_forecaster", inferer, forecaster)] = value
    return expected


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.json")), ids=lambda path: path.stem)
def test_floats_are_nearest(path: Path, ingested: Any) -> None:
    archive = ingested(path.name, 7038753 if path.stem in STATES else None)
    for table, known in TABLES.items():
        for name in known.decimals:
            read = archive.read(table)
            for text, value in zip(
                read[name].to_pylist(), read[f"{name}_f64"].to_pylist(), strict=True
            ):
                assert value == (None if text is None else float(text))


def test_mint_of_5100967(ingested: Any) -> None:
    archive = ingested("v9_new_block_events_5100967.json")
    values = {(row["event"], row["name"]): row["value"] for row in rows(archive, "mint_values")}
    minted = int(values[("EventEcosystemTokenMintSet", "token_amount")])
    rewarded = int(values[("EventRewardCurrentBlockEmission", "token_amount")])
    emission = minted + 20  # that lay in the ecosystem's account
    assert emission == 7771369660570293973
    assert rewarded == emission - emission // 4 == 5828527245427720480
    assert values[("EventEcosystemTokenMintSet", "block_height")] == "5100967"
    assert {row["height"] for row in rows(archive, "mint_values")} == {5100967}
    assert {row["api_version"] for row in rows(archive, "mint_values")} == {"v3"}


def test_transfers_of_5100967(ingested: Any) -> None:
    archive = ingested("v9_new_block_events_5100967.json")
    events = sample("v9_new_block_events_5100967.json")["result"]["data"]["value"]["events"]
    expected = [
        (number, each["sender"], each["recipient"], each["amount"].removesuffix("uallo"))
        for number, event in enumerate(events)
        if event["type"] == "transfer"
        for each in [{item["key"]: item["value"] for item in event["attributes"]}]
    ]
    found = [
        (row["event_index"], row["sender"], row["recipient"], row["amount"])
        for row in rows(archive, "transfers")
    ]
    assert found == expected
    assert {row["denom"] for row in rows(archive, "transfers")} == {"uallo"}
    # What begin-block hands to the validators, as recorded.
    assert found[0][3] == "1942842415145113853"


def test_old_network_inferences(ingested: Any) -> None:
    archive = ingested("v9_new_block_events_5100967.json")
    events = sample("v9_new_block_events_5100967.json")["result"]["data"]["value"]["events"]
    place, event = next(
        (number, event)
        for number, event in enumerate(events)
        if event["type"] == "emissions.v9.EventNetworkInferences"
    )
    bundle = attributes(event)["value_bundle"]
    expected = {("combined", None, None): bundle["combined_value"]}
    expected[("naive", None, None)] = bundle["naive_value"]
    for kind in ("inferer", "one_out_inferer"):
        for cell in bundle[f"{kind}_values"]:
            expected[(kind, cell["worker"], None)] = cell["value"]
    for kind in ("forecaster", "one_out_forecaster", "one_in_forecaster"):
        for cell in bundle[f"{kind}_values"]:
            expected[(kind, None, cell["worker"])] = cell["value"]
    for line in bundle["one_out_inferer_forecaster_values"]:
        for cell in line["one_out_inferer_values"]:
            key = ("one_out_inferer_forecaster", cell["worker"], line["forecaster"])
            expected[key] = cell["value"]
    found = rows(archive, "network_inferences")
    assert len(expected) == 2 + 2 * 6 + 3 * 5 + 6 * 5
    assert cells(found) == expected
    assert {
        (row["topic_id"], row["nonce"], row["outlier_resistant"], row["height"], row["event_index"])
        for row in found
    } == {(13, 5100955, False, 5100967, place)}


def test_other_events_of_5100967(ingested: Any) -> None:
    archive = ingested("v9_new_block_events_5100967.json")
    assert counts(archive) == {
        "records": 1,
        "epoch_steps": 1,
        "network_inferences": 59,
        "topic_rewards": 1,
        "mint_values": 4,
        "transfers": 5,
    }
    step = rows(archive, "epoch_steps")[0]
    assert (step["topic_id"], step["nonce"], step["step"]) == (13, 5100955, "worker_committed")
    assert step["height"] == 5100967
    reward = rows(archive, "topic_rewards")[0]
    assert (reward["topic_id"], reward["reward"]) == (50, "0")


def test_network_losses_of_10090000(ingested: Any) -> None:
    name = "v10_endblock_network_loss_set_10090000.json"
    archive = ingested(name)
    expected = cells_by_position(attributes(sample(name)[0])["bundle"])
    found = rows(archive, "network_losses")
    assert len(expected) == 2 + 2 * 3 + 3 * 6 + 3 * 6
    assert cells(found) == expected
    assert {
        (row["topic_id"], row["nonce"], row["height"], row["api_version"]) for row in found
    } == {(76, 10089760, 10090000, "v10")}
    # Digits as written, with the zeros at their ends.
    assert {len(Decimal(row["value"]).as_tuple().digits) for row in found} == {34}


def test_reputer_payload_of_9977185(ingested: Any) -> None:
    name = "v9_tx_insert_reputer_payload_9977185.json"
    archive = ingested(name)
    expected = cells_by_position(attributes(sample(name)[0])["bundle"])
    found = rows(archive, "reputer_losses")
    assert len(expected) == 2 + 2 * 5 + 3 * 6 + 5 * 6
    assert cells(found) == expected
    assert {
        (row["topic_id"], row["nonce"], row["reputer"], row["source"], row["msg_index"])
        for row in found
    } == {(63, 9959904, "allo1wqevty6l8r52vy386tgn6mwyhfztljjtrs94cv", "event", 0)}


def test_inferer_payload_of_10500000(ingested: Any) -> None:
    archive = ingested("v10_tx_insert_inferer_payload_10500000.json")
    (row,) = rows(archive, "inferences")
    assert row == {
        "topic_id": 83,
        "nonce": 10499999,
        "inferer": "allo19f8ljwal8hrsfv7udvv0pzcgyd2hukd6whh550",
        "label": None,
        "source": "event",
        "extra_data": None,
        "height": 10500000,
        "tx_index": None,
        "msg_index": 0,
        "event_index": 0,
        "api_version": "v10",
        "value": "0.126859700106903839",
        "value_f64": 0.126859700106903839,
    }


def test_stake_of_9977429(ingested: Any) -> None:
    (row,) = rows(ingested("v9_endblock_add_stake_9977429.json"), "stake_moves")
    actor = "allo1aanuhulxtl2me3ygkwu8jghkjjrslhhgrluad5"
    assert (row["topic_id"], row["reputer"], row["delegator"]) == (41, actor, actor)
    assert (row["amount"], row["reason"], row["height"]) == ("32660430", "add", 9977429)


def test_block_7038753(ingested: Any) -> None:
    archive = ingested("testnet_block_7038753_rest.json")
    block = sample("testnet_block_7038753_rest.json")["data"]
    (row,) = rows(archive, "blocks")
    assert row["height"] == 7038753
    assert str(row["time"]) == "2025-12-19 00:54:35.859142620+00:00"
    assert row["hash"] == base64.b64decode(block["block_id"]["hash"]).hex().upper()
    proposer = base64.b64decode(block["block"]["header"]["proposer_address"])
    assert row["proposer_address"] == proposer.hex().upper()
    raw = [base64.b64decode(text) for text in block["block"]["data"]["txs"]]
    found = rows(archive, "txs")
    assert [each["raw"] for each in found] == raw
    assert [each["tx_index"] for each in found] == [0, 1, 2, 3]
    assert [each["hash"] for each in found] == [
        hashlib.sha256(each).hexdigest().upper() for each in raw
    ]
    assert [each["size"] for each in found] == [len(each) for each in raw]
    # No results came with it: whether the transactions were executed is not known.
    assert [each["code"] for each in found] == [None] * 4
    assert archive.chain_id == "allora-testnet-1"


@pytest.mark.parametrize(
    ("name", "module"),
    [("testnet_emissions_v9_params.json", "emissions"), ("testnet_mint_v5_params.json", "mint")],
)
def test_params(name: str, module: str, ingested: Any) -> None:
    archive = ingested(name, 7038753)
    expected = {
        key: value if isinstance(value, str) else json.dumps(value)
        for key, value in sample(name)["data"]["params"].items()
    }
    found = rows(archive, "params")
    assert {row["name"]: row["value"] for row in found} == expected
    assert {(row["module"], row["height"], row["source"]) for row in found} == {
        (module, 7038753, "state")
    }


def test_topic(ingested: Any) -> None:
    archive = ingested("testnet_emissions_v9_topic_1.json", 7038753)
    answer = sample("testnet_emissions_v9_topic_1.json")["data"]
    (row,) = rows(archive, "topics")
    for name in TABLES["topics"].written:
        if name in ("topic_id", "height", "source", "tx_index", "msg_index", "event_index"):
            continue
        expected = answer["topic"].get(name)
        if isinstance(row[name], int):
            expected = int(expected)
        elif isinstance(expected, bool):
            expected = str(expected).lower()
        assert row[name] == expected, name
    assert (row["topic_id"], row["height"], row["source"]) == (1, 7038753, "state")
    assert row["initial_regret"] == "-4.6354400918506867409087527239705949"  # 35 digits
    (status,) = rows(archive, "topic_status")
    assert status["weight"] == answer["weight"]
    assert status["topic_stake"] == answer["topic_stake"]
    assert status["topic_fee_revenue"] == answer["effective_revenue"]


@pytest.mark.parametrize("network", ["mainnet", "testnet"])
def test_genesis(network: str, ingested: Any) -> None:
    archive = ingested(f"{network}_genesis.json")
    state = sample(f"{network}_genesis.json")["app_state"]
    assert archive.chain_id == f"allora-{network}-1"
    found = rows(archive, "params")
    for module in ("emissions", "mint"):
        expected = {
            key: value if isinstance(value, str) else json.dumps(value)
            for key, value in state[module]["params"].items()
        }
        assert {row["name"]: row["value"] for row in found if row["module"] == module} == expected
    assert {row["height"] for row in found} == {0}
    snapshots = rows(archive, "snapshots")
    balances = {
        (each["address"], coin["denom"], coin["amount"])
        for each in state["bank"]["balances"]
        for coin in each["coins"]
    }
    assert {
        (row["actor"], row["other_actor"], row["value"])
        for row in snapshots
        if row["name"] == "bank.balances"
    } == balances
    entries = Counter(row["name"] for row in snapshots)
    for module, prefix in (("emissions", ""), ("mint", "mint.")):
        for name, value in state[module].items():
            if name != "params":
                size = len(value) if isinstance(value, list) else 1
                assert entries[prefix + name] == size, name
    assert archive.ranges == []  # a state is no block

"""One digit changed anywhere in block data: one first difference, where the digit is."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from made import Documents, archive_of, documents, documents_of, with_months
from written import plan

from allora_core.chain.replay import replay
from allora_core.verify_blocks.compare import Difference, first_difference
from allora_core.verify_blocks.record import verify
from allora_core.wire import decode_transactions

Event = dict[str, Any]
DIGITS = re.compile(r"\d{9}(?=\d)")
LAST_DIGIT = re.compile(r"\d*?(?=\d\"?$)")
SMALL = {
    "EventRequestStakeRemoval": LAST_DIGIT,
    "EventEpochLabelRegistryFrozen": LAST_DIGIT,
    "EventCreateNewTopic": re.compile(r"epoch_length\":\"\d*?(?=\d\")"),
}
SMALL |= dict.fromkeys(("EventNodeOwnerUpdated", "EventWorkerRegistered"), re.compile("allo(?=1)"))
ON_REQUEST = {
    "EventNodeOwnerUpdated": "administering",
    "EventRemoveStake": "removing",
    "EventRequestStakeRemoval": "removing",
    "EventRewardDelegateStake": "claiming",
}


def found_in(listed: Documents, release: str, folder: Path) -> tuple[Difference, int]:
    """The first difference, and how many values differ."""
    archive = archive_of(listed, folder / "archive")
    comparisons = verify(archive, replay(archive, rules=release).tables)
    first = first_difference(comparisons)
    assert first is not None
    return first, sum(each.failed for each in comparisons)


def other(digit: str) -> str:
    return "1" if digit != "1" else "2"


def block_events(listed: Documents, name: str) -> Iterator[tuple[int, Event]]:
    """Events of one name with their heights: of blocks, or of transactions if none has it."""
    found: dict[bool, list[tuple[int, Event]]] = {True: [], False: []}
    for document in listed:
        answer = document.get("result", {})
        results = answer.get("txs_results") or ()
        told = [(True, each) for each in answer.get("finalize_block_events", ())]
        told += [(False, each) for result in results for each in result["events"]]
        for of_block, event in told:
            if event["type"].rpartition(".")[2] == name:
                found[of_block].append((int(answer["height"]), event))
    yield from found[True] or found[False]


def attribute_of(event: Event, key: str) -> Event:
    return next(each for each in event["attributes"] if each["key"] == key)


EVENTS = [
    ("v0.6", "EventNetworkLossSet", "value_bundle", "network losses"),
    ("v0.6", "EventTopicRewardsSet", "rewards", "topic rewards"),
    ("v0.9", "EventInfererNetworkRegretSet", "regrets", "regrets"),
    ("v0.12", "EventNetworkInferences", "value_bundle", "network inferences"),
    ("v0.17", "EventRewardCurrentBlockEmission", "token_amount", "mint"),
    ("v0.16", "EventEmissionInfo", "validator_cut", "split of the emission"),
    ("v0.17", "EventEMAScoresSet", "scores", "EMA scores"),
    ("v0.17", "EventNetworkInferenceBundle", "combined_value", "network inferences"),
    ("v0.17", "EventTopicWeightUpdated", "new_weight", "topic weights"),
    ("v0.17", "EventReputerStakeUpdated", "amount", "stakes"),
    ("v0.12", "EventAddStake", "amount", "rewards added to stake"),
    ("v0.16", "EventRemoveStake", "amount", "stake removed"),
    ("v0.16", "EventRequestStakeRemoval", "completion_height", "removals due"),
    ("v0.12", "EventNodeOwnerUpdated", "new_owner", "owners as sent"),
    ("v0.16", "EventWorkerRegistered", "owner", "owners as registered"),
    ("v0.12", "EventFundTopic", "amount", "funding as sent"),
    ("v0.12", "EventCreateNewTopic", "topic", "parameters and topics as sent"),
    ("v0.16", "EventRewardDelegateStake", "amount", "payouts of delegators"),
    ("v0.17", "EventEpochLabelRegistryFrozen", "registry_size", "label registries"),
    ("v0.16", "EventDelegateRewardDistributed", "amount", "delegators' rewards"),
    (
        "v0.17",
        "EventDelegateRewardShareUpdated",
        "reward_per_share",
        "delegators' rewards per share",
    ),
]


@pytest.mark.parametrize(("release", "name", "key", "quantity"), EVENTS)
def test_a_changed_event_is_found(
    release: str, name: str, key: str, quantity: str, tmp_path: Path
) -> None:
    changes = {"count": 3, ON_REQUEST[name]: True} if name in ON_REQUEST else {"count": 2}
    listed = documents(release, **changes)
    pattern = SMALL.get(name, DIGITS)
    told = [
        (height, event)
        for height, event in block_events(listed, name)
        if pattern.search(attribute_of(event, key)["value"])
    ]
    height, event = told[len(told) // 2]
    attribute = attribute_of(event, key)
    match = pattern.search(attribute["value"])
    assert match is not None
    at = match.end()
    value = attribute["value"]
    attribute["value"] = value[:at] + other(value[at]) + value[at + 1 :]
    first, differing = found_in(listed, release, tmp_path)
    assert (first.quantity, first.height, first.verdict) == (quantity, height, "different")
    assert first.recorded is not None
    assert first.recorded.lstrip("-") in attribute["value"]
    assert differing == 1
    if any(each["key"] == "topic_id" for each in event["attributes"]):
        assert str(first.topic_id) == attribute_of(event, "topic_id")["value"].strip('"')


MONTHS = [
    ("v0.9", 22, "EventPreviousPercentageRewardToStakedReputersSet", "percentage"),
    ("v0.16", 30, "EventTokenomicsSet", "emissions_amount"),
    ("v0.17", 30, "EventRecalculateTargetEmission", "emission_per_month"),
    ("v0.17", 30, "EventPreviousPercentageRewardToStakedReputersSet", "percentage"),
]


@pytest.mark.parametrize(("release", "length", "name", "key"), MONTHS)
def test_a_changed_event_of_a_month_is_found(
    release: str, length: int, name: str, key: str, tmp_path: Path
) -> None:
    listed = documents_of(with_months(release, length))
    height, event = list(block_events(listed, name))[-1]
    attribute = attribute_of(event, key)
    value = attribute["value"]
    attribute["value"] = value[:-2] + other(value[-2]) + value[-1:]
    first, differing = found_in(listed, release, tmp_path)
    expected = "reputers' share of rewards" if key == "percentage" else "monthly emission"
    assert (first.quantity, first.height, first.verdict) == (expected, height, "different")
    assert differing == 1


def test_a_changed_nonce_of_pruned_records_is_found(tmp_path: Path) -> None:
    listed = documents("v0.16", count=2)
    height, event = next(block_events(listed, "EventPruneRecords"))
    attribute = attribute_of(event, "block_height")
    attribute["value"] = f'"{int(attribute["value"].strip(chr(34))) + 1}"'
    first, differing = found_in(listed, "v0.16", tmp_path)
    assert (first.quantity, first.height, first.verdict) == ("epoch steps", height, "not recorded")
    assert first.keys["step"] == "pruned"
    assert differing == 2  # the right one is not recorded, and the wrong one not computed


def changed_payload(
    listed: Documents, message: bytes, pick: Callable[[bytes], re.Match[bytes] | None]
) -> tuple[int, bytes]:
    """Change a digit in the middle one of the transactions of a kind; its height and bytes."""
    found = []
    for document in listed:
        block = document.get("result", {}).get("block")
        for index, text in enumerate(block["data"]["txs"] if block else ()):
            raw = base64.b64decode(text)
            match = pick(raw) if message in raw else None
            if match is not None:
                found.append((int(block["header"]["height"]), block, index, raw, match.end() - 1))
    height, block, index, raw, at = found[len(found) // 2]
    changed = raw[:at] + other(raw[at : at + 1].decode()).encode() + raw[at + 1 :]
    block["data"]["txs"][index] = base64.b64encode(changed).decode()
    return int(height), changed


# Keys of fields look like digits too: a number's own are those a few places after its start.
DECIMAL = re.compile(rb"\d\.\d{6}")
AMOUNT = re.compile(rb"\x1a[\x09-\x10]\d{6}")
INPUTS = [
    ("v0.6", b"InsertReputerPayload", DECIMAL, "network losses"),
    ("v0.16", b"InsertWorkerPayload", DECIMAL, "forecasts as sent"),
    ("v0.16", b"AddStake", AMOUNT, "stake as sent"),
    ("v0.17", b"InsertReputerPayload", DECIMAL, "reputers' losses as sent"),
]


@pytest.mark.parametrize(("release", "message", "pattern", "quantity"), INPUTS)
def test_a_changed_input_is_found_where_it_first_shows(
    release: str, message: bytes, pattern: re.Pattern[bytes], quantity: str, tmp_path: Path
) -> None:
    """Where nothing tells of payloads, the first value that follows from the input differs."""
    listed = documents(release, count=2)
    height, raw = changed_payload(listed, message, pattern.search)
    first, differing = found_in(listed, release, tmp_path)
    assert (first.quantity, first.verdict) == (quantity, "different")
    assert differing >= 1
    if quantity == "network losses":
        sent = decode_transactions([raw]).reputer_losses.to_pylist()[0]
        assert first.inputs
        assert first.topic_id == sent["topic_id"]
        assert first.keys["nonce"] == str(sent["nonce"])
        closed = {
            attribute_of(event, "block_height")["value"]: at
            for at, event in block_events(listed, "EventNetworkLossSet")
            if attribute_of(event, "topic_id")["value"] == f'"{first.topic_id}"'
        }
        assert first.height == closed[f'"{sent["nonce"]}"']
    else:
        assert first.height == height


def test_a_changed_stake_is_found_where_it_first_weighs(tmp_path: Path) -> None:
    """A lone topic gets all rewards, whatever its stake: reports are what the stake weighs."""
    made = plan("v0.6", count=2)
    listed = documents_of(replace(made, topics=made.topics[:1]))
    height, _ = changed_payload(listed, b"AddStake", AMOUNT.search)
    first, _ = found_in(listed, "v0.6", tmp_path)
    assert (first.quantity, first.verdict) == ("network losses", "different")
    closes = [at for at, _ in block_events(listed, "EventNetworkLossSet") if at > height]
    assert first.height == closes[0]
    assert any(line.startswith("reported by") for line in first.inputs)

"""The record against itself: what needs no replay, on recorded and on made-up blocks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from made import VECTORS, archive_of, documents
from written import WRITTEN

from allora_core.verify_blocks.check import check
from allora_core.verify_blocks.compare import Comparison, first_difference
from allora_core.verify_blocks.quantities import SENT
from allora_core.verify_blocks.record import compare_sent

SAMPLE = VECTORS / "blocks" / "v9_new_block_events_5100967.json"


def by_name(comparisons: list[Comparison]) -> dict[str, Comparison]:
    return {each.quantity: each for each in comparisons}


def test_the_mint_of_the_recorded_block_is_split_to_the_unit(tmp_path: Path) -> None:
    archive = archive_of(SAMPLE, tmp_path / "archive", "allora-testnet-1")
    found = by_name(check(archive))
    assert found["mint split"].counts["equal"] == 1
    assert first_difference(list(found.values())) is None


@pytest.mark.parametrize(
    "name", sorted(path.name for path in SAMPLE.parent.glob("*.json") if "genesis" not in path.name)
)
def test_every_recorded_sample_is_checked_as_far_as_it_goes(name: str, tmp_path: Path) -> None:
    """Single events have nothing beside them that they could contradict; they are read whole."""
    height = None if any(digit in name for digit in ("5100967", "7038753")) else 9_977_446
    path = SAMPLE.parent / name
    archive = archive_of(path, tmp_path / "archive", "allora-testnet-1", height)
    found = check(archive)
    assert first_difference(found) is None
    assert sum(each.compared for each in found) == int("5100967" in name)


def test_one_unit_more_for_the_validators_is_found(tmp_path: Path) -> None:
    answer: dict[str, Any] = json.loads(SAMPLE.read_text())
    paid = "1942842415142573493uallo"
    for event in answer["result"]["data"]["value"]["events"]:
        for attribute in event["attributes"]:
            if attribute["value"] == paid:
                attribute["value"] = "1942842415142573494uallo"
    archive = archive_of([answer], tmp_path / "archive", "allora-testnet-1")
    first = first_difference(check(archive))
    assert first is not None
    assert (first.quantity, first.height) == ("mint split", 5100967)
    assert first.recorded == "1942842415142573494"
    assert first.computed == "1942842415142573493"


def test_the_recorded_chain_agrees_with_itself(tmp_path: Path) -> None:
    archive = archive_of(VECTORS / "blocks_v06", tmp_path / "archive", "allora-recording-1")
    found = by_name(check(archive))
    assert first_difference(list(found.values())) is None
    assert found["mint split"].compared == 490
    assert found["workers' scores"].compared > 500
    assert found["forecasting task scores"].compared > 90


def test_stake_that_is_removed_in_the_block_of_the_losses_does_not_count(tmp_path: Path) -> None:
    """In the bundled blocks a removal comes due where losses close and rewards are added."""
    archive = archive_of(VECTORS / "blocks_synthetic" / "blocks.jsonl.gz", tmp_path / "archive")
    found = check(archive)
    assert first_difference(found) is None
    assert by_name(found)["network losses"].counts["equal"] == 537


@pytest.mark.parametrize("release", WRITTEN)
def test_made_up_blocks_agree_with_themselves(release: str, tmp_path: Path) -> None:
    found = by_name(check(archive_of(documents(release), tmp_path / "archive")))
    assert first_difference(list(found.values())) is None
    assert found["workers' scores"].compared > 30
    # Only since late v9 do events tell active sets and stakes, which network losses need.
    told = release in ("v0.16", "v0.17")
    assert (found["network losses"].compared > 100) == told
    assert (found["reputers' losses as sent"].compared > 500) == told


def test_a_changed_loss_shows_in_the_scores_that_follow(tmp_path: Path) -> None:
    listed = documents("v0.6", count=1)
    changed = []
    for document in listed:
        answer = document.get("result", {})
        for event in answer.get("finalize_block_events", ()):
            if event["type"].endswith("EventNetworkLossSet"):
                read = {each["key"]: each for each in event["attributes"]}
                bundle = json.loads(read["value_bundle"]["value"])
                bundle["naive_value"] = "1" + bundle["naive_value"].lstrip("-")
                read["value_bundle"]["value"] = json.dumps(bundle)
                changed.append((int(answer["height"]), json.loads(read["topic_id"]["value"])))
    first = first_difference(check(archive_of(listed, tmp_path / "archive")))
    assert first is not None
    assert (first.height, str(first.topic_id)) == min(changed)
    assert first.quantity in ("workers' scores", "forecasting task scores")


def test_what_was_sent_is_counted_topic_by_topic(tmp_path: Path) -> None:
    archive = archive_of(documents("v0.17"), tmp_path / "archive")
    whole = compare_sent(archive)
    parts = [compare_sent(archive, [topic]) for topic in (1, 2, 3)]
    for each, *of_topics in zip(whole, *parts, strict=True):
        if each.quantity in {quantity.name for quantity in SENT}:
            assert each.recorded == sum(part.recorded for part in of_topics)
            assert each.counts["equal"] == sum(part.counts["equal"] for part in of_topics)

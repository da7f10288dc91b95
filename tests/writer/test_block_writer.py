"""Made-up block data: every release, every option, read back by the readers of block data."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from collections import Counter
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from bundle import BUNDLE, bundled
from witness import MESSAGES
from written import WRITTEN, epochs, plan

from allora_core.archive.files import Archive
from allora_core.archive.ingest import ingest
from allora_core.blocks.files import heights_in_order, source_files
from allora_core.epoch import State
from allora_core.testing.block_forms import NOT_WRITTEN, RELEASES, Form, emitted
from allora_core.testing.block_ledger import Accounts, Ledger
from allora_core.testing.block_messages import MESSAGES as WRITTEN_MESSAGES
from allora_core.testing.block_messages import encode
from allora_core.testing.block_topics import Formulas, TopicTimes
from allora_core.testing.block_writer import (
    BlockPlan,
    TopicPlan,
    WrittenBlock,
    save_blocks,
    transaction_answers,
    write_blocks,
    write_genesis,
)
from allora_core.topics import TopicWeightParams
from allora_core.wire import decode_transactions


def raws(blocks: list[WrittenBlock]) -> list[bytes]:
    return [
        base64.b64decode(text)
        for written in blocks
        for text in written.block["result"]["block"]["data"]["txs"]
    ]


def results(blocks: list[WrittenBlock]) -> list[dict[str, Any]]:
    return [
        result for written in blocks for result in written.results["result"]["txs_results"] or ()
    ]


def event_names(blocks: list[WrittenBlock]) -> Counter[str]:
    events = [event for result in results(blocks) for event in result["events"]]
    for written in blocks:
        events += written.results["result"]["finalize_block_events"]
    return Counter(
        event["type"].rpartition(".")[2] for event in events if event["type"][:5] == "emiss"
    )


RARE = {
    "EventTopicInitialRegretSet",
    "EventRemoveStake",
    "EventRewardDelegateStake",
    "EventPreviousPercentageRewardToStakedReputersSet",
    "EventNodeOwnerUpdated",
    "EventTopicWorkerWhitelistAdded",
    "EventRequestStakeRemoval",
    "EventTopicStatusChanged",
}


@pytest.mark.parametrize("release", WRITTEN)
def test_every_event_of_the_release_is_told_and_no_other(release: str) -> None:
    blocks = list(write_blocks(plan(release)))
    names = set(event_names(blocks))
    assert names <= emitted(RELEASES[release])
    assert emitted(RELEASES[release]) - names <= RARE | NOT_WRITTEN
    assert not names & NOT_WRITTEN
    package = RELEASES[release].package
    for written in blocks:
        for event in written.results["result"]["finalize_block_events"]:
            if event["type"].startswith("emissions"):
                assert event["type"].startswith(f"emissions.{package}.Event")


@pytest.mark.parametrize("release", WRITTEN)
def test_transactions_decode_to_what_was_sent(release: str) -> None:
    made = plan(release)
    blocks = list(write_blocks(made))
    tables = decode_transactions(raws(blocks))
    assert tables.faults.num_rows == 0
    versions = set(tables.messages.column("api_version").to_pylist())
    assert versions == {RELEASES[release].api}
    for number, topic in enumerate(made.topics, 1):
        rows = [row for row in tables.inferences.to_pylist() if row["topic_id"] == number]
        nonces = sorted({row["nonce"] for row in rows})
        assert len(nonces) == len(topic.epochs)
        for epoch, nonce in zip(topic.epochs, nonces, strict=True):
            sent = {
                (row["inferer"], row["label"] or "y"): Decimal(row["value"])
                for row in rows
                if row["nonce"] == nonce
            }
            given = {
                (inferer, label): value
                for inferer, values in epoch.inferences.items()
                for label, value in values.items()
            }
            assert sent == given
            losses = [
                row
                for row in tables.reputer_losses.to_pylist()
                if (row["topic_id"], row["nonce"]) == (number, nonce)
            ]
            combined = {
                row["reputer"]: Decimal(row["value"]) for row in losses if row["kind"] == "combined"
            }
            assert combined == {m: report.bundle.combined for m, report in epoch.reports.items()}


def test_the_encoder_agrees_with_protobuf() -> None:
    bundle = {
        "topic_id": 2**64 - 1,
        "reputer_request_nonce": {"reputer_nonce": {"block_height": -3}},
        "reputer": "allo1é",
        "combined_value": "1E-40",
        "one_out_inferer_forecaster_values": [
            {"forecaster": "k", "one_out_inferer_values": [{"worker": "j", "value": "-0.10"}]},
            {"forecaster": "", "one_out_inferer_values": []},
        ],
    }
    values = {"sender": "s", "reputer_value_bundle": {"value_bundle": bundle}}
    read = MESSAGES["InsertReputerPayload"].FromString(encode("InsertReputerPayload", values))
    found = read.reputer_value_bundle.value_bundle
    assert found.topic_id == 2**64 - 1
    assert found.reputer_request_nonce.reputer_nonce.block_height == -3
    assert found.reputer == "allo1é"
    assert found.combined_value == "1E-40"
    assert [row.forecaster for row in found.one_out_inferer_forecaster_values] == ["k", ""]
    (pair,) = found.one_out_inferer_forecaster_values[0].one_out_inferer_values
    assert (pair.worker, pair.value) == ("j", "-0.10")
    for fields in WRITTEN_MESSAGES.values():
        numbers = [number for number, _ in fields.values()]
        assert numbers == sorted(set(numbers))
    with pytest.raises(ValueError, match="FundTopic has no field topic"):
        encode("FundTopic", {"topic": 1})


@pytest.mark.parametrize("release", WRITTEN)
def test_block_data_is_ingested_whole(release: str, tmp_path: Path) -> None:
    path = tmp_path / "blocks.jsonl.gz"
    count = save_blocks(plan(release), path)
    archive = Archive.create(tmp_path / "archive", "allora-synthetic-1")
    done = ingest(heights_in_order(source_files(path, None)), archive)
    assert done.gaps == []
    assert done.without_results == 0
    assert archive.read("blocks").num_rows == count
    assert archive.read("network_losses").num_rows > 0
    assert archive.read("other_events").num_rows == 0


def test_answers_say_that_they_are_made_up_and_have_right_hashes() -> None:
    made = plan("v0.16", count=1)
    assert "made up" in write_genesis(made)["synthetic"]
    for written in write_blocks(made):
        assert "made up" in written.block["result"]["synthetic"]
        assert "made up" in written.results["result"]["synthetic"]
        texts = written.block["result"]["block"]["data"]["txs"]
        answers = [answer["result"] for answer in transaction_answers(written)]
        assert [answer["hash"] for answer in answers] == [
            hashlib.sha256(base64.b64decode(text)).hexdigest().upper() for text in texts
        ]


def test_failing_transactions_change_nothing() -> None:
    plain, failing = plan("v0.6", count=2), plan("v0.6", count=2, failing=True)
    blocks, doubled = list(write_blocks(plain)), list(write_blocks(failing))
    failed = [result for result in results(doubled) if result["code"]]
    payloads = decode_transactions(raws(blocks)).messages.filter(
        [name.endswith("Payload") for name in names(blocks)]
    )
    assert len(failed) == payloads.num_rows
    assert all("has submitted for nonce" in result["log"] for result in failed)
    assert all(event["type"] == "tx" for result in failed for event in result["events"])
    for one, other in zip(blocks, doubled, strict=True):
        assert (
            one.results["result"]["finalize_block_events"]
            == other.results["result"]["finalize_block_events"]
        )


def test_a_payload_for_a_topic_that_is_not_there_fails() -> None:
    def no_topic(*_: Any) -> Any:
        pytest.fail("nobody creates a topic here")

    form = Form(RELEASES["v0.6"])
    ledger = Ledger(form, TopicWeightParams(), 1, 0, 10, no_topic, Accounts(0, 0))
    worker = {"topic_id": 9, "nonce": {"block_height": 1}, "worker": "allo1a"}
    reputer = {
        "topic_id": 9,
        "reputer": "allo1a",
        "reputer_request_nonce": {"reputer_nonce": {"block_height": 1}},
    }
    for message in (
        ("InsertWorkerPayload", {"sender": "allo1a", "worker_data_bundle": worker}),
        (
            "InsertReputerPayload",
            {"sender": "allo1a", "reputer_value_bundle": {"value_bundle": reputer}},
        ),
    ):
        code, events, log = ledger.deliver([message])
        assert (code, events) == (75, [])
        assert log.endswith("topic 9 does not exist")


def names(blocks: list[WrittenBlock]) -> list[str]:
    return list(decode_transactions(raws(blocks)).messages.column("name").to_pylist())


def test_payloads_may_be_wrapped_and_share_a_transaction() -> None:
    plain = list(write_blocks(plan("v0.16", count=2)))
    for changes in ({"wrapped": True}, {"together": 3}):
        changed = list(write_blocks(plan("v0.16", count=2, **changes)))
        assert [name for name in names(changed) if name != "MsgExec"].count(
            "InsertWorkerPayload"
        ) == names(plain).count("InsertWorkerPayload")
        assert not any(result["code"] for result in results(changed))
    assert len(results(changed)) < len(results(plain))
    assert "1" in {
        attribute["value"]
        for result in results(changed)
        for event in result["events"]
        for attribute in event["attributes"]
        if attribute["key"] == "msg_index"
    }


def test_events_of_wrapped_messages_name_both_places() -> None:
    blocks = list(write_blocks(plan("v0.16", count=1, wrapped=True, together=2)))
    places = {
        tuple(
            (attribute["key"], attribute["value"])
            for attribute in event["attributes"]
            if attribute["key"].endswith("msg_index")
        )
        for result in results(blocks)
        for event in result["events"]
        if event["type"].endswith("EventInsertInfererPayload")
    }
    assert places == {(("authz_msg_index", place), ("msg_index", "0")) for place in ("0", "1")}


def test_gaps_leave_out_blocks_and_nothing_else() -> None:
    whole = list(write_blocks(plan("v0.12", count=1)))
    gaps = frozenset({whole[3].height, whole[10].height})
    holed = list(write_blocks(plan("v0.12", count=1, gaps=gaps)))
    assert holed == [written for written in whole if written.height not in gaps]


def test_stake_is_removed_when_its_delay_is_over() -> None:
    made = plan("v0.16", removing=True)
    counts = event_names(list(write_blocks(made)))
    assert counts["EventRequestStakeRemoval"] > 0
    assert counts["EventRemoveStake"] > 0


def test_the_same_plan_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one.jsonl.gz", "other.jsonl.gz"):
        save_blocks(plan("v0.17", count=1), tmp_path / name)
    one, other = ((tmp_path / f"{name}.jsonl.gz").read_bytes() for name in ("one", "other"))
    assert one == other
    lines = gzip.decompress(one).splitlines()
    assert "app_state" in json.loads(lines[0])


def test_the_compiled_engine_writes_the_same_blocks() -> None:
    for release in ("v0.6", "v0.17"):
        made = replace(plan(release, count=2), failing=True, claiming=True, removing=True)
        compiled = replace(made, formulas=Formulas.compiled())
        assert list(write_blocks(made)) == list(write_blocks(compiled))


def test_the_compiled_engine_refuses_a_state_that_was_changed_elsewhere() -> None:
    formulas = Formulas.compiled()
    epoch = replace(epochs(1, 1)[0], topic_id=1)
    changed = State(1, initial_regret=Decimal("0.5"))
    with pytest.raises(ValueError, match="initial_regret of topic 1 changed outside the engine"):
        formulas.infer(epoch, changed, RELEASES["v0.17"].rules)


def test_the_bundled_blocks_are_what_is_written(tmp_path: Path) -> None:
    path = tmp_path / BUNDLE.name
    save_blocks(bundled(), path)
    assert gzip.decompress(path.read_bytes()) == gzip.decompress(BUNDLE.read_bytes())
    assert BUNDLE.stat().st_size < 500_000


def test_what_no_chain_could_be_is_refused() -> None:
    topic = TopicPlan(epochs(1, 1))
    with pytest.raises(ValueError, match=r"unknown release 'v1.0'; known: v0.6"):
        BlockPlan((topic,), "v1.0")
    with pytest.raises(ValueError, match="no topics"):
        BlockPlan(())
    with pytest.raises(ValueError, match="ground_truth_lag must not be below"):
        TopicPlan(epochs(1, 1), TopicTimes(10, 9, 3))
    with pytest.raises(ValueError, match="topic 1 is not active: it needs more stake or funding"):
        list(write_blocks(BlockPlan((replace(topic, funding=0),), "v0.6")))
    with pytest.raises(ValueError, match="block 1 begins the first month"):
        BlockPlan((topic,), "v0.6", first_height=1)

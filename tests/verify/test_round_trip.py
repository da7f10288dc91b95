"""Histories written as block data, ingested, replayed and verified: nothing differs."""

from __future__ import annotations

import os
import tempfile
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from made import VECTORS, Documents, archive_of, documents, documents_of, with_months
from written import WRITTEN

from allora_core.archive.files import Archive
from allora_core.chain.replay import replay
from allora_core.epoch import Epoch, TopicError
from allora_core.recorded import read_chain_epochs
from allora_core.testing.block_forms import RELEASES
from allora_core.testing.block_params import ChainParams
from allora_core.testing.block_topics import Formulas, TopicTimes
from allora_core.testing.block_writer import BlockPlan, TopicPlan
from allora_core.testing.strategies import History, histories
from allora_core.topics import TopicWeightParams
from allora_core.verify_blocks.compare import Comparison, first_difference
from allora_core.verify_blocks.record import verify

EXAMPLES = int(os.environ.get("ALLORA_CORE_HISTORIES", "100")) // 50
STAKE = {
    "stakes",
    "removals due",
    "stake removed",
    "rewards added to stake",
    "delegators' rewards",
    "delegators' rewards per share",
    "payouts of delegators",
}
SET = {
    "owners as registered",
    "owners as sent",
    "whitelists as sent",
    "parameters and topics as sent",
}
NOT_TOLD: dict[str, set[str]] = {
    "v0.6": {
        "regrets",
        "weights",
        "network inferences",
        "topic weights",
        "split of the emission",
        "label registries",
    }
    | STAKE
    | SET,
    "v0.9": {"network inferences", "topic weights", "label registries", "split of the emission"}
    | STAKE
    | SET,
    "v0.12": {"topic weights", "label registries", "split of the emission"},
    "v0.16": {"label registries"},
    "v0.17": set(),
}


def verified(archive: Archive, release: str) -> list[Comparison]:
    return verify(archive, replay(archive, rules=release).tables)


def assert_nothing_differs(comparisons: list[Comparison]) -> None:
    assert first_difference(comparisons) is None, str(first_difference(comparisons))
    assert sum(each.failed for each in comparisons) == 0


@pytest.mark.parametrize("release", WRITTEN)
def test_made_up_blocks_follow_from_their_inputs(release: str, tmp_path: Path) -> None:
    options = {
        "failing": True,
        "together": 2,
        "removing": True,
        "claiming": True,
        "administering": True,
    }
    found = verified(archive_of(documents(release, **options), tmp_path / "archive"), release)
    assert_nothing_differs(found)
    compared = {each.quantity for each in found if each.compared}
    expected = {"scores", "EMA scores", "rewards", "topic rewards", "network losses", "epoch steps"}
    expected |= {"regrets", "weights", "network inferences", "topic weights"} | STAKE
    expected |= {"label registries", "split of the emission"} | SET
    assert expected - compared == NOT_TOLD[release]


@pytest.mark.parametrize(("release", "length"), [("v0.9", 22), ("v0.16", 30), ("v0.17", 30)])
def test_months_begin_and_end(release: str, length: int, tmp_path: Path) -> None:
    """Up to v0.11 the last block of a month sets the reputers' share, then the whole month does."""
    archive = archive_of(documents_of(with_months(release, length)), tmp_path / "archive")
    found = verified(archive, release)
    assert_nothing_differs(found)
    counts = {each.quantity: each.compared for each in found}
    assert counts["monthly emission"] >= 2
    assert counts["reputers' share of rewards"] >= 1


def test_the_recorded_chain_follows_from_its_inputs(tmp_path: Path) -> None:
    archive = archive_of(VECTORS / "blocks_v06", tmp_path / "archive", "allora-recording-1")
    found = verified(archive, "v0.6")
    assert_nothing_differs(found)
    assert sum(each.compared for each in found) > 5000
    assert {each.quantity: each.compared for each in found}["monthly emission"] == 8


@pytest.mark.parametrize(
    ("name", "release"),
    [("chain_epochs_v06.jsonl.gz", "v0.6"), ("chain_epochs_v017.jsonl.gz", "v0.17")],
)
def test_recorded_histories_follow_from_their_inputs(
    name: str, release: str, tmp_path: Path
) -> None:
    topics: dict[int, list[Epoch]] = {}
    for recorded in read_chain_epochs(VECTORS / name):
        topics.setdefault(recorded.epoch.topic_id, []).append(recorded.epoch)
    epochs = topics[min(topics)]
    chain = ChainParams(params=epochs[0].params, most_elements=40)
    made = BlockPlan((TopicPlan(tuple(epochs)),), release, chain=chain)
    made = replace(made, formulas=Formulas.compiled())
    assert_nothing_differs(verified(archive_of(documents_of(made), tmp_path / "archive"), release))


def written_history(history: History, release: str, times: TopicTimes) -> Documents:
    """Block data of a drawn history; what a topic remembers is the chain's own."""
    params = history.epochs[0].params
    weights = TopicWeightParams(min_topic_weight=Decimal("0.001"), max_active_topics_per_block=3)
    made = BlockPlan(
        (TopicPlan(history.epochs, times),),
        release,
        chain=ChainParams(params=params, weights=weights),
    )
    try:
        return documents_of(made)
    except TopicError:
        assume(False)
        raise


CLOCKS = st.sampled_from([TopicTimes(10, 10, 4), TopicTimes(6, 9, 3), TopicTimes(5, 12, 2)])


@pytest.mark.parametrize("release", WRITTEN)
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.filter_too_much,
    ],
)
@given(data=st.data())
def test_drawn_histories_follow_from_their_inputs(release: str, data: st.DataObject) -> None:
    rules = replace(RELEASES[release].rules, wrong_nonce_report="fault")
    history = data.draw(histories(rules, max_epochs=3))
    made = written_history(history, release, data.draw(CLOCKS))
    with tempfile.TemporaryDirectory() as folder:
        archive = archive_of(made, Path(folder) / "archive")
        assert_nothing_differs(verified(archive, release))

"""Stakes, delegations and removals, and what a state says about them."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from allora_core.archive.files import Archive
from allora_core.archive.schema import Rows
from allora_core.chain.columns import Addresses
from allora_core.chain.ledger import Ledger, Removal
from allora_core.chain.life import Chain
from allora_core.chain.rules import Release
from allora_core.chain.start import Snapshot, start_from


def test_delegators_are_owed_what_a_unit_of_stake_earned_since_they_came() -> None:
    ledger = Ledger()
    ledger.move(1, "r", "d", 4)
    ledger.shares[1, "r"] = Decimal("0.5")
    ledger.move(1, "r", "e", 6)
    assert (ledger.debts[1, "r", "d"], ledger.debts[1, "r", "e"]) == (0, 3)
    ledger.shares[1, "r"] = Decimal("1.25")
    assert (ledger.claim(1, "r", "d"), ledger.claim(1, "r", "e")) == (5, Decimal("4.5"))
    assert (ledger.claim(1, "r", "d"), ledger.claim(1, "r", "nobody")) == (0, 0)
    ledger.move(1, "r", "d", -1)
    assert ledger.debts[1, "r", "d"] == Decimal("3.75")


def test_stake_is_whole_and_delegated() -> None:
    ledger = Ledger()
    ledger.move(1, "r", "r", 10)
    ledger.move(1, "r", "d", 5)
    ledger.move(1, "s", "", 7)
    ledger.move(2, "r", "", 1)
    assert ledger.whole == {(1, "r"): 15, (1, "s"): 7, (2, "r"): 1}
    assert ledger.delegated == {(1, "r"): 5}
    assert ledger.topics == {1: 22, 2: 1}
    assert ledger.taken() == [(1, "r", 15), (1, "s", 7), (2, "r", 1)]
    assert ledger.taken() == []


@pytest.mark.parametrize(("delegator", "amount"), [("", -11), ("d", -6), ("e", -1)])
def test_nobody_takes_more_than_there_is(delegator: str, amount: int) -> None:
    ledger = Ledger()
    ledger.move(1, "r", "", 10)
    ledger.move(1, "r", "d", 5)
    before = dict(ledger.whole)
    with pytest.raises(ValueError, match="topic 1"):
        ledger.move(1, "r", delegator, amount)
    assert ledger.whole == before


def test_removals_are_done_when_due() -> None:
    ledger = Ledger()
    ledger.move(1, "r", "", 10)
    ledger.move(1, "r", "d", 5)
    ledger.ask(Removal(30, 1, "r", "d"), 2)
    ledger.ask(Removal(30, 1, "r", ""), 3)
    assert ledger.next_removal == 30
    assert ledger.complete(29, 40) == []
    # A reputer's own stake comes first.
    assert [removal.delegator for removal, _ in ledger.complete(30, 40)] == ["", "d"]
    assert (ledger.whole[1, "r"], ledger.delegated[1, "r"], ledger.next_removal) == (10, 3, None)


def test_few_removals_fit_into_a_block() -> None:
    ledger = Ledger()
    for name in "abc":
        ledger.move(1, name, "", 9)
        ledger.ask(Removal(20, 1, name, ""), 4)
    assert [removal.reputer for removal, _ in ledger.complete(20, 2)] == ["a", "b"]
    assert ledger.next_removal == 20
    assert [removal.reputer for removal, _ in ledger.complete(21, 2)] == ["c"]


def test_asking_again_replaces_and_cancelling_drops() -> None:
    ledger = Ledger()
    ledger.move(1, "r", "", 10)
    ledger.ask(Removal(20, 1, "r", ""), 4)
    ledger.ask(Removal(25, 1, "r", ""), 6)
    assert ledger.next_removal == 25
    ledger.cancel(1, "r", "")
    assert ledger.next_removal is None
    assert ledger.complete(30, 40) == []


def test_a_removal_of_more_than_there_is_falls_away() -> None:
    ledger = Ledger()
    ledger.move(1, "r", "", 10)
    ledger.ask(Removal(20, 1, "r", ""), 11)
    assert ledger.complete(20, 40) == []
    assert ledger.whole == {(1, "r"): 10}


def test_removals_of_an_exported_state(tmp_path: Path) -> None:
    own = (
        '{"block_height":"40","topic_id":"1","reputer":"r","stake_removal_info":'
        '{"block_removal_started":"28","topic_id":"1","reputer":"r","amount":"7",'
        '"block_removal_completed":"40"}}'
    )
    delegated = (
        '{"block_height":"41","topic_id":"1","delegator":"d","reputer":"r",'
        '"delegate_stake_removal_info":{"block_removal_started":"29","topic_id":"1",'
        '"reputer":"r","delegator":"d","amount":"2","block_removal_completed":"41"}}'
    )
    rows = Rows()
    names = ["stake_removals_by_block", "delegate_stake_removals_by_block"]
    rows.add("snapshots", {"height": 30}, 2, name=names, value=[own, delegated])
    archive = Archive.create(tmp_path / "archive", "allora-test-1")
    with archive.writing():
        archive.commit(rows.tables(), 0, {"state": [30]})
    chain = Chain("decimal", Release.named("v0.6"), None, Addresses())
    start_from(chain, archive, Snapshot(archive, 30))
    assert chain.ledger.removals == {Removal(40, 1, "r", ""): 7, Removal(41, 1, "r", "d"): 2}

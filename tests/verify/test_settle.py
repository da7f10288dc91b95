"""Open rules: the record says which reading it was made with."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from made import archive_of, documents_of
from written import plan

from allora_core.reference.rules import CHOICES, VERSIONS, rules_at
from allora_core.verify_blocks import settle as settling
from allora_core.verify_blocks.settle import OPEN, settle


def test_the_record_tells_which_reading_it_was_made_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = ("scale_filter", "weight_rounding", "initial_regret_deviation")
    monkeypatch.setattr(settling, "OPEN", {rule: OPEN[rule] for rule in tried})
    rules = replace(rules_at("v0.17"), scale_filter="previous_weight", weight_rounding="each_step")
    made = replace(plan("v0.17", count=4), rules=rules)
    archive = archive_of(documents_of(made), tmp_path / "archive")
    seen: list[tuple[str, str]] = []
    found = {
        each.rule: each
        for each in settle(archive, rules="v0.17", seen=lambda *tried: seen.append(tried))
    }
    assert found["scale_filter"].supported == ("previous_weight",)
    assert found["weight_rounding"].supported == ("each_step",)
    assert found["block_order"].supported == ("windows_first",)
    # Nobody is experienced in so short a history: nothing depends on the deviation.
    assert not found["initial_regret_deviation"].is_settled
    assert all(each.is_met for each in found.values())
    assert ("scale_filter", "all") in seen


def test_open_rules_are_rules_with_several_readings() -> None:
    from allora_core.chain.rules import CHOICES as TIMELINE

    for rule, since in OPEN.items():
        assert since in VERSIONS
        assert len((CHOICES | TIMELINE)[rule]) > 1

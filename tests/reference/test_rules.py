"""Which choices each version makes: the table is the documentation."""

from __future__ import annotations

from dataclasses import asdict, replace

import pytest

from allora_core.reference.rules import CHOICES, VERSIONS, Rules, rules_at

CHANGES = {
    "v0.6": {},
    "v0.7": {"initial_regret": "minimum_experienced", "zero_listening_coefficients": "raised"},
    "v0.8": {
        "outlier_resistant": "present",
        "first_score": "averaged",
        "score_samples": "per_seat",
        "initial_score": "present",
        "liveness_penalty": "present",
        "recorded_lowest": "per_epoch",
    },
    "v0.9": {
        "scale_storage": "stored",
        "scale_filter": "previous_weight",
        "weight_function": "ratio",
        "stored_weights": "present",
    },
    "v0.10": {
        "no_previous_loss": "inferers_only",
        "one_out_inferer_forecaster": "present",
        "submitted_numbers": "bounded",
        "topic_weight_revenue": "whole",
        "topic_weight_smoothing": "per_week",
        "supply_cap": "limited",
    },
    "v0.11": {"wrong_nonce_report": "skip"},
    "v0.12": {
        "decimal_functions": "programs",
        "unrewarded_topic": "refunded",
        "reputers_percentage": "monthly",
    },
    "v0.13": {"emission_height": "since_start", "vesting": "whole_months"},
    "v0.14": {},
    "v0.15": {},
    "v0.16": {
        "scale_measure": "median_absolute_deviation",
        "initial_regret_c": "fixed",
        "score_quantile": "averages",
        "first_reputer_score": "initial",
    },
    "v0.17": {
        "withheld_forecast": "stripped",
        "scale_filter": "all",
        "labels": "vector",
        "outlier_resistant": "single_label",
        "no_usable_participant": "fault",
        "weight_rounding": "once",
        "topic_weight_storage": "after_rewards",
        "block_end_order": "windows_first",
    },
}


def test_versions_differ_only_by_their_changes() -> None:
    assert tuple(CHANGES) == VERSIONS
    rules = asdict(Rules())
    for version, changes in CHANGES.items():
        rules.update(changes)
        assert asdict(rules_at(version)) == rules


def test_every_rule_has_choices() -> None:
    assert set(asdict(Rules())) == set(CHOICES)


def test_unknown_version_names_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"'v1\.0'; known: v0\.6, .*v0\.17"):
        rules_at("v1.0")


def test_misspelt_choice() -> None:
    with pytest.raises(ValueError, match="rule labels: 'vectors' is not one of scalar, vector"):
        replace(Rules(), labels="vectors")

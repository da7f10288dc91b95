"""The life of a nonce, row by row: windows, closes, pruning, order, changes by release."""

from __future__ import annotations

from dataclasses import replace

import pytest

from allora_core.chain.rules import (
    UPGRADES,
    Release,
    TimelineRules,
    release_at,
    timeline_rules,
)
from allora_core.chain.timeline import (
    Lengths,
    OpenNonces,
    Span,
    block_steps,
    closes_at,
    due_reputers,
    due_workers,
    extra_lag,
    opened,
    pruned,
    records_pruned_to,
    reputer_window,
    worker_can_close,
    worker_window,
)
from allora_core.reference.rules import VERSIONS

OLD, MIDDLE, NEW = timeline_rules("v0.6"), timeline_rules("v0.10"), timeline_rules("v0.17")
LATEST = replace(NEW, reputer_window="after_extra_lag", reputer_close="window_end")

# L, G, W -> x
EXTRA_LAGS = [
    (Lengths(120, 120, 12), 0),
    (Lengths(120, 240, 12), 0),
    (Lengths(100, 30, 10), 70),
    (Lengths(100, 130, 10), 70),
    (Lengths(100, 199, 10), 1),
    (Lengths(720, 17280, 600), 0),
    (Lengths(10, 0, 10), 0),
    (Lengths(1, 7, 1), 0),
]


@pytest.mark.parametrize(("lengths", "expected"), EXTRA_LAGS)
def test_extra_lag(lengths: Lengths, expected: int) -> None:
    assert extra_lag(lengths) == expected


# rules, L, G, W, nonce -> worker window, reputer window, first height that closes
WINDOWS = [
    (OLD, (120, 120, 12), 1000, (1000, 1011), (1120, 1240), 1240),
    (OLD, (100, 130, 10), 1000, (1000, 1009), (1130, 1260), 1230),
    (OLD, (120, 240, 12), 1000, (1000, 1011), (1240, 1480), 1360),
    (MIDDLE, (120, 120, 12), 1000, (1000, 1012), (1120, 1240), 1240),
    (MIDDLE, (100, 130, 10), 1000, (1000, 1010), (1130, 1300), 1230),
    (NEW, (100, 130, 10), 1000, (1000, 1010), (1130, 1300), 1230),
    (LATEST, (100, 130, 10), 1000, (1000, 1010), (1200, 1300), 1300),
    (LATEST, (120, 120, 12), 1000, (1000, 1012), (1120, 1240), 1240),
]


@pytest.mark.parametrize(("rules", "lengths", "nonce", "worker", "reputer", "close"), WINDOWS)
def test_windows(
    rules: TimelineRules,
    lengths: tuple[int, int, int],
    nonce: int,
    worker: tuple[int, int],
    reputer: tuple[int, int],
    close: int,
) -> None:
    topic = Lengths(*lengths)
    assert worker_window(nonce, topic, rules) == Span(*worker)
    assert reputer_window(nonce, topic, rules) == Span(*reputer)
    assert closes_at(nonce, topic, rules) == close


@pytest.mark.parametrize(
    ("rules", "height", "inside"),
    [
        (OLD, 999, False),
        (OLD, 1000, True),
        (OLD, 1011, True),
        (OLD, 1012, False),
        (MIDDLE, 1012, True),
        (MIDDLE, 1013, False),
    ],
)
def test_both_ends_of_the_worker_window(rules: TimelineRules, height: int, inside: bool) -> None:
    assert (height in worker_window(1000, Lengths(120, 120, 12), rules)) is inside


# What recorded blocks show: commits at n + 12, losses at n + 240 and n + 780, reputer payloads at
# n + 5766 and n + 17281.
RECORDED = [
    (Lengths(120, 120, 12), 5100955, "worker", 5100967),
    (Lengths(120, 120, 12), 10089760, "reputer", 10090000),
    (Lengths(60, 720, 12), 5000000, "reputer", 5000780),
]


@pytest.mark.parametrize(("lengths", "nonce", "kind", "height"), RECORDED)
def test_recorded_closes(lengths: Lengths, nonce: int, kind: str, height: int) -> None:
    nonces = OpenNonces([nonce], [nonce])
    if kind == "worker":
        assert due_workers(nonces, height - 1, lengths) == []
        assert due_workers(nonces, height, lengths) == [nonce]
    else:
        assert due_reputers(nonces, height - 1, lengths, NEW) == []
        assert due_reputers(nonces, height, lengths, NEW) == [nonce]


@pytest.mark.parametrize(
    ("nonce", "lag", "height"), [(7032987, 5760, 7038753), (9959904, 17280, 9977185)]
)
def test_recorded_reputer_payloads(nonce: int, lag: int, height: int) -> None:
    assert height in reputer_window(nonce, Lengths(720, lag, 12), MIDDLE)


def test_a_close_waits_for_an_end_of_the_epoch() -> None:
    lengths = Lengths(100, 130, 10)
    nonces = OpenNonces([], [1100, 1000])
    ends = range(1200, 1501, 100)
    closed = {end: due_reputers(nonces, end, lengths, NEW) for end in ends}
    # On an unbroken grid n closes at n + G + x + L, whether the rule asks for x or not.
    assert closed[1200] == []
    assert closed[1300] == [1000]
    assert closed[1400] == [1100, 1000]
    assert {end: due_reputers(nonces, end, lengths, LATEST) for end in ends} == closed


def test_a_broken_grid_shows_the_two_closing_rules() -> None:
    lengths, nonces = Lengths(100, 130, 10), OpenNonces([], [1000])
    assert due_reputers(nonces, 1245, lengths, NEW) == [1000]
    assert due_reputers(nonces, 1245, lengths, LATEST) == []


def test_worker_windows_close_oldest_first() -> None:
    nonces = OpenNonces([1200, 1100, 1000], [])
    assert due_workers(nonces, 1110, Lengths(100, 100, 10)) == [1000, 1100]


@pytest.mark.parametrize(
    ("rules", "height", "last_ended", "allowed"),
    [
        (OLD, 1012, 1000, True),
        (OLD, 1000, 1000, False),
        (OLD, 1120, 1000, True),
        (OLD, 1121, 1000, False),
        (OLD, 1012, 1012, False),
        (MIDDLE, 1012, 1000, True),
        (MIDDLE, 1000, 1000, False),
        (MIDDLE, 1121, 1000, True),
        (MIDDLE, 1012, 1012, True),
    ],
)
def test_what_a_worker_close_asks_for(
    rules: TimelineRules, height: int, last_ended: int, allowed: bool
) -> None:
    lengths = Lengths(120, 120, 12)
    assert worker_can_close(1000, height, last_ended, lengths, rules) is allowed


@pytest.mark.parametrize(
    ("before", "most", "kept", "dropped"),
    [
        ([], 2, [500], []),
        ([400], 2, [500, 400], []),
        ([400, 300], 2, [500, 400], [300]),
        ([400, 300, 200], 1, [500], [400, 300, 200]),
        ([500, 400], 2, [500, 400], []),
    ],
)
def test_unfulfilled_nonces_are_few_and_newest_first(
    before: list[int], most: int, kept: list[int], dropped: list[int]
) -> None:
    assert opened(before, 500, most) == (kept, dropped)


@pytest.mark.parametrize(
    ("height", "worker", "reputer"),
    [
        # (5 + 1)*100 + 100 back, and 100 more for worker nonces; the bound itself is kept.
        (2000, [1300, 1299, 1200], [1300]),
        (2001, [1300, 1299], []),
        (2101, [], []),
        (700, [1300, 1299, 1200, 1199], [1300, 1299]),
    ],
)
def test_stale_nonces_are_pruned(height: int, worker: list[int], reputer: list[int]) -> None:
    nonces = OpenNonces([1300, 1299, 1200, 1199], [1300, 1299])
    kept, dropped = pruned(nonces, height, Lengths(100, 100, 10), 5)
    assert (kept.worker, kept.reputer) == (worker, reputer)
    left = {*kept.worker, *kept.reputer}
    assert dropped == sorted({1300, 1299, 1200, 1199} - left)


def test_records_live_behind_the_oldest_open_reputer_nonce() -> None:
    assert records_pruned_to(OpenNonces([], [1300, 1100]), 1000, Lengths(100, 100, 10), 3) == 800
    assert records_pruned_to(OpenNonces([], []), 1500, Lengths(100, 100, 10), 3) == 1200
    assert records_pruned_to(OpenNonces([], [100]), 1500, Lengths(100, 100, 10), 3) == 0


def test_order_of_the_steps_in_a_block() -> None:
    first = ("stake_removals", "delegate_stake_removals", "topic_weights", "epoch_ends")
    assert block_steps(OLD) == (*first, "rewards", "worker_windows")
    assert block_steps(timeline_rules("v0.14")) == block_steps(OLD)
    assert block_steps(NEW) == (*first, "worker_windows", "rewards")


# field, value before, release, value since
DIFFERENCES = [
    ("worker_window", "half_open", "v0.10", "closed"),
    ("reputer_window", "twice_lag", "v0.10", "one_epoch"),
    ("network_inference", "on_demand", "v0.10", "recorded"),
    ("worker_close", "within_lag", "v0.10", "after_nonce"),
    ("failed_close", "stay", "v0.11", "emptied"),
    ("whitelists", "absent", "v0.7", "topics"),
    ("whitelists", "topics", "v0.8", "roles"),
    ("reward_height", "payout", "v0.9", "nonce"),
    ("block_order", "rewards_first", "v0.17", "windows_first"),
]


@pytest.mark.parametrize(("name", "before", "release", "since"), DIFFERENCES)
def test_differences_between_releases(name: str, before: str, release: str, since: str) -> None:
    at = VERSIONS.index(release)
    assert getattr(timeline_rules(VERSIONS[at - 1]), name) == before
    assert getattr(timeline_rules(release), name) == since


# Of the table of differences, those that formulas know: field, release, value since.
FORMULA_DIFFERENCES = [
    ("initial_score", "v0.8", "present"),
    ("outlier_resistant", "v0.8", "present"),
    ("stored_weights", "v0.9", "present"),
    ("scale_storage", "v0.9", "stored"),
    ("scale_measure", "v0.16", "median_absolute_deviation"),
    ("reputers_percentage", "v0.12", "monthly"),
    ("labels", "v0.17", "vector"),
]


@pytest.mark.parametrize(("name", "release", "value"), FORMULA_DIFFERENCES)
def test_differences_that_formulas_know(name: str, release: str, value: str) -> None:
    before = VERSIONS[VERSIONS.index(release) - 1]
    assert getattr(Release.named(before).formulas, name) != value
    assert getattr(Release.named(release).formulas, name) == value


def test_a_misspelt_choice_is_refused() -> None:
    with pytest.raises(ValueError, match="worker_window: 'open' is not one of half_open, closed"):
        TimelineRules(worker_window="open")
    with pytest.raises(ValueError, match=r"unknown version 'v9'; known: v0\.6"):
        timeline_rules("v9")


@pytest.mark.parametrize(
    ("chain", "height", "release"),
    [
        ("allora-testnet-1", 5_100_967, "v0.12"),
        ("allora-testnet-1", 9_977_446, "v0.16"),
        ("allora-testnet-1", 10_089_999, "v0.16"),
        ("allora-testnet-1", 10_090_000, "v0.17"),
        ("allora-mainnet-1", 1, "v0.8"),
    ],
)
def test_releases_by_height(chain: str, height: int, release: str) -> None:
    assert release_at(chain, height) == release


def test_an_unknown_release_is_asked_for() -> None:
    with pytest.raises(ValueError, match=r"chain allora-testnet-1: .* height 7 is not known"):
        release_at("allora-testnet-1", 7)
    with pytest.raises(ValueError, match="chain other-1"):
        release_at("other-1", 10**8)
    assert {name for _, _, name in UPGRADES} <= set(VERSIONS)

"""Submissions in the engine are those of the reference, over made-up windows of all roles."""

from __future__ import annotations

import os
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from allora_core import Engine
from allora_core.active_set import ROLES, submit
from allora_core.reference import rules_at
from allora_core.reference.sortition import closed, submissions
from allora_core.testing import assert_equal
from allora_core.testing.strategies import STYLES, numbers
from allora_core.topics import ActiveSet, LowestScore, SubmissionWindow

EXAMPLES = int(os.environ.get("ALLORA_CORE_HISTORIES", "100"))
SETTINGS = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
VERSIONS = ["v0.6", "v0.8", "v0.12", "v0.17"]
D = Decimal
ACTORS = "abcdefgh"


@st.composite
def windows(draw: st.DrawFn, topic_id: int) -> tuple[SubmissionWindow, ActiveSet, list[str]]:
    """A window, an active set that may be stale, and who submits."""
    style = draw(st.sampled_from(STYLES))
    nonce = draw(st.sampled_from((1, 500, 1000)))
    height = st.sampled_from((0, 1, 100, 499, 900, 999, 1000, 2000))
    known = draw(st.lists(st.sampled_from(ACTORS), unique=True, max_size=6))
    lowest = None
    if draw(st.booleans()):
        lowest = LowestScore(draw(st.sampled_from(ACTORS)), draw(numbers(style)), draw(height))
    active_set = ActiveSet(
        scores={actor: draw(numbers(style)) for actor in known},
        heights={actor: draw(height) for actor in known},
        active=tuple(sorted(draw(st.lists(st.sampled_from(ACTORS), unique=True, max_size=3)))),
        lowest=lowest,
        quantile=draw(numbers(style)),
        initial_score=draw(numbers(style)),
    )
    window = SubmissionWindow(
        topic_id,
        draw(st.sampled_from(ROLES)),
        nonce,
        draw(st.integers(1, 4)),
        draw(st.sampled_from((D("0.1"), D("0.10"), D(0), D("0.999"), D(1), D("-3")))),
        epoch_last_ended=draw(st.sampled_from((0, 100, 1000))),
        epoch_length=draw(st.sampled_from((1, 10, 300))),
        ground_truth_lag=draw(st.sampled_from((0, 7, 5000))),
    )
    return window, active_set, draw(st.lists(st.sampled_from(ACTORS), max_size=10))


@pytest.mark.parametrize("version", VERSIONS)
@SETTINGS
@given(drawn=st.lists(windows(1), min_size=1, max_size=4))
def test_engine_equals_reference(version: str, drawn: list) -> None:
    rules = rules_at(version)
    given = [
        (replace(window, topic_id=at), *rest) for at, (window, *rest) in enumerate(drawn, start=1)
    ]
    batch = submit(
        Engine(rules=rules, threads=1), *(list(part) for part in zip(*given, strict=True))
    )
    faults = iter(batch.status)
    for at, (window, active_set, actors) in enumerate(given):
        expected = submissions(window, active_set, actors, rules)
        assert batch.outcomes(at) == [each.outcome for each in expected]
        assert batch.displaced(at) == [each.displaced for each in expected]
        for each in expected:
            fault = next(faults)
            assert (fault is None) == (each.fault is None)
            if fault is not None and each.fault is not None:
                assert str(fault) == str(each.fault)
        after = expected[-1].active_set if expected else active_set
        assert_equal(after, batch.active_set(at))


@pytest.mark.parametrize("version", VERSIONS)
@SETTINGS
@given(drawn=windows(1))
def test_what_always_holds(version: str, drawn: tuple) -> None:
    """One seat goes for one come; nobody is touched who neither submits nor is put out."""
    window, active_set, actors = drawn
    rules = rules_at(version)
    before = active_set
    for result in submissions(window, active_set, actors, rules):
        after, actor = result.active_set, actors[0]
        actors = actors[1:]
        gone, come = set(before.active) - set(after.active), set(after.active) - set(before.active)
        if result.outcome in ("entered", "displaced"):
            assert come == {actor}
            assert gone <= {result.displaced}
        else:
            assert (come, gone) == (set(), set())
        if result.outcome in ("already_active", "already_updated", "failed"):
            assert after is before
        touched = {actor, result.displaced}
        for other in set(before.scores) - touched:
            assert after.scores[other] is before.scores[other]
            assert after.heights[other] == before.heights[other]
        before = after
    assert closed(before, rules).active == ()


def history(rules_name: str, number: str, seed: int) -> tuple[list[str], ActiveSet]:
    """Twenty nonces of one topic, twelve actors, five seats."""
    rules, engine = rules_at(rules_name), Engine(number, rules=rules_name, threads=1)
    actors = [f"allo1{letter}" for letter in "abcdefghijkl"]
    active_set = ActiveSet(quantile=D("0.3"), initial_score=D("0.1"))
    outcomes: list[str] = []
    for epoch in range(1, 21):
        window = SubmissionWindow(1, "inferer", 10 * epoch, 5, D("0.1"), 10 * epoch, 10)
        order = [actors[(i * 5 + epoch * seed) % 12] for i in range(12) if (i + epoch) % 3]
        batch = submit(engine, [window], [active_set], [order])
        outcomes += batch.outcomes(0)
        active_set = batch.active_set(0)
        moved = {
            actor: score + D(7919 * (epoch * seed + 1) * (i + 3) % 10007) / 10007
            for i, (actor, score) in enumerate(active_set.scores.items())
        }
        active_set = closed(replace(active_set, scores=moved), rules)
    return outcomes, active_set


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("seed", [1, 5, 7])
def test_float64_decides_alike(version: str, seed: int) -> None:
    exact, decimals = history(version, "decimal", seed)
    outcomes, doubles = history(version, "float64", seed)
    assert outcomes == exact
    assert {"entered", "displaced", "outside"} <= set(outcomes)
    assert_equal(decimals, doubles, relative=1e-13, absolute=1e-13)


@pytest.mark.parametrize("threads", [1, 2])
def test_many_topics_are_the_single_ones(threads: int) -> None:
    windows = [
        SubmissionWindow(t, ROLES[t % 3], 1000, 1 + t % 4, D("0.1"), 1000, 10) for t in range(600)
    ]
    sets = [
        ActiveSet(
            scores={a: D(t * i % 11) / 7 for i, a in enumerate(ACTORS[: t % 7])},
            heights={a: 900 + i for i, a in enumerate(ACTORS[: t % 7])},
            quantile=D(t % 5),
            initial_score=D("0.5"),
        )
        for t in range(600)
    ]
    actors = [[ACTORS[(t + 3 * i) % 8] for i in range(t % 9)] for t in range(600)]
    engine = Engine(threads=threads)
    batch = submit(engine, windows, sets, actors)
    for t in range(0, 600, 7):
        alone = submit(engine, [windows[t]], [sets[t]], [actors[t]])
        assert batch.outcomes(t) == alone.outcomes(0)
        assert_equal(alone.active_set(0), batch.active_set(t))


def test_bad_input() -> None:
    """The unusable window fails as a whole, the one beside it does not."""
    good = SubmissionWindow(7, "inferer", 100, 2)
    bad = replace(good, topic_id=8)
    sets = [ActiveSet(), ActiveSet(scores={"x": D("NaN")}, heights={"x": 1}), ActiveSet()]
    batch = submit(Engine(), [good, bad, good], sets, [["a"], ["b", "c"], ["d", "d"]])
    assert [batch.outcomes(at) for at in range(3)] == [
        ["entered"],
        ["failed", "failed"],
        ["entered", "already_active"],
    ]
    assert [str(fault) for fault in batch.status if fault] == [
        "topic 8 actor x field inferer_score_ema: nan"
    ] * 2
    assert batch.active_set(1) == sets[1]
    assert batch.displaced(2) == ["", ""]
    with pytest.raises(ValueError, match="1 windows, but 0 active sets"):
        submit(Engine(), [good], [], [])

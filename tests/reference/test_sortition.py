"""Active sets, one submission at a time, row by row; and what absence costs."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from allora_core.epoch import TopicError
from allora_core.reference import rules_at
from allora_core.reference.rules import Rules
from allora_core.reference.sortition import closed, missed_epochs, penalized, submissions, submit
from allora_core.topics import ActiveSet, LowestScore, Role, SubmissionWindow

D = Decimal
V06, V08, V17 = rules_at("v0.6"), rules_at("v0.8"), rules_at("v0.17")
NONCE = 1000


def window(role: Role = "inferer", seats: int = 2, **changes: object) -> SubmissionWindow:
    """A window in which nobody with a stored height of 900 has missed an epoch."""
    made = SubmissionWindow(
        7, role, NONCE, seats, D("0.1"), epoch_last_ended=NONCE, epoch_length=100
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def known(quantile: str = "0", initial: str = "0", **scores: str) -> ActiveSet:
    """Actors with average scores of height 900."""
    return ActiveSet(
        scores={actor: D(score) for actor, score in scores.items()},
        heights=dict.fromkeys(scores, 900),
        quantile=D(quantile),
        initial_score=D(initial),
    )


def outcomes(
    rules: Rules, active_set: ActiveSet, actors: str, at: SubmissionWindow | None = None
) -> tuple[list[str], ActiveSet]:
    results = submissions(at or window(), active_set, list(actors), rules)
    return [result.outcome for result in results], results[-1].active_set


@pytest.mark.parametrize("rules", [V06, V08, V17])
def test_second_submission_is_refused(rules: Rules) -> None:
    found, after = outcomes(rules, known(a="1"), "aa")
    assert found == ["entered", "already_active"]
    assert after.active == ("a",)


def test_free_seats_record_the_lowest() -> None:
    at = window(seats=3)
    _, after = outcomes(V17, known(a="2", b="1", c="3"), "a", at)
    assert after.lowest == LowestScore("a", D(2), NONCE)
    _, after = outcomes(V17, known(a="2", b="1", c="3"), "ab", at)
    assert after.lowest == LowestScore("b", D(1), NONCE)
    _, after = outcomes(V17, known(a="2", b="1", c="3"), "abc", at)
    assert after.lowest == LowestScore("b", D(1), NONCE)
    assert after.active == ("a", "b", "c")
    assert after.heights == {"a": NONCE, "b": NONCE, "c": NONCE}


def test_equal_to_the_recorded_lowest_is_not_recorded() -> None:
    _, after = outcomes(V17, known(a="1", b="1.0"), "ab")
    assert after.lowest == LowestScore("a", D(1), NONCE)


def test_higher_displaces_lowest() -> None:
    """0.1*5 + 0.9*1: the one put out moves toward the quantile, with the nonce as height."""
    found, after = outcomes(V17, known("5", a="1", b="2", c="3"), "abc")
    assert found == ["entered", "entered", "displaced"]
    assert after.active == ("b", "c")
    assert (after.scores["a"], after.heights["a"]) == (D("1.4"), NONCE)
    assert after.lowest == LowestScore("b", D(2), NONCE)
    result = submissions(window(), known("5", a="1", b="2", c="3"), "abc", V17)[-1]
    assert result.displaced == "a"


def test_one_put_out_cannot_come_back() -> None:
    found, _ = outcomes(V17, known("5", a="1", b="2", c="3"), "abca")
    assert found[-1] == "already_updated"


@pytest.mark.parametrize("score", ["1", "1.00", "0.5"])
def test_not_above_lowest_stays_outside(score: str) -> None:
    """Ties go to the incumbent; the newcomer's own average moves toward the quantile."""
    found, after = outcomes(V17, known("5", a="1", b="2", c=score), "abc")
    assert found[-1] == "outside"
    assert after.active == ("a", "b")
    assert after.scores["c"] == D("0.1") * 5 + D("0.9") * D(score)
    assert after.heights["c"] == NONCE
    assert after.lowest == LowestScore("a", D(1), NONCE)


def test_lowest_is_searched_in_list_order_newcomer_last() -> None:
    """After a left, b and d tie: b stands first; d displaces c only if c is lowest."""
    _, after = outcomes(V17, known(a="1", d="2", b="2"), "adb")
    assert after.lowest == LowestScore("d", D(2), NONCE)
    _, after = outcomes(V17, known(b="1", c="2", a="2"), "bca")
    assert after.lowest == LowestScore("c", D(2), NONCE)


def test_first_submission_of_an_inferer() -> None:
    """Its stored average is the initial score, and it competes with that."""
    found, after = outcomes(V17, known(initial="1.5", a="1", b="2"), "abn")
    assert found == ["entered", "entered", "displaced"]
    assert (after.scores["n"], after.heights["n"]) == (D("1.5"), NONCE)
    assert after.lowest == LowestScore("n", D("1.5"), NONCE)


def test_first_submission_that_stays_outside_keeps_the_initial_score() -> None:
    found, after = outcomes(V17, known("5", initial="0.5", a="1", b="2"), "abn")
    assert found[-1] == "outside"
    assert (after.scores["n"], after.heights["n"]) == (D("0.5"), NONCE)


@pytest.mark.parametrize(
    ("role", "rules", "competes"),
    [
        ("inferer", V08, "initial"),
        ("inferer", V17, "initial"),
        ("forecaster", V08, "zero"),
        ("forecaster", V17, "zero"),
        ("reputer", V08, "zero"),
        ("reputer", V17, "initial"),
    ],
)
def test_what_a_first_submission_competes_with(role: Role, rules: Rules, competes: str) -> None:
    """Initial score 1.5 beats the lowest, 1; score 0 does not."""
    found, after = outcomes(rules, known(initial="1.5", a="1", b="2"), "abn", window(role))
    assert found[-1] == ("displaced" if competes == "initial" else "outside")
    assert after.scores["n"] == D("1.5")
    _, after = outcomes(rules, known(initial="1.5"), "n", window(role))
    expected = LowestScore("n", D("1.5"), NONCE)
    assert after.lowest == (expected if competes == "initial" else LowestScore("n", D(0), 0))


def test_recorded_zero_makes_the_quantile_the_average() -> None:
    """A forecaster recorded as (0, 0) counts as never averaged when it is put out."""
    found, after = outcomes(V17, known("5", initial="1.5", a="1"), "na", window("forecaster", 1))
    assert found == ["entered", "displaced"]
    assert after.scores["n"] == D(5)


def test_height_of_the_nonce_is_refused() -> None:
    active_set = replace(known(a="1"), heights={"a": NONCE})
    assert outcomes(V17, active_set, "a")[0] == ["already_updated"]
    assert outcomes(V17, replace(active_set, heights={"a": NONCE + 1}), "a")[0] == [
        "already_updated"
    ]


def test_penalty_comes_before_the_comparison() -> None:
    """Height 600: two epochs missed; 10*0.81 + 0*(1 - 0.81)."""
    active_set = replace(known(a="9", b="10"), heights={"a": 900, "b": 600})
    found, after = outcomes(V17, active_set, "ab", window(seats=1))
    assert found == ["entered", "outside"]
    moved = penalized(D("0.1"), D(0), D(10), 3, V17)
    assert after.scores["b"] == D("0.9") * moved
    assert D("7.28") < moved < D("7.30")


def test_v06_fills_up_without_looking() -> None:
    """No height is checked, no score stored and no lowest recorded while seats are free."""
    active_set = replace(known(a="1"), heights={"a": NONCE})
    found, after = outcomes(V06, active_set, "an")
    assert found == ["entered", "entered"]
    assert after.lowest is None
    assert after.scores == {"a": D(1)}
    assert after.heights == {"a": NONCE}


def test_v06_lowest_is_searched_once_and_kept() -> None:
    found, after = outcomes(V06, known("5", a="2", b="1", c="0.5"), "abc")
    assert found[-1] == "outside"
    assert after.lowest == LowestScore("b", D(1), 900)
    assert closed(after, V06).lowest == after.lowest
    assert closed(after, V17).lowest is None
    assert closed(after, V06).active == ()


def test_v06_stale_lowest() -> None:
    """The recorded actor is not in the set: its recorded score moves, the set grows by one."""
    stale = replace(known("5", a="2", b="3", c="1", z="9"), lowest=LowestScore("z", D("0.5"), 800))
    results = submissions(window(), stale, "abc", V06)
    assert [result.outcome for result in results] == ["entered", "entered", "displaced"]
    after = results[-1].active_set
    assert results[-1].displaced == "z"
    assert after.active == ("a", "b", "c")
    assert (after.scores["z"], after.heights["z"]) == (D("0.95"), NONCE)
    assert after.lowest == LowestScore("c", D(1), 900)


def test_v06_newcomer_moves_to_the_quantile_at_once() -> None:
    """Unknown actors count as score 0 and height 0: the first average is the quantile."""
    found, after = outcomes(V06, known("5", a="1", b="2"), "abn")
    assert found[-1] == "outside"
    assert (after.scores["n"], after.heights["n"]) == (D(5), NONCE)
    found, after = outcomes(V06, known("5", a="-1", b="2"), "abn")
    assert found[-1] == "displaced"
    assert after.scores["a"] == D("-0.4")
    assert "n" not in after.scores


def test_v06_height_is_checked_once_the_set_is_full() -> None:
    active_set = replace(known(a="1", b="2", c="3"), heights={"a": 900, "b": 900, "c": NONCE})
    assert outcomes(V06, active_set, "abc")[0][-1] == "already_updated"


@pytest.mark.parametrize(
    ("role", "ended", "length", "lag", "last", "missed"),
    [
        ("inferer", 100, 10, 0, 90, 0),
        ("inferer", 100, 10, 0, 89, 1),
        ("forecaster", 100, 10, 0, 80, 1),
        ("forecaster", 100, 10, 0, 79, 2),
        ("reputer", 100, 10, 5, 85, 0),
        ("reputer", 100, 10, 5, 84, 1),
        ("reputer", 100, 10, 200, 0, 0),
        ("inferer", 5, 10, 0, -3, 0),
        ("inferer", 100, 10, 0, -3, 9),
    ],
)
def test_missed_epochs(
    role: Role, ended: int, length: int, lag: int, last: int, missed: int
) -> None:
    assert missed_epochs(role, ended, length, lag, last) == missed


@pytest.mark.parametrize("rules", [V08, V17])
def test_penalty_composes_and_stays_between(rules: Rules) -> None:
    alpha, start = D("0.1"), D("3.5")
    for initial in (D("-1"), D("2"), D("7")):
        once = penalized(alpha, initial, start, 5, rules)
        twice = penalized(alpha, initial, penalized(alpha, initial, start, 2, rules), 3, rules)
        assert abs(once - twice) < D("1E-31")
        assert min(start, initial) <= once <= max(start, initial)
    assert penalized(alpha, D("-1"), start, 0, rules) is start
    assert penalized(alpha, D("3.50"), start, 4, rules) is start


def test_no_penalty_before_it_existed() -> None:
    active_set = replace(known(a="1", b="4"), heights={"a": 900, "b": 1})
    assert outcomes(V06, active_set, "ab", window(seats=1))[0] == ["entered", "displaced"]


@pytest.mark.parametrize(
    ("at", "active_set", "actor", "field", "cause"),
    [
        (window(nonce=0), known(), "", "nonce", "out_of_range"),
        (window(seats=0), known(), "", "seats", "out_of_range"),
        (window(epoch_length=0), known(), "", "epoch_length", "out_of_range"),
        (window(), known("NaN"), "", "inferer_score_quantile", "nan"),
        (window(), known(initial="Infinity"), "", "initial_inferer_score", "infinite"),
        (window(), known(a="NaN"), "a", "inferer_score_ema", "nan"),
        (
            window(merit_sortition_alpha=D("NaN")),
            known(),
            "",
            "merit_sortition_alpha",
            "nan",
        ),
    ],
)
def test_bad_input(
    at: SubmissionWindow, active_set: ActiveSet, actor: str, field: str, cause: str
) -> None:
    with pytest.raises(TopicError) as caught:
        submit(at, active_set, "x", V17)
    error = caught.value
    assert (error.topic_id, error.actor, error.field, error.cause) == (7, actor, field, cause)
    results = submissions(at, active_set, "xy", V17)
    assert [result.outcome for result in results] == ["failed", "failed"]
    assert results[-1].active_set is active_set


def test_failing_submission_spoils_no_other() -> None:
    """1E+99999 moved toward the initial score leaves the network's range; b is not touched."""
    active_set = replace(known(initial="1", a="9E+99999", b="2"), heights={"a": 100, "b": 900})
    at = window(merit_sortition_alpha=D("-9"))
    results = submissions(at, active_set, "ab", V17)
    assert [result.outcome for result in results] == ["failed", "entered"]
    fault = results[0].fault
    assert fault is not None
    assert (fault.actor, fault.field, fault.cause) == ("a", "inferer_score_ema", "range")
    assert results[1].active_set.scores["a"] == D("9E+99999")

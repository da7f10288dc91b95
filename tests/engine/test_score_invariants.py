"""What must hold for every topic's scores: averages, equal losses, fewer actors."""

from __future__ import annotations

from dataclasses import fields, replace
from decimal import Decimal

from hypothesis import assume, given
from hypothesis import strategies as st
from reward_starts import SETTINGS, Side, all_close, close, losses_of, rewarded, sides, starts

from allora_core.epoch import Epoch, Params, Report, State
from allora_core.reference.network_loss import accepted_reports
from allora_core.reference.number import multiply, quotient, subtract
from allora_core.testing import assert_equal

D = Decimal
ROLES = ("inferer", "forecaster", "reputer")


@sides
@SETTINGS
@given(data=st.data())
def test_averages_and_quantiles(side: Side, data: st.DataObject) -> None:
    """An average of a score with itself is that score; a quantile lies between its values."""
    start = data.draw(starts(side))
    _, epoch, state = start
    once = rewarded(start)
    scores = {role: dict(getattr(once, f"{role}_score")) for role in ROLES}
    alike = replace(state, **{f"{role}_score_ema": scores[role] for role in ROLES})
    again = rewarded((side, epoch, alike)).state
    for role in ROLES:
        for actor, score in scores[role].items():
            assert_equal(score, getattr(again, f"{role}_score_ema")[actor])
        if len(scores[role]) > 1:
            quantile = getattr(again, f"{role}_score_quantile")
            assert min(scores[role].values()) <= quantile <= max(scores[role].values())
    assume(len(scores["reputer"]) > 1)
    for q, of in ((D(0), min), (D(1), max)):
        params = replace(epoch.params, active_reputer_quantile=q)
        found = rewarded((side, replace(epoch, params=params), alike)).state
        assert found.reputer_score_quantile == of(scores["reputer"].values())


@sides
@SETTINGS
@given(data=st.data())
def test_cold_start(side: Side, data: st.DataObject) -> None:
    """A new topic stores its first fractions as they are; tau is alpha times its first ratio."""
    _, epoch, _ = data.draw(starts(side))
    result = rewarded((side, epoch, State(epoch.topic_id)))
    for role in ("inferer", "reputer"):
        stored = getattr(result.state, f"{role}_reward_fraction")
        assert all_close(getattr(result, f"{role}_fraction"), stored) or not stored
    alpha = epoch.params.merit_sortition_alpha
    for m, average in result.state.reputer_score_ema.items():
        score = result.reputer_score[m]
        assert average == (score if side.version == "v0.6" else multiply(alpha, score))
    score = result.forecasting_task_utility_score
    if result.forecaster_score_ratio is not None and score is not None:
        divisor = max((*result.inferer_score.values(), D(0))) or score.copy_abs()
        ratio = quotient(score, divisor) if divisor else D(0)
        assert result.forecaster_score_ratio == multiply(epoch.params.task_reward_alpha, ratio)


@sides
@SETTINGS
@given(data=st.data())
def test_absent_actors_keep_what_they_have(side: Side, data: st.DataObject) -> None:
    start = data.draw(starts(side))
    _, epoch, state = start
    result = rewarded(start)
    present = {*epoch.inferences, *epoch.forecasts, *accepted_reports(epoch, side.rules)}
    for entry in fields(State):
        before, after = getattr(state, entry.name), getattr(result.state, entry.name)
        if isinstance(before, dict) and "history" not in entry.name:
            # A row without values is not stored.
            stored = {actor for actor, value in before.items() if value != {}}
            for actor in stored - present:
                assert_equal(before[actor], after[actor])


def alike(epoch: Epoch) -> Epoch:
    """Every reputer reports the losses of the first."""
    bundle = next(iter(epoch.reports.values())).bundle
    reports = {m: Report(each.stake, bundle, each.delegated) for m, each in epoch.reports.items()}
    return replace(epoch, reports=reports, params=Params())


@sides
@SETTINGS
@given(data=st.data())
def test_identical_losses(side: Side, data: st.DataObject) -> None:
    """Coefficients at 1 stay there, and every score is the highest; fewer reputers get no less.

    Up to last digits: a consensus of truncated quotients lies beside the losses that all report.
    """
    _, epoch, _ = data.draw(starts(side))
    epoch = alike(epoch)
    assume(all(report.stake for report in epoch.reports.values()))
    result = rewarded((side, epoch, State(epoch.topic_id)))
    highest = quotient(D(1), epoch.params.epsilon_reputer)
    for coefficient in result.state.listening_coefficient.values():
        assert 0 <= subtract(D(1), coefficient) < D("1E-24")
    assert all(close(highest, score, 27) for score in result.reputer_score.values())
    first, *others = sorted(epoch.reports)
    # Workers who cannot be scored end the rewards before anything is divided.
    if not others or not result.reputer_fraction:
        return
    fewer = {m: report for m, report in epoch.reports.items() if m != first}
    left = rewarded((side, replace(epoch, reports=fewer), State(epoch.topic_id)))
    slack = D("1E-26")
    assert all(left.reputer_fraction[m] >= result.reputer_fraction[m] - slack for m in others)
    richer = replace(epoch.reports[first], stake=epoch.reports[first].stake * 2)
    more = rewarded(
        (side, replace(epoch, reports={**epoch.reports, first: richer}), State(epoch.topic_id))
    )
    assert more.reputer_fraction[first] > result.reputer_fraction[first]
    assert all(more.reputer_fraction[m] < result.reputer_fraction[m] for m in others)


@sides
@SETTINGS
@given(data=st.data())
def test_fewer_inferers_get_no_less(side: Side, data: st.DataObject) -> None:
    """Without the first one, whose score is not in the sample, each of the others gets no less.

    Of a block only as many scores stay as are read, the last ones: the deviation is the same.
    """
    _, epoch, state = data.draw(starts(side, inferers=6))
    state = replace(state, inferer_score_history={})
    inferers = sorted(epoch.inferences)
    assume(len(inferers) > 2)
    row = losses_of((side, epoch, state))
    row = [D(at) / 8 if loss is None else loss for at, loss in enumerate(row)]
    first_one_out = len(row) - 2 * len(epoch.forecasts) - len(inferers)
    samples = {"max_samples_to_scale_scores": D(len(inferers) - 1)}
    params = replace(epoch.params, max_top_inferers_to_reward=D(1), **samples)
    epoch = replace(epoch, params=params)
    whole = rewarded((side, epoch, state), row)
    gone = inferers[0]
    fewer = replace(epoch, inferences={j: epoch.inferences[j] for j in inferers[1:]}, forecasts={})
    rest = [*row[:2], *row[3 : 2 + len(inferers)], *row[first_one_out + 1 :][: len(inferers) - 1]]
    reports = {
        m: replace(
            report,
            bundle=replace(
                report.bundle,
                inferer={j: x for j, x in report.bundle.inferer.items() if j != gone},
                one_out_inferer={
                    j: x for j, x in report.bundle.one_out_inferer.items() if j != gone
                },
                forecaster={},
                one_out_forecaster={},
                one_in_forecaster={},
                one_out_inferer_forecaster={},
            ),
        )
        for m, report in epoch.reports.items()
    }
    left = rewarded((side, replace(fewer, reports=reports), state), rest)
    if not whole.inferer_fraction or not left.inferer_fraction:
        return
    assert left.inferer_score == {j: whole.inferer_score[j] for j in inferers[1:]}
    assert all(share >= whole.inferer_fraction[j] for j, share in left.inferer_fraction.items())


@sides
@SETTINGS
@given(data=st.data())
def test_listened_share_of_the_stake(side: Side, data: st.DataObject) -> None:
    """One reputer alone keeps its coefficient; zero ones are a fault up to v0.6, later raised."""
    start = data.draw(starts(side))
    _, epoch, state = start
    reports = accepted_reports(epoch, side.rules)
    deaf = replace(state, listening_coefficient=dict.fromkeys(reports, D(0)))
    result = rewarded((side, epoch, deaf))
    if side.version == "v0.6":
        if epoch.params.gradient_descent_max_iters:
            assert result.fault is not None
            assert (result.fault.field, result.fault.cause) == ("reputer_score", "div_undefined")
    elif result.reputer_score and len(reports) == 1:
        raised = epoch.params.epsilon_reputer
        assert {result.state.listening_coefficient[m] for m in reports} == {raised}

"""Network losses: the stake-weighted mean of what the reputers report.

Whitepaper: L_i = sum_m S_im L_im / sum_m S_im. Reports hold log10 losses, so this is a mean of
logarithms; the stake is the whole stake, not the consensus stake.

Sources: allora-chain v0.6, ``x/emissions/keeper/inference_synthesis/network_losses.go``; v0.11,
``x/emissions/keeper/actor_utils/losses.go``; synthesis, section 6.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from decimal import Decimal

from allora_core.epoch import Epoch, Report, TopicError, ValueBundle
from allora_core.reference.faults import located, require_finite, require_submittable
from allora_core.reference.number import NumberError, multiply, quotient, total
from allora_core.reference.rules import Rules

__all__ = ["accepted_entries", "accepted_reports", "network_losses", "weighted_loss"]

Losses = Mapping[str, Decimal]


def accepted_reports(epoch: Epoch, rules: Rules) -> dict[str, Report]:
    """Return the reports of this topic and nonce in address order, entries filtered.

    Raises:
        TopicError: ``wrong_nonce`` for a report of another topic or nonce where the rules do not
            skip it; ``no_report`` if none is left; ``nan``, ``infinite`` or ``out_of_range`` for
            numbers that no reputer can report.
    """
    reports: dict[str, Report] = {}
    for m in sorted(epoch.reports):
        report = epoch.reports[m]
        own = report.topic_id in (None, epoch.topic_id) and report.nonce in (None, epoch.nonce)
        if not own and rules.wrong_nonce_report == "fault":
            raise TopicError(epoch.topic_id, m, "report", "wrong_nonce")
        if own:
            bundle = accepted_entries(report.bundle, epoch)
            with located(epoch.topic_id, "stake", m):
                _require_stake(report.stake)
            with located(epoch.topic_id, "loss", m):
                for loss in _losses(bundle):
                    require_submittable(loss, rules)
            reports[m] = replace(report, bundle=bundle)
    if not reports:
        raise TopicError(epoch.topic_id, "", "reports", "no_report")
    return reports


def accepted_entries(bundle: ValueBundle, epoch: Epoch) -> ValueBundle:
    """Keep the entries about workers of this nonce; a lone inferer has no one-out entry."""

    def about(losses: Losses, workers: Mapping[str, object]) -> dict[str, Decimal]:
        return {worker: loss for worker, loss in losses.items() if worker in workers}

    inferers, forecasters = epoch.inferences, epoch.forecasts
    inferer = about(bundle.inferer, inferers)
    rows = {
        k: about(row, inferers)
        for k, row in bundle.one_out_inferer_forecaster.items()
        if k in forecasters
    }
    return ValueBundle(
        combined=bundle.combined,
        naive=bundle.naive,
        inferer=inferer,
        forecaster=about(bundle.forecaster, forecasters),
        one_out_inferer=about(bundle.one_out_inferer, inferers) if len(inferer) > 1 else {},
        one_out_forecaster=about(bundle.one_out_forecaster, forecasters),
        one_in_forecaster=about(bundle.one_in_forecaster, forecasters),
        one_out_inferer_forecaster={k: row for k, row in rows.items() if row},
    )


def _require_stake(stake: Decimal) -> None:
    require_finite(stake)
    if stake < 0:
        raise NumberError("negative_stake")


def _losses(bundle: ValueBundle) -> Iterator[Decimal]:
    yield from (loss for loss in (bundle.combined, bundle.naive) if loss is not None)
    for losses in (
        bundle.inferer,
        bundle.forecaster,
        bundle.one_out_inferer,
        bundle.one_out_forecaster,
        bundle.one_in_forecaster,
        *bundle.one_out_inferer_forecaster.values(),
    ):
        yield from losses.values()


def weighted_loss(reported: list[tuple[Decimal, Decimal]]) -> Decimal:
    """Return sum loss*stake / sum stake over those who report; ``zero_stake`` if that is 0."""
    stake = total(stake for stake, _ in reported)
    if not stake:
        raise NumberError("zero_stake")
    return quotient(total(multiply(loss, stake) for stake, loss in reported), stake)


def network_losses(epoch: Epoch, reports: Mapping[str, Report]) -> ValueBundle:
    """Average the reports entry by entry.

    A worker whose own loss nobody reported is left out, and so are its one-out and one-in losses.
    A forecaster with a loss of its own keeps its one-out-inferer row, even an empty one. Entries
    whose reporters have no stake are dropped; combined and naive loss must exist.
    """

    def average(of: Callable[[ValueBundle], Losses], workers: list[str]) -> dict[str, Decimal]:
        return _average(epoch, reports, of, workers)

    inferer = average(lambda bundle: bundle.inferer, sorted(epoch.inferences))
    forecaster = average(lambda bundle: bundle.forecaster, sorted(epoch.forecasts))
    rows: dict[str, dict[str, Decimal]] = {}
    for k in forecaster:
        if any(k in report.bundle.one_out_inferer_forecaster for report in reports.values()):
            rows[k] = average(
                lambda bundle, k=k: bundle.one_out_inferer_forecaster.get(k, {}),  # type: ignore[misc]
                list(inferer),
            )
    return ValueBundle(
        combined=_required(epoch, reports, "combined"),
        naive=_required(epoch, reports, "naive"),
        inferer=inferer,
        forecaster=forecaster,
        one_out_inferer=average(lambda bundle: bundle.one_out_inferer, list(inferer)),
        one_out_forecaster=average(lambda bundle: bundle.one_out_forecaster, list(forecaster)),
        one_in_forecaster=average(lambda bundle: bundle.one_in_forecaster, list(forecaster)),
        one_out_inferer_forecaster=rows,
    )


def _average(
    epoch: Epoch,
    reports: Mapping[str, Report],
    of: Callable[[ValueBundle], Losses],
    workers: list[str],
) -> dict[str, Decimal]:
    losses: dict[str, Decimal] = {}
    for worker in workers:
        reported = [
            (report.stake, of(report.bundle)[worker])
            for report in reports.values()
            if worker in of(report.bundle)
        ]
        if any(stake for stake, _ in reported):
            with located(epoch.topic_id, "network_losses", worker):
                losses[worker] = weighted_loss(reported)
    return losses


def _required(epoch: Epoch, reports: Mapping[str, Report], name: str) -> Decimal:
    reported: list[tuple[Decimal, Decimal]] = []
    for report in reports.values():
        loss = getattr(report.bundle, name)
        if loss is not None:
            reported.append((report.stake, loss))
    with located(epoch.topic_id, name):
        return weighted_loss(reported)

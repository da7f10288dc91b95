"""Network regrets: by how much a worker's loss was below the loss it is held against.

Whitepaper: R_il = alpha * (L_i - L_il) + (1 - alpha) * R_(i-1)l, with families for every inference
of the bundle: naive, one-out and one-in passes have regrets of their own.

Sources: allora-chain v0.6 and later,
``x/emissions/keeper/inference_synthesis/network_regrets.go`` and ``x/emissions/keeper/keeper.go``;
synthesis, sections 7 and 8.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from allora_core.epoch import Epoch, Params, State, ValueBundle
from allora_core.reference.faults import located
from allora_core.reference.number import (
    ONE,
    ZERO,
    add,
    multiply,
    quotient,
    subtract,
)
from allora_core.reference.rules import Rules
from allora_core.reference.statistics import (
    ema,
    median_absolute_deviation,
    quantile,
    standard_deviation,
)
from allora_core.reference.weight import MAD_FACTOR

__all__ = ["experienced_regrets", "topic_initial_regret", "updated_regrets"]

Table = dict[str, dict[str, Decimal]]
_FIXED_C = Decimal("0.75")


class _Update:
    """The exponential moving averages of one epoch, all against one initial regret."""

    def __init__(self, epoch: Epoch, initial_regret: Decimal) -> None:
        self.topic_id = epoch.topic_id
        self.alpha = epoch.params.alpha_regret
        self.initial_regret = initial_regret

    def row(
        self,
        field: str,
        stored: Mapping[str, Decimal],
        loss: Decimal,
        losses: Mapping[str, Decimal],
    ) -> dict[str, Decimal]:
        """Return stored regrets with those of ``losses`` averaged with loss - loss of worker."""
        regrets = dict(stored)
        for worker, own in losses.items():
            with located(self.topic_id, field, worker):
                previous = stored.get(worker, self.initial_regret)
                regrets[worker] = ema(self.alpha, subtract(loss, own), previous)
        return regrets

    def table(
        self,
        field: str,
        stored: Mapping[str, Mapping[str, Decimal]],
        outer: Mapping[str, Decimal],
        losses: Mapping[str, Decimal],
    ) -> Table:
        """Return a family of pairs: for every withheld worker of ``outer`` a row of ``losses``."""
        regrets = {withheld: dict(row) for withheld, row in stored.items()}
        for withheld, loss in outer.items() if losses else ():
            regrets[withheld] = self.row(field, stored.get(withheld, {}), loss, losses)
        return regrets


def updated_regrets(
    epoch: Epoch, state: State, losses: ValueBundle, initial_regret: Decimal, rules: Rules
) -> State:
    """Return the state with every regret family averaged with this epoch's losses.

    Only workers with a loss in this epoch move; everybody else's regrets stay as they are.
    """
    update = _Update(epoch, initial_regret)
    combined = ZERO if losses.combined is None else losses.combined
    naive = ZERO if losses.naive is None else losses.naive
    row, table = update.row, update.table
    return replace(
        state,
        inferer_regret=row("inferer_regret", state.inferer_regret, combined, losses.inferer),
        forecaster_regret=row(
            "forecaster_regret", state.forecaster_regret, combined, losses.forecaster
        ),
        naive_inferer_regret=row(
            "naive_inferer_regret", state.naive_inferer_regret, naive, losses.inferer
        ),
        one_out_inferer_inferer_regret=table(
            "one_out_inferer_inferer_regret",
            state.one_out_inferer_inferer_regret,
            losses.one_out_inferer,
            losses.inferer,
        ),
        one_out_inferer_forecaster_regret=_one_out_inferer_forecaster(update, state, losses, rules),
        one_out_forecaster_inferer_regret=table(
            "one_out_forecaster_inferer_regret",
            state.one_out_forecaster_inferer_regret,
            losses.one_out_forecaster,
            losses.inferer,
        ),
        one_out_forecaster_forecaster_regret=table(
            "one_out_forecaster_forecaster_regret",
            state.one_out_forecaster_forecaster_regret,
            losses.one_out_forecaster,
            losses.forecaster,
        ),
        one_in_forecaster_regret=_one_in_forecaster(update, state, losses),
    )


def _one_out_inferer_forecaster(
    update: _Update, state: State, losses: ValueBundle, rules: Rules
) -> Table:
    """Return regrets of forecaster k in the pass without inferer w: l_oo[w] - l_ooif[k][w].

    A loss that nobody reported inside an existing row counts as 0 or leaves the regret untouched,
    by rule; forecasters without a row are not touched.
    """
    stored = state.one_out_inferer_forecaster_regret
    regrets = {w: dict(row) for w, row in stored.items()}
    for w, loss in losses.one_out_inferer.items():
        own: dict[str, Decimal] = {}
        for k, row in losses.one_out_inferer_forecaster.items():
            if w in row:
                own[k] = row[w]
            elif rules.missing_one_out_pair == "zero":
                own[k] = ZERO
        if own:
            field = "one_out_inferer_forecaster_regret"
            regrets[w] = update.row(field, stored.get(w, {}), loss, own)
    return regrets


def _one_in_forecaster(update: _Update, state: State, losses: ValueBundle) -> Table:
    """Return one-in regrets: l_oi[q] - l_j for inferers, then l_oi[q] - l_q for q itself.

    Both share one table: where q infers as well, its entry is averaged twice, the second time
    starting from the fresh value.
    """
    field = "one_in_forecaster_regret"
    outer = losses.one_in_forecaster
    regrets = update.table(field, state.one_in_forecaster_regret, outer, losses.inferer)
    for q, loss in outer.items():
        itself = {q: losses.forecaster[q]}
        regrets[q] = update.row(field, regrets.get(q, {}), loss, itself)
    return regrets


def experienced_regrets(
    before: State, after: State, losses: ValueBundle, params: Params
) -> list[Decimal]:
    """Return the new regrets of workers who had one before and 1/alpha inclusions or more."""
    required = quotient(ONE, params.alpha_regret)
    inferer = [
        after.inferer_regret[j]
        for j in losses.inferer
        if j in before.inferer_regret and before.inferer_inclusions.get(j, 0) >= required
    ]
    forecaster = [
        after.forecaster_regret[k]
        for k in losses.forecaster
        if k in before.forecaster_regret and before.forecaster_inclusions.get(k, 0) >= required
    ]
    return inferer + forecaster


def topic_initial_regret(
    experienced: Sequence[Decimal], everyone: Sequence[Decimal], params: Params, rules: Rules
) -> Decimal | None:
    """Return the topic's new initial regret, ``None`` where it stays.

    R0 = Q + (c - 8.25/p) * (sigma + epsilon), Q a quantile of the experienced regrets. Since v0.7
    too few experienced workers give Q over all regrets of this epoch, without offset.
    """
    if rules.initial_regret == "held":
        return None
    q = params.initial_regret_quantile
    enough = params.min_experienced_worker_regrets
    if rules.initial_regret == "minimum_experienced" and len(experienced) < enough:
        return quantile(everyone, q) if everyone and len(everyone) >= enough else None
    if not experienced:
        return None
    if rules.initial_regret_deviation == "median_absolute_deviation":
        deviation = multiply(MAD_FACTOR, median_absolute_deviation(experienced)[0])
    else:
        deviation = standard_deviation(experienced)
    c = _FIXED_C if rules.initial_regret_c == "fixed" else params.c_norm
    offset = subtract(c, quotient(params.p_norm_safe_div, params.p_norm))
    return add(quantile(experienced, q), multiply(offset, add(deviation, params.epsilon)))

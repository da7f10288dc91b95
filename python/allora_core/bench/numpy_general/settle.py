"""``settle`` of a batch: network losses, regrets, initial regret, regret scale, stored weights.

Source: synthesis, sections 6 to 8.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..arrays import Float64, Index, Layout
from ..numpy_sums import chunks
from .carried import CarriedStates, Slots, located
from .infer import in_force, topics_in
from .padded import PaddedEpochs
from .synthesis import pairs
from .weights import Mask, deviation_scale, masked_quantile, weigh

__all__ = ["Settled", "settle"]

INITIAL_REGRET_C = 0.75


@dataclass(frozen=True, slots=True)
class Settled:
    """Network losses of T topics, and their states afterwards.

    Attributes:
        network_losses: (T, width) in the slots of `Layout`, NaN where there is none.
        states: after the epoch; a topic without losses to settle keeps its own.
    """

    network_losses: Float64
    states: CarriedStates


def settle(epoch: PaddedEpochs, states: CarriedStates, chunk_bytes: int) -> Settled:
    """Network losses and states of a batch."""
    before = states.with_newcomers(epoch)
    slots, layout = before.slots(epoch.inferer, epoch.forecaster), epoch.layout
    initial, known = in_force(epoch, before), pairs(layout)
    losses = np.empty((epoch.topics, layout.width))
    # A roster beyond the epoch's actors keeps the regrets of those who are absent.
    stored = np.empty_like(before.regrets) if slots.same else before.regrets.copy()
    after = replace(before, regrets=stored)
    combined = np.empty((epoch.topics, layout.workers))
    settled_before = np.empty(combined.shape, dtype=np.bool_)
    twin, both = located(epoch.inferer, epoch.forecaster)
    for chunk in chunks(epoch.topics, topics_in(chunk_bytes, layout)):
        part, rows = epoch.take(chunk), losses[chunk]
        has_row = network_losses(part, rows)
        old = before.read_regrets(slots, chunk)
        new = stored[chunk] if slots.same else np.empty_like(old)
        moved = moves(layout, rows, has_row)
        average(part.params["alpha_regret"], initial[chunk], moved, old, new, known)
        if both[chunk].any():
            average_own(part, initial[chunk], rows, new, twin[chunk], both[chunk])
        np.copyto(combined[chunk], new[:, 0])
        np.isfinite(old[:, 0], out=settled_before[chunk])
        if not slots.same:
            after.write_regrets(slots, chunk, new)
    np.copyto(combined, np.nan, where=np.isnan(losses[:, layout.worker]))
    after.share_one_in_regrets()
    return Settled(losses, advanced(epoch, after, slots, initial, losses, combined, settled_before))


def network_losses(epoch: PaddedEpochs, out: Float64) -> Mask:
    """Stake-weighted means of what is reported; a topic that does not settle has none.

    Args:
        epoch: a chunk.
        out: (t, width) where the losses go.

    Returns:
        (t, F) forecasters of whom somebody reported the inference without some inferer.
    """
    layout, stakes, reports = epoch.layout, epoch.stakes[:, None], epoch.reports
    missing = np.isnan(reports)
    reported = not missing.any()
    if reported:
        denominator = stakes.sum(axis=-1)
        has_row: Mask = np.ones((epoch.topics, layout.forecasters), dtype=np.bool_)
    else:
        reports = np.where(missing, 0.0, reports)
        denominator = np.matmul(stakes, ~missing)[:, 0]
        given = ~missing[..., layout.withheld]
        shape = (*given.shape[:2], layout.inferers, layout.forecasters)
        has_row = np.asarray(given.reshape(shape).any(axis=(1, 2)))
    np.matmul(stakes, reports, out=out[:, None])
    out /= denominator
    if reported and (denominator > 0.0).all():
        return has_row
    lost = np.isnan(out)
    inferer, forecaster = lost[:, layout.inferer], lost[:, layout.forecaster]
    lost[:, layout.one_out_inferer] |= inferer
    lost[:, layout.one_out_forecaster] |= forecaster
    lost[:, layout.one_in_forecaster] |= forecaster
    pair = inferer[:, :, None] | forecaster[:, None, :]
    lost[:, layout.withheld] |= pair.reshape(lost[:, layout.withheld].shape)
    unsettled = lost[:, :2].any(axis=-1) | lost[:, layout.worker].all(axis=-1)
    np.logical_or(lost, np.asarray(unsettled)[:, None], out=lost)
    np.copyto(out, np.nan, where=lost)
    has_row &= ~lost[:, layout.forecaster]
    return has_row


def moves(layout: Layout, losses: Float64, has_row: Mask) -> Float64:
    """(t, P, W) loss of the pass less that of the worker, NaN where one is missing."""
    moved = losses[:, : layout.rows, None] - losses[:, None, layout.worker]
    passes = losses[:, layout.one_out_inferer, None]
    withheld = losses[:, layout.withheld].reshape(len(losses), layout.inferers, layout.forecasters)
    lost = np.isnan(withheld)
    if lost.any():
        # A pair that nobody reported counts as the loss 0 where its forecaster has a row.
        withheld = np.where(lost & has_row[:, None], 0.0, withheld)
    np.subtract(passes, withheld, out=moved[:, layout.one_out_inferer, layout.inferers :])
    return moved


def average(
    alpha: Float64, initial: Float64, moved: Float64, old: Float64, new: Float64, known: Mask
) -> None:
    """R' = alpha move + (1 - alpha) R into `new`; what does not move stays as it is.

    Args:
        alpha, initial: (t,) smoothing, and the regret that was never stored.
        moved: of `moves`; changed.
        old, new: (t, P, W) regrets before and after.
        known: of `pairs`.
    """
    missing = np.isnan(old)
    newcomers = bool((missing & known).any())
    before = np.where(missing, initial[:, None, None], old) if newcomers else old
    np.multiply(before, (1.0 - alpha)[:, None, None], out=new)
    moved *= alpha[:, None, None]
    new += moved
    still = np.isnan(moved)
    if newcomers or still.any():
        np.copyto(new, old, where=still | ~known)


def average_own(
    epoch: PaddedEpochs, initial: Float64, losses: Float64, new: Float64, twin: Index, both: Mask
) -> None:
    """One-in regrets of forecasters who infer: averaged as inferers, and from there once more."""
    layout = epoch.layout
    topic, forecaster = np.nonzero(both)
    inferer = twin[topic, forecaster]
    row = layout.one_in_forecaster.start + forecaster
    fresh = new[topic, row, inferer]
    alpha = epoch.params["alpha_regret"][topic]
    own = layout.inferers + forecaster
    loss = losses[topic, row] - losses[topic, layout.rows + own]
    base = np.where(np.isnan(fresh), initial[topic], fresh)
    regret = np.where(np.isnan(loss), fresh, alpha * loss + (1.0 - alpha) * base)
    new[topic, row, inferer] = regret
    new[topic, row, own] = regret


def advanced(
    epoch: PaddedEpochs,
    after: CarriedStates,
    slots: Slots,
    initial: Float64,
    losses: Float64,
    combined: Float64,
    settled_before: Mask,
) -> CarriedStates:
    """The states with initial regret, scale, stored weights and the combined loss of the epoch.

    Args:
        combined: (T, W) new regrets of the combined pass, NaN where there is no loss.
        settled_before: (T, W) who had such a regret before.
    """
    params, present = epoch.params, ~np.isnan(combined)
    settles = ~np.isnan(losses[:, 0])
    scale = deviation_scale(combined, present, params["epsilon"])
    exponent = np.where(present, combined * (params["p_norm"] / scale)[:, None], -np.inf)
    weigh(exponent, (params["p_norm"] * params["c_norm"])[:, None])
    exponent /= exponent.sum(axis=-1, keepdims=True)
    inclusions = after.read_workers("inclusions", slots)
    required = 1.0 / params["alpha_regret"]
    experienced = present & settled_before & (inclusions >= required[:, None])
    regret = initial_regret(epoch, initial, combined, present, experienced)
    weights = after.weights.copy()
    topic, worker = np.nonzero(present)
    weights[topic, slots.column[topic, worker]] = exponent[topic, worker]
    return replace(
        after,
        weights=weights,
        initial_regret=np.where(settles, regret, after.initial_regret),
        regret_scale=np.where(settles, scale, after.regret_scale),
        previous_combined_loss=np.where(settles, losses[:, 0], after.previous_combined_loss),
    )


def initial_regret(
    epoch: PaddedEpochs, initial: Float64, combined: Float64, present: Mask, experienced: Mask
) -> Float64:
    """(T,) R0 = Q + (0.75 - 8.25/p) D of the experienced; Q of everybody where they are few."""
    params = epoch.params
    count, everybody = experienced.sum(axis=-1), present.sum(axis=-1)
    enough = params["min_experienced_worker_regrets"]
    q = params["initial_regret_quantile"]
    whole = (count >= enough) & (count > 0)
    spread = sample_deviation(combined, experienced) + params["epsilon"]
    offset = INITIAL_REGRET_C - params["p_norm_safe_div"] / params["p_norm"]
    chosen = np.where(whole[:, None], experienced, present)
    quantile = masked_quantile(combined, chosen, q)
    regret = quantile + np.where(whole, offset * spread, 0.0)
    known: Float64 = np.where(whole | ((everybody >= enough) & (everybody > 0)), regret, initial)
    return known


def sample_deviation(values: Float64, present: Mask) -> Float64:
    """(T,) deviations of the present entries with n - 1; 0 of fewer than two."""
    count = present.sum(axis=-1)
    kept = np.where(present, values, 0.0)
    mean = kept.sum(axis=-1) / np.maximum(count, 1)
    kept -= mean[:, None]
    np.copyto(kept, 0.0, where=~present)
    squares = np.einsum("tw,tw->t", kept, kept)
    deviation: Float64 = np.sqrt(squares / np.maximum(count - 1, 1))
    return deviation

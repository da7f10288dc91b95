"""``settle``: everything that the network computes when a reputer nonce closes.

Order: network losses, regrets, initial regret, regret scale, stored weights. Scores and rewards
follow elsewhere.

Sources: allora-chain v0.6 and later, ``x/emissions/keeper/actor_utils/losses.go``; synthesis,
sections 6 to 8.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from allora_core.epoch import Epoch, Settled, State, TopicError, ValueBundle
from allora_core.reference.faults import located
from allora_core.reference.infer import initial_regret_of
from allora_core.reference.network_loss import accepted_reports, network_losses
from allora_core.reference.number import ZERO
from allora_core.reference.regret import (
    experienced_regrets,
    topic_initial_regret,
    updated_regrets,
)
from allora_core.reference.rules import Rules
from allora_core.reference.weight import normalized, regret_scale, weights

__all__ = ["settle"]


def settle(epoch: Epoch, state: State, rules: Rules) -> Settled:
    """Compute network losses and the state after an epoch from its reports.

    Raises:
        TopicError: the reports are not valid input, or a number has no result on the network.
    """
    if epoch.topic_id != state.topic_id:
        raise TopicError(epoch.topic_id, "", "state", "wrong_topic", str(state.topic_id))
    losses = network_losses(epoch, accepted_reports(epoch, rules))
    # One initial regret for all families: the one from before this epoch's update.
    r0 = initial_regret_of(epoch, state)
    before = replace(state, initial_regret=r0)
    after = updated_regrets(epoch, before, losses, r0, rules)
    after = replace(after, previous_combined_loss=losses.combined)
    after = _with_initial_regret(epoch, before, after, losses, rules)
    after = _with_scale_and_weights(epoch, before, after, losses, rules)
    return Settled(losses, after)


def _with_initial_regret(
    epoch: Epoch, before: State, after: State, losses: ValueBundle, rules: Rules
) -> State:
    if rules.initial_regret == "held":
        return after
    everyone = [after.inferer_regret[j] for j in losses.inferer]
    everyone += [after.forecaster_regret[k] for k in losses.forecaster]
    with located(epoch.topic_id, "initial_regret"):
        experienced = experienced_regrets(before, after, losses, epoch.params)
        r0 = topic_initial_regret(experienced, everyone, epoch.params, rules)
    return after if r0 is None else replace(after, initial_regret=r0)


def _with_scale_and_weights(
    epoch: Epoch, before: State, after: State, losses: ValueBundle, rules: Rules
) -> State:
    """Store the scale of the new regrets, then the weights that they have under it."""
    inferer = {j: after.inferer_regret[j] for j in losses.inferer}
    forecaster = {k: after.forecaster_regret[k] for k in losses.forecaster}
    if rules.scale_storage == "stored":
        with located(epoch.topic_id, "regret_scale"):
            regrets = _scale_regrets(epoch, before, inferer, forecaster, rules)
            after = replace(after, regret_scale=regret_scale(regrets, epoch.params, rules))
    if rules.stored_weights == "absent":
        return after
    with located(epoch.topic_id, "stored_weights"):
        raw = weights(
            list(inferer),
            list(forecaster),
            inferer,
            forecaster,
            after.regret_scale,
            epoch.params,
            rules,
        )
        by_inferer, by_forecaster = normalized(raw)
    # An absent worker keeps its weight: it is the "previous" one when the worker returns.
    return replace(
        after,
        inferer_weight={**before.inferer_weight, **by_inferer},
        forecaster_weight={**before.forecaster_weight, **by_forecaster},
    )


def _scale_regrets(
    epoch: Epoch,
    before: State,
    inferer: dict[str, Decimal],
    forecaster: dict[str, Decimal],
    rules: Rules,
) -> list[Decimal]:
    """Choose the regrets that enter the scale; a newcomer's previous weight is 0."""
    everyone = [*inferer.values(), *forecaster.values()]
    if rules.scale_filter == "all":
        return everyone
    bound = epoch.params.min_weight_threshold_for_stdnorm
    relevant = [r for j, r in inferer.items() if before.inferer_weight.get(j, ZERO) > bound]
    relevant += [r for k, r in forecaster.items() if before.forecaster_weight.get(k, ZERO) > bound]
    return relevant if len(relevant) > 1 else everyone

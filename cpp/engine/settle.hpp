// settle: one topic at the close of a reputer nonce. Network losses, regrets, then what the next
// epoch starts from. A fault leaves the state as it was.
// allora-chain v0.6 and v0.17, x/emissions/keeper/actor_utils/losses.go.
#pragma once

#include "../formula/closing.hpp"

namespace allora {

template <class Real>
struct SettleScratch {
    TopicState<Real> next;
    WeightScratch<Real> weight;
};

template <class Real>
bool fail(TopicSettlement<Real>& out, Cause cause, const char* field) {
    if (cause == Cause::none) {
        return false;
    }
    out.status = {cause, field, -1, ""};
    return true;
}

template <class Real>
bool update_regrets(const Rules& rules, const TopicEpoch<Real>& epoch,
                    const TopicState<Real>& state, TopicState<Real>& next,
                    TopicSettlement<Real>& out) {
    RegretUpdate<Real> step{
        epoch, out.network_losses, {epoch.inferers, epoch.forecasters}, state.initial_regret};
    update_single_regrets(step, next);
    update_one_out_inferer_regrets(rules, step, next);
    update_one_out_forecaster_regrets(step, next);
    update_one_in_regrets(step, next);
    return !fail(out, step.cause, step.field);
}

template <class Real>
void settle_topic(const Rules& rules, const TopicEpoch<Real>& epoch, TopicState<Real>& state,
                  SettleScratch<Real>& scratch, TopicSettlement<Real>& out) {
    network_losses(epoch, out);
    if (!out.status.ok()) {
        return;
    }
    TopicState<Real>& next = scratch.next;
    next = state;
    if (!update_regrets(rules, epoch, state, next, out)) {
        return;
    }
    next.previous_combined_loss = out.network_losses[0];
    const Updated<Real> updated = collect_updated(epoch, out.network_losses, state, next);
    if (updated.regrets.empty() && rules.stored_weights == Presence::present) {
        fail(out, Cause::no_regret, "weights");
        return;
    }
    if (!updated.regrets.empty()) {
        next.initial_regret =
            next_initial_regret(rules, epoch.params, updated, state.initial_regret, scratch.weight);
        if (fail(out, Number<Real>::fault(next.initial_regret), "initial_regret")) {
            return;
        }
        if (rules.scale_storage == ScaleStorage::stored) {
            next.regret_scale = next_regret_scale(rules, epoch.params, updated, scratch.weight);
            if (fail(out, Number<Real>::fault(next.regret_scale), "regret_scale")) {
                return;
            }
        }
        if (rules.stored_weights == Presence::present &&
            fail(out, store_weights(rules, epoch.params, updated, scratch.weight, next),
                 "weights")) {
            return;
        }
    }
    std::swap(state, next);
}

} // namespace allora

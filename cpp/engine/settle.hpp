// settle: one topic at the close of a reputer nonce. Network losses, regrets, then what the next
// epoch starts from. A fault leaves the state half settled: it is not to be stored.
// allora-chain v0.6 and v0.17, x/emissions/keeper/actor_utils/losses.go.
#pragma once

#include "../formula/closing.hpp"

namespace allora {

template <class Real>
struct SettleScratch {
    List<Real> inferer_regret, forecaster_regret; // before the epoch
    Updated<Real> updated;
    ClosingScratch<Real> closing;
};

template <class Real>
ALLORA_HD bool fail(TopicSettlement<Real>& out, Cause cause, const char* field) {
    if (cause == Cause::none) {
        return false;
    }
    out.status = {cause, field, -1, ""};
    return true;
}

template <class Real>
ALLORA_HD bool update_regrets(const Rules& rules, const TopicEpoch<Real>& epoch,
                              TopicState<Real>& state, TopicSettlement<Real>& out) {
    RegretUpdate<Real> step{
        epoch, out.network_losses, {epoch.inferers, epoch.forecasters}, state.initial_regret};
    update_single_regrets(step, state);
    update_one_out_inferer_regrets(rules, step, state);
    update_one_out_forecaster_regrets(step, state);
    update_one_in_regrets(step, state);
    return !fail(out, step.cause, step.field);
}

template <class Real>
ALLORA_HD void settle_topic(const Rules& rules, const TopicEpoch<Real>& epoch,
                            TopicState<Real>& state, SettleScratch<Real>& scratch,
                            TopicSettlement<Real>& out) {
    network_losses(epoch, out);
    if (!out.status.ok()) {
        return;
    }
    scratch.inferer_regret = state.inferer_regret;
    scratch.forecaster_regret = state.forecaster_regret;
    if (!update_regrets(rules, epoch, state, out)) {
        return;
    }
    state.previous_combined_loss = out.network_losses[0];
    Updated<Real>& updated = scratch.updated;
    collect_updated(epoch, out.network_losses, scratch.inferer_regret, scratch.forecaster_regret,
                    state, updated);
    if (updated.regrets.empty()) {
        if (rules.stored_weights == Presence::present) {
            fail(out, Cause::no_regret, "weights");
        }
        return;
    }
    state.initial_regret =
        next_initial_regret(rules, epoch.params, updated, state.initial_regret, scratch.closing);
    if (fail(out, Number<Real>::fault(state.initial_regret), "initial_regret")) {
        return;
    }
    if (rules.scale_storage == ScaleStorage::stored) {
        state.regret_scale = next_regret_scale(rules, epoch.params, updated, scratch.closing);
        if (fail(out, Number<Real>::fault(state.regret_scale), "regret_scale")) {
            return;
        }
    }
    if (rules.stored_weights == Presence::present) {
        fail(out, store_weights(rules, epoch.params, updated, scratch.closing, state), "weights");
    }
}

} // namespace allora

// Regrets of all families: R_i = alpha (L - L_i) + (1 - alpha) R_(i-1).
// allora-chain v0.6, x/emissions/keeper/inference_synthesis/network_regrets.go.
#pragma once

#include "../number/statistics.hpp"
#include "../protocol/rules.hpp"
#include "network_loss.hpp"

#include <vector>

namespace allora {

// One epoch's update: what every family shares.
template <class Real>
struct RegretUpdate {
    const TopicEpoch<Real>& epoch;
    const std::vector<Real>& losses;
    BundleLayout layout;
    Real initial_regret; // R0 before this epoch's own update
    Cause cause = Cause::none;
    const char* field = "";

    const Real& loss(std::int64_t slot) const { return losses[static_cast<std::size_t>(slot)]; }
    bool has(std::int64_t slot) const { return !Number<Real>::is_missing(loss(slot)); }

    // A newcomer's first update averages with the initial regret too.
    void update(const char* name, Real& regret, const Real& whole, const Real& part) {
        const Real& old = Number<Real>::is_missing(regret) ? initial_regret : regret;
        const Real next = ema(epoch.params.alpha_regret, whole - part, old, false);
        const Cause fault = Number<Real>::fault(next);
        if (fault != Cause::none && cause == Cause::none) {
            cause = fault;
            field = name;
        }
        regret = next;
    }
};

template <class Real>
void update_single_regrets(RegretUpdate<Real>& step, TopicState<Real>& state) {
    const BundleLayout& layout = step.layout;
    const Real& combined = step.loss(BundleLayout::combined());
    const Real& naive = step.loss(BundleLayout::naive());
    for (std::int32_t j = 0; j < step.epoch.inferers; ++j) {
        const auto at = static_cast<std::size_t>(j);
        if (step.has(layout.inferer(j))) {
            const Real& loss = step.loss(layout.inferer(j));
            step.update("inferer_regret", state.inferer_regret[at], combined, loss);
            step.update("naive_inferer_regret", state.naive_inferer_regret[at], naive, loss);
        }
    }
    for (std::int32_t k = 0; k < step.epoch.forecasters; ++k) {
        if (step.has(layout.forecaster(k))) {
            step.update("forecaster_regret", state.forecaster_regret[static_cast<std::size_t>(k)],
                        combined, step.loss(layout.forecaster(k)));
        }
    }
}

// Withheld inferer w: against every inferer's loss, and every forecaster's loss without w.
template <class Real>
void update_one_out_inferer_regrets(const Rules& rules, RegretUpdate<Real>& step,
                                    TopicState<Real>& state) {
    const BundleLayout& layout = step.layout;
    const Real zero = Number<Real>::from_int(0);
    std::vector<std::uint8_t> has_row(static_cast<std::size_t>(step.epoch.forecasters));
    for (std::int32_t k = 0; k < step.epoch.forecasters; ++k) {
        has_row[static_cast<std::size_t>(k)] =
            step.has(layout.forecaster(k)) && has_pair_row(step.epoch, k) ? 1 : 0;
    }
    for (std::int32_t w = 0; w < step.epoch.inferers; ++w) {
        if (!step.has(layout.one_out_inferer(w))) {
            continue;
        }
        const Real& without = step.loss(layout.one_out_inferer(w));
        Real* inferers = state.one_out_inferer_inferer_regret.data() +
                         static_cast<std::ptrdiff_t>(w) * step.epoch.inferers;
        Real* forecasters = state.one_out_inferer_forecaster_regret.data() +
                            static_cast<std::ptrdiff_t>(w) * step.epoch.forecasters;
        for (std::int32_t j = 0; j < step.epoch.inferers; ++j) {
            if (step.has(layout.inferer(j))) {
                step.update("one_out_inferer_inferer_regret", inferers[j], without,
                            step.loss(layout.inferer(j)));
            }
        }
        for (std::int32_t k = 0; k < step.epoch.forecasters; ++k) {
            const std::int64_t slot = layout.one_out_inferer_forecaster(k, w);
            const bool counts =
                step.has(slot) || rules.missing_one_out_pair == MissingOneOutPair::zero;
            if (has_row[static_cast<std::size_t>(k)] != 0 && counts) {
                step.update("one_out_inferer_forecaster_regret", forecasters[k], without,
                            step.has(slot) ? step.loss(slot) : zero);
            }
        }
    }
}

template <class Real>
void update_one_out_forecaster_regrets(RegretUpdate<Real>& step, TopicState<Real>& state) {
    const BundleLayout& layout = step.layout;
    for (std::int32_t q = 0; q < step.epoch.forecasters; ++q) {
        if (!step.has(layout.one_out_forecaster(q))) {
            continue;
        }
        const Real& without = step.loss(layout.one_out_forecaster(q));
        Real* inferers = state.one_out_forecaster_inferer_regret.data() +
                         static_cast<std::ptrdiff_t>(q) * step.epoch.inferers;
        Real* forecasters = state.one_out_forecaster_forecaster_regret.data() +
                            static_cast<std::ptrdiff_t>(q) * step.epoch.forecasters;
        for (std::int32_t j = 0; j < step.epoch.inferers; ++j) {
            if (step.has(layout.inferer(j))) {
                step.update("one_out_forecaster_inferer_regret", inferers[j], without,
                            step.loss(layout.inferer(j)));
            }
        }
        for (std::int32_t k = 0; k < step.epoch.forecasters; ++k) {
            if (step.has(layout.forecaster(k))) {
                step.update("one_out_forecaster_forecaster_regret", forecasters[k], without,
                            step.loss(layout.forecaster(k)));
            }
        }
    }
}

// Inferers first, then the forecaster itself: an actor of both roles has one entry, updated twice.
template <class Real>
void update_one_in_regrets(RegretUpdate<Real>& step, TopicState<Real>& state) {
    const BundleLayout& layout = step.layout;
    for (std::int32_t q = 0; q < step.epoch.forecasters; ++q) {
        if (!step.has(layout.one_in_forecaster(q))) {
            continue;
        }
        const Real& within = step.loss(layout.one_in_forecaster(q));
        Real* row = state.one_in_forecaster_regret.data() +
                    static_cast<std::ptrdiff_t>(q) * (step.epoch.inferers + 1);
        for (std::int32_t j = 0; j < step.epoch.inferers; ++j) {
            if (step.has(layout.inferer(j))) {
                step.update("one_in_forecaster_regret", row[j], within,
                            step.loss(layout.inferer(j)));
            }
        }
        if (step.has(layout.forecaster(q))) {
            const std::int32_t shared = step.epoch.shared[static_cast<std::size_t>(q)];
            step.update("one_in_forecaster_regret", row[shared >= 0 ? shared : step.epoch.inferers],
                        within, step.loss(layout.forecaster(q)));
        }
    }
}

} // namespace allora

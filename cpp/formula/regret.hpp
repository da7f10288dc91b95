// Regrets of all families: R_i = alpha (L - L_i) + (1 - alpha) R_(i-1).
// allora-chain v0.6, x/emissions/keeper/inference_synthesis/network_regrets.go.
#pragma once

#include "../number/statistics.hpp"
#include "../protocol/rules.hpp"
#include "network_loss.hpp"

#include <span>

namespace allora {

// R = alpha (L - L_i) + (1 - alpha) R for everyone whose loss is not missing. Returns the first
// fault. A newcomer's first update averages with the initial regret too.
template <class Real>
ALLORA_HD Cause update_averages(const Real& alpha, const Real& whole, const Real& initial,
                                std::span<const Real> parts, Real* averages) {
    Cause cause = Cause::none;
    for (std::size_t i = 0; i < parts.size(); ++i) {
        if (Number<Real>::is_missing(parts[i])) {
            continue;
        }
        const Real& old = Number<Real>::is_missing(averages[i]) ? initial : averages[i];
        averages[i] = ema(alpha, whole - parts[i], old, false);
        if (cause == Cause::none) {
            cause = Number<Real>::fault(averages[i]);
        }
    }
    return cause;
}

// The same bits, a vector at a time. Losses are finite here, so an overflow is all that can fail.
ALLORA_HD inline Cause update_averages(double alpha, double whole, double initial,
                                       std::span<const double> parts, double* averages) {
    if (one_at_a_time()) {
        return update_averages<double>(alpha, whole, initial, parts, averages);
    }
    const bool finite = float64::array_kernels().update_averages(
        {alpha, whole, initial, Number<double>::missing_bits}, parts.data(), averages,
        parts.size());
    return finite ? Cause::none : Cause::range;
}

// One epoch's update: what every family shares.
template <class Real>
struct RegretUpdate {
    const TopicEpoch<Real>& epoch;
    const List<Real>& losses;
    BundleLayout layout;
    Real initial_regret; // R0 before this epoch's own update
    Cause cause = Cause::none;
    const char* field = "";

    ALLORA_HD const Real& loss(std::int64_t slot) const {
        return losses[static_cast<std::size_t>(slot)];
    }
    ALLORA_HD bool has(std::int64_t slot) const { return !Number<Real>::is_missing(loss(slot)); }

    // Consecutive regrets, each against its own loss.
    ALLORA_HD void update(const char* name, Real* regrets, const Real& whole,
                          std::span<const Real> parts) {
        const Cause fault =
            update_averages(epoch.params.alpha_regret, whole, initial_regret, parts, regrets);
        if (fault != Cause::none && cause == Cause::none) {
            cause = fault;
            field = name;
        }
    }
    ALLORA_HD void update(const char* name, Real& regret, const Real& whole, const Real& part) {
        update(name, &regret, whole, std::span<const Real>(&part, 1));
    }
    ALLORA_HD std::span<const Real> inferer_losses() const {
        return std::span<const Real>(losses).subspan(static_cast<std::size_t>(layout.inferer(0)),
                                                     static_cast<std::size_t>(layout.inferers));
    }
    ALLORA_HD std::span<const Real> forecaster_losses() const {
        return std::span<const Real>(losses).subspan(static_cast<std::size_t>(layout.forecaster(0)),
                                                     static_cast<std::size_t>(layout.forecasters));
    }
};

template <class Real>
ALLORA_HD void update_single_regrets(RegretUpdate<Real>& step, TopicState<Real>& state) {
    const Real& combined = step.loss(BundleLayout::combined());
    const Real& naive = step.loss(BundleLayout::naive());
    step.update("inferer_regret", state.inferer_regret.data(), combined, step.inferer_losses());
    step.update("naive_inferer_regret", state.naive_inferer_regret.data(), naive,
                step.inferer_losses());
    step.update("forecaster_regret", state.forecaster_regret.data(), combined,
                step.forecaster_losses());
}

// Withheld inferer w: against every inferer's loss, and every forecaster's loss without w.
template <class Real>
ALLORA_HD void update_one_out_inferer_regrets(const Rules& rules, RegretUpdate<Real>& step,
                                              TopicState<Real>& state) {
    const BundleLayout& layout = step.layout;
    const Real zero = Number<Real>::from_int(0);
    List<Real> pairs(static_cast<std::size_t>(step.epoch.forecasters));
    List<std::uint8_t> has_row(static_cast<std::size_t>(step.epoch.forecasters));
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
        step.update("one_out_inferer_inferer_regret", inferers, without, step.inferer_losses());
        for (std::int32_t k = 0; k < step.epoch.forecasters; ++k) {
            const Real& loss = step.loss(layout.one_out_inferer_forecaster(k, w));
            const bool absent = Number<Real>::is_missing(loss);
            Real& pair = pairs[static_cast<std::size_t>(k)];
            pair = absent && rules.missing_one_out_pair == MissingOneOutPair::zero ? zero : loss;
            if (has_row[static_cast<std::size_t>(k)] == 0) {
                pair = Number<Real>::missing();
            }
        }
        step.update("one_out_inferer_forecaster_regret", forecasters, without,
                    std::span<const Real>(pairs));
    }
}

template <class Real>
ALLORA_HD void update_one_out_forecaster_regrets(RegretUpdate<Real>& step,
                                                 TopicState<Real>& state) {
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
        step.update("one_out_forecaster_inferer_regret", inferers, without, step.inferer_losses());
        step.update("one_out_forecaster_forecaster_regret", forecasters, without,
                    step.forecaster_losses());
    }
}

// Inferers first, then the forecaster itself: an actor of both roles has one entry, updated twice.
template <class Real>
ALLORA_HD void update_one_in_regrets(RegretUpdate<Real>& step, TopicState<Real>& state) {
    const BundleLayout& layout = step.layout;
    for (std::int32_t q = 0; q < step.epoch.forecasters; ++q) {
        if (!step.has(layout.one_in_forecaster(q))) {
            continue;
        }
        const Real& within = step.loss(layout.one_in_forecaster(q));
        Real* row = state.one_in_forecaster_regret.data() +
                    static_cast<std::ptrdiff_t>(q) * (step.epoch.inferers + 1);
        step.update("one_in_forecaster_regret", row, within, step.inferer_losses());
        if (step.has(layout.forecaster(q))) {
            const std::int32_t shared = step.epoch.shared[static_cast<std::size_t>(q)];
            step.update("one_in_forecaster_regret", row[shared >= 0 ? shared : step.epoch.inferers],
                        within, step.loss(layout.forecaster(q)));
        }
    }
}

} // namespace allora

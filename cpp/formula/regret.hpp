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

// Rows of regrets, `stride` numbers apart, each against its own whole and all against the same
// losses; a row without a whole stays.
template <class Real>
ALLORA_HD Cause update_rows(const Real& alpha, const Real& initial, std::span<const Real> wholes,
                            std::span<const Real> parts, Real* averages, std::size_t stride) {
    Cause first = Cause::none;
    for (std::size_t row = 0; row < wholes.size(); ++row) {
        if (Number<Real>::is_missing(wholes[row])) {
            continue;
        }
        const Cause cause =
            update_averages(alpha, wholes[row], initial, parts, averages + row * stride);
        first = first == Cause::none ? cause : first;
    }
    return first;
}

// The same bits, a vector at a time. Losses are finite here, so an overflow is all that can fail.
ALLORA_HD inline Cause update_rows(double alpha, double initial, std::span<const double> wholes,
                                   std::span<const double> parts, double* averages,
                                   std::size_t stride) {
    if (one_at_a_time()) {
        return update_rows<double>(alpha, initial, wholes, parts, averages, stride);
    }
    const bool finite = float64::array_kernels().update_rows(
        {alpha, initial, Number<double>::missing_bits},
        {wholes.data(), wholes.size(), parts.data(), parts.size(), stride}, averages);
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

    ALLORA_HD void note(const char* name, Cause fault) {
        if (fault != Cause::none && cause == Cause::none) {
            cause = fault;
            field = name;
        }
    }
    // Rows of regrets, a whole each, against the same losses.
    ALLORA_HD void update(const char* name, Real* regrets, std::size_t stride,
                          std::span<const Real> wholes, std::span<const Real> parts) {
        note(name, update_rows(epoch.params.alpha_regret, initial_regret, wholes, parts, regrets,
                               stride));
    }
    // One row.
    ALLORA_HD void update(const char* name, Real* regrets, const Real& whole,
                          std::span<const Real> parts) {
        update(name, regrets, parts.size(), std::span<const Real>(&whole, 1), parts);
    }
    ALLORA_HD std::span<const Real> losses_of(std::int64_t first, std::int64_t count) const {
        return std::span<const Real>(losses).subspan(static_cast<std::size_t>(first),
                                                     static_cast<std::size_t>(count));
    }
    ALLORA_HD std::span<const Real> inferer_losses() const {
        return losses_of(layout.inferer(0), layout.inferers);
    }
    ALLORA_HD std::span<const Real> forecaster_losses() const {
        return losses_of(layout.forecaster(0), layout.forecasters);
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

// The loss of forecaster k without inferer w, as it counts.
template <class Real>
ALLORA_HD Real pair_loss(const Rules& rules, const RegretUpdate<Real>& step,
                         const List<std::uint8_t>& has_row, std::int32_t k, std::int32_t w) {
    if (has_row[static_cast<std::size_t>(k)] == 0) {
        return Number<Real>::missing();
    }
    const Real& loss = step.loss(step.layout.one_out_inferer_forecaster(k, w));
    const bool as_zero =
        Number<Real>::is_missing(loss) && rules.missing_one_out_pair == MissingOneOutPair::zero;
    return as_zero ? Number<Real>::from_int(0) : loss;
}

template <class Real>
ALLORA_HD void update_pair_regrets(const Rules& rules, RegretUpdate<Real>& step,
                                   const List<std::uint8_t>& has_row, const char* name,
                                   Real* regrets) {
    const auto forecasters = static_cast<std::ptrdiff_t>(step.epoch.forecasters);
    List<Real> pairs(static_cast<std::size_t>(forecasters));
    for (std::int32_t w = 0; w < step.epoch.inferers; ++w) {
        for (std::int32_t k = 0; k < step.epoch.forecasters; ++k) {
            pairs[static_cast<std::size_t>(k)] = pair_loss(rules, step, has_row, k, w);
        }
        step.update(name, regrets + w * forecasters, step.loss(step.layout.one_out_inferer(w)),
                    std::span<const Real>(pairs));
    }
}

// The same bits, the rows of a few forecasters each as one.
ALLORA_HD inline void update_pair_regrets(const Rules& rules, RegretUpdate<double>& step,
                                          const List<std::uint8_t>& has_row, const char* name,
                                          double* regrets) {
    if (one_at_a_time()) {
        return update_pair_regrets<double>(rules, step, has_row, name, regrets);
    }
    List<double> wholes;
    List<double> pairs;
    const std::size_t count = has_row.size() * static_cast<std::size_t>(step.epoch.inferers);
    wholes.reserve(count);
    pairs.reserve(count);
    for (std::int32_t w = 0; w < step.epoch.inferers; ++w) {
        const double whole = step.loss(step.layout.one_out_inferer(w));
        for (std::int32_t k = 0; k < step.epoch.forecasters; ++k) {
            wholes.push_back(whole);
            pairs.push_back(pair_loss(rules, step, has_row, k, w));
        }
    }
    const bool finite = float64::array_kernels().update_averages(
        {step.epoch.params.alpha_regret, step.initial_regret, Number<double>::missing_bits},
        wholes.data(), pairs.data(), regrets, count);
    step.note(name, finite ? Cause::none : Cause::range);
}

// Withheld inferer w: against every inferer's loss, and every forecaster's loss without w.
template <class Real>
ALLORA_HD void update_one_out_inferer_regrets(const Rules& rules, RegretUpdate<Real>& step,
                                              TopicState<Real>& state) {
    const BundleLayout& layout = step.layout;
    List<std::uint8_t> has_row(static_cast<std::size_t>(step.epoch.forecasters));
    for (std::int32_t k = 0; k < step.epoch.forecasters; ++k) {
        has_row[static_cast<std::size_t>(k)] =
            step.has(layout.forecaster(k)) && has_pair_row(step.epoch, k) ? 1 : 0;
    }
    step.update("one_out_inferer_inferer_regret", state.one_out_inferer_inferer_regret.data(),
                static_cast<std::size_t>(layout.inferers),
                step.losses_of(layout.one_out_inferer(0), layout.inferers), step.inferer_losses());
    update_pair_regrets(rules, step, has_row, "one_out_inferer_forecaster_regret",
                        state.one_out_inferer_forecaster_regret.data());
}

template <class Real>
ALLORA_HD void update_one_out_forecaster_regrets(RegretUpdate<Real>& step,
                                                 TopicState<Real>& state) {
    const BundleLayout& layout = step.layout;
    const std::span<const Real> without =
        step.losses_of(layout.one_out_forecaster(0), layout.forecasters);
    step.update("one_out_forecaster_inferer_regret", state.one_out_forecaster_inferer_regret.data(),
                static_cast<std::size_t>(layout.inferers), without, step.inferer_losses());
    step.update("one_out_forecaster_forecaster_regret",
                state.one_out_forecaster_forecaster_regret.data(),
                static_cast<std::size_t>(layout.forecasters), without, step.forecaster_losses());
}

// Inferers first, then the forecaster itself: an actor of both roles has one entry, updated twice.
template <class Real>
ALLORA_HD void update_one_in_regrets(RegretUpdate<Real>& step, TopicState<Real>& state) {
    const BundleLayout& layout = step.layout;
    const std::size_t stride = static_cast<std::size_t>(layout.inferers) + 1;
    const std::span<const Real> within =
        step.losses_of(layout.one_in_forecaster(0), layout.forecasters);
    Real* regrets = state.one_in_forecaster_regret.data();
    step.update("one_in_forecaster_regret", regrets, stride, within, step.inferer_losses());
    for (std::int32_t q = 0; q < step.epoch.forecasters; ++q) {
        const std::int32_t shared = step.epoch.shared[static_cast<std::size_t>(q)];
        const auto own = static_cast<std::size_t>(shared >= 0 ? shared : step.epoch.inferers);
        step.update("one_in_forecaster_regret",
                    regrets + static_cast<std::size_t>(q) * stride + own,
                    within[static_cast<std::size_t>(q)],
                    step.forecaster_losses().subspan(static_cast<std::size_t>(q), 1));
    }
}

} // namespace allora

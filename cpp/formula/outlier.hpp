// The outlier-resistant inference: the topic's running median and deviation, and who stays.
// allora-chain v0.17, x/emissions/keeper (topic and worker keeper), actor_utils/worker.go.
#pragma once

#include "../number/statistics.hpp"
#include "../protocol/rules.hpp"
#include "../protocol/topic.hpp"

#include <span>

namespace allora {

// med = median of this nonce's inferences; mad its deviation, averaged from the second nonce on.
// Returns a fault; without inferences nothing changes.
template <class Real>
ALLORA_HD Cause update_outlier_state(const TopicEpoch<Real>& epoch, const List<Real>& inferences,
                                     TopicState<Real>& state, List<Real>& sorted) {
    if (inferences.empty()) {
        return Cause::none;
    }
    sorted.resize(inferences.size());
    const MedianDeviation<Real> now =
        median_absolute_deviation(std::span<const Real>(inferences), std::span<Real>(sorted));
    Real& deviation = state.inference_median_absolute_deviation;
    deviation = ema(epoch.params.inference_outlier_detection_alpha, now.deviation, deviation,
                    Number<Real>::is_zero(deviation));
    state.inference_median = now.median;
    const Cause cause = Number<Real>::fault(deviation);
    return cause != Cause::none ? cause : Number<Real>::fault(state.inference_median);
}

// Kept: |x - med| <= threshold * mad; everyone while either is 0. Returns a fault.
template <class Real>
ALLORA_HD Cause keep_inferences(const TopicEpoch<Real>& epoch, const List<Real>& inferences,
                                const TopicState<Real>& state, List<std::uint8_t>& kept) {
    kept.assign(inferences.size(), 1);
    if (Number<Real>::is_zero(state.inference_median) ||
        Number<Real>::is_zero(state.inference_median_absolute_deviation)) {
        return Cause::none;
    }
    const Real bound = epoch.params.inference_outlier_detection_threshold *
                       state.inference_median_absolute_deviation;
    for (std::size_t j = 0; j < inferences.size(); ++j) {
        const Real distance = abs(inferences[j] - state.inference_median);
        if (const Cause cause = Number<Real>::fault(distance); cause != Cause::none) {
            return cause;
        }
        kept[j] = distance <= bound ? 1 : 0;
    }
    return Number<Real>::fault(bound);
}

// The epoch as if the others had not inferred: forecasts stay, their elements about them drop out.
template <class Real>
ALLORA_HD TopicEpoch<Real> without_outliers(const TopicEpoch<Real>& epoch,
                                            const List<std::uint8_t>& kept) {
    TopicEpoch<Real> rest = epoch;
    List<std::int32_t> position(kept.size(), -1);
    rest.inferences.clear();
    rest.inferers = 0;
    for (std::size_t j = 0; j < kept.size(); ++j) {
        if (kept[j] != 0) {
            position[j] = rest.inferers++;
            rest.inferences.push_back(epoch.inferences[j]);
        }
    }
    for (std::int32_t& inferer : rest.element_inferers) {
        inferer = inferer < 0 ? -1 : position[static_cast<std::size_t>(inferer)];
    }
    for (std::int32_t& shared : rest.shared) {
        shared = shared < 0 ? -1 : position[static_cast<std::size_t>(shared)];
    }
    return rest;
}

// The same choice of columns out of a row-major table.
template <class Real>
ALLORA_HD void keep_columns(List<Real>& table, const List<std::uint8_t>& kept,
                            std::size_t extra_columns) {
    const std::size_t columns = kept.size() + extra_columns;
    std::size_t out = 0;
    for (std::size_t i = 0; i < table.size(); ++i) {
        const std::size_t column = i % columns;
        if (column >= kept.size() || kept[column] != 0) {
            table[out++] = table[i];
        }
    }
    table.resize(out);
}

template <class Real>
ALLORA_HD void keep_rows(List<Real>& table, const List<std::uint8_t>& kept) {
    const std::size_t width = kept.empty() ? 0 : table.size() / kept.size();
    std::size_t out = 0;
    for (std::size_t i = 0; i < table.size(); ++i) {
        if (kept[i / width] != 0) {
            table[out++] = table[i];
        }
    }
    table.resize(out);
}

template <class Real>
ALLORA_HD TopicState<Real> state_without_outliers(const TopicEpoch<Real>& epoch,
                                                  const TopicState<Real>& state,
                                                  const List<std::uint8_t>& kept) {
    TopicState<Real> rest = state;
    // An inferer's own column may hide a forecaster's shared entry: it moves to the row's end.
    const auto width = static_cast<std::size_t>(epoch.inferers) + 1;
    for (std::size_t k = 0; k < epoch.shared.size(); ++k) {
        const std::int32_t shared = epoch.shared[k];
        if (shared >= 0 && kept[static_cast<std::size_t>(shared)] == 0) {
            rest.one_in_forecaster_regret[(k + 1) * width - 1] =
                state.one_in_forecaster_regret[k * width + static_cast<std::size_t>(shared)];
        }
    }
    keep_columns(rest.inferer_regret, kept, 0);
    keep_columns(rest.naive_inferer_regret, kept, 0);
    keep_columns(rest.one_out_inferer_inferer_regret, kept, 0);
    keep_rows(rest.one_out_inferer_inferer_regret, kept);
    keep_rows(rest.one_out_inferer_forecaster_regret, kept);
    keep_columns(rest.one_out_forecaster_inferer_regret, kept, 0);
    keep_columns(rest.one_in_forecaster_regret, kept, 1);
    return rest;
}

} // namespace allora

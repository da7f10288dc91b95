// The whole of infer for one topic: the network's inference, the outlier filter's numbers, and the
// outlier-resistant inference where the rules have one.
// allora-chain v0.17, x/emissions/keeper/actor_utils/worker.go.
#pragma once

#include "../formula/outlier.hpp"
#include "infer.hpp"

#include <algorithm>

namespace allora {

// What one topic's inference comes to.
template <class Real>
struct EpochInference {
    Status status;
    TopicInference<Real> network;
    TopicInference<Real> resistant; // where it is not the network's own
    bool has_resistant = false;
    bool resistant_differs = false;
    TopicInference<Real> rest; // over the inferers that the filter keeps
};

// A result over the kept inferers, spread over all of them.
template <class Real>
ALLORA_HD void spread(const TopicInference<Real>& rest, const TopicEpoch<Real>& epoch,
                      const List<std::uint8_t>& kept, TopicInference<Real>& all) {
    clear_results(epoch, all);
    all.branch = rest.branch;
    all.all_inferers_are_new = rest.all_inferers_are_new;
    all.regret_scale = rest.regret_scale;
    all.element_weight = rest.element_weight;
    all.forecaster_weight = rest.forecaster_weight;
    all.forecaster_regret_used = rest.forecaster_regret_used;
    all.normalized_forecaster_weight = rest.normalized_forecaster_weight;
    all.confidence_interval = rest.confidence_interval;
    List<std::int64_t> slots;
    slots.reserve(rest.values.size());
    slots.push_back(BundleLayout::combined());
    slots.push_back(BundleLayout::naive());
    const BundleLayout layout{epoch.inferers, epoch.forecasters};
    List<std::int32_t> inferers;
    for (std::size_t j = 0; j < kept.size(); ++j) {
        if (kept[j] != 0) {
            inferers.push_back(static_cast<std::int32_t>(j));
        }
    }
    for (std::size_t i = 0; i < inferers.size(); ++i) {
        const auto j = static_cast<std::size_t>(inferers[i]);
        all.inferer_weight[j] = rest.inferer_weight[i];
        all.inferer_regret_used[j] = rest.inferer_regret_used[i];
        all.normalized_inferer_weight[j] = rest.normalized_inferer_weight[i];
        slots.push_back(layout.inferer(inferers[i]));
    }
    for (std::int32_t k = 0; k < epoch.forecasters; ++k) {
        slots.push_back(layout.forecaster(k));
    }
    for (std::int32_t k = 0; k < epoch.forecasters; ++k) {
        for (const std::int32_t w : inferers) {
            slots.push_back(layout.one_out_inferer_forecaster(k, w));
        }
    }
    for (const std::int32_t w : inferers) {
        slots.push_back(layout.one_out_inferer(w));
    }
    for (std::int32_t q = 0; q < 2 * epoch.forecasters; ++q) {
        slots.push_back(layout.one_out_forecaster(q));
    }
    for (std::size_t slot = 0; slot < slots.size(); ++slot) {
        all.values[static_cast<std::size_t>(slots[slot])] = rest.values[slot];
    }
}

template <class Real>
ALLORA_HD Status resist_outliers(const Rules& rules, const TopicEpoch<Real>& epoch,
                                 TopicState<Real>& state, InferScratch<Real>& scratch,
                                 EpochInference<Real>& out) {
    const List<Real>& inferences = scratch.prepared.inferences;
    const Cause cause = update_outlier_state(epoch, inferences, state, scratch.pass[0].sorted);
    if (cause != Cause::none) {
        return {cause, "inference_median_absolute_deviation"};
    }
    List<std::uint8_t>& kept = scratch.kept;
    const Cause filtered = keep_inferences(epoch, inferences, state, kept);
    if (filtered != Cause::none) {
        return {filtered, "outlier_resistant"};
    }
    if (std::find(kept.begin(), kept.end(), 0) == kept.end()) {
        return {};
    }
    const TopicEpoch<Real> rest = without_outliers(epoch, kept);
    const TopicState<Real> rest_state = state_without_outliers(epoch, state, kept);
    infer_topic(rules, rest, rest_state, scratch, out.rest);
    if (!out.rest.status.ok()) {
        return {out.rest.status.cause, "outlier_resistant"};
    }
    out.resistant_differs = true;
    spread(out.rest, epoch, kept, out.resistant);
    return {};
}

// Of the state, the outlier filter's numbers change alone.
template <class Real, class Run = InOrder>
ALLORA_HD void infer_epoch(const Rules& rules, const TopicEpoch<Real>& epoch,
                           TopicState<Real>& state, InferScratch<Real>& scratch,
                           EpochInference<Real>& out, const Run& run = {}) {
    out.has_resistant = false;
    out.resistant_differs = false;
    infer_topic(rules, epoch, state, scratch, out.network, run);
    out.status = out.network.status;
    if (!out.status.ok()) {
        return;
    }
    const bool wanted = rules.outlier_resistant == OutlierResistant::present ||
                        rules.outlier_resistant == OutlierResistant::single_label;
    out.has_resistant = wanted && epoch.labels == 1;
    if (out.has_resistant) {
        out.status = resist_outliers(rules, epoch, state, scratch, out);
    }
}

} // namespace allora

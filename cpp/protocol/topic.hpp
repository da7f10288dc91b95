// One topic's part of an epoch, its state and its results: plain values over dense arrays in
// address order. Actors are indices here; addresses stay with the caller.
#pragma once

#include "../number/cause.hpp"
#include "../number/list.hpp"
#include "params.hpp"
#include "value_bundle.hpp"

#include <cstdint>

namespace allora {

// Where a topic failed: the entry is a slot of the value bundle, or an actor's index in its list.
struct Status {
    Cause cause = Cause::none;
    const char* field = "";
    std::int32_t actor = -1;
    const char* role = "";

    ALLORA_HD bool ok() const { return cause == Cause::none; }
};

// Inferers and forecasters are sorted by address and unique. `shared[k]` is the index of forecaster
// k among the inferers, or -1: one-in regrets of such an actor share one entry.
template <class Real>
struct TopicEpoch {
    std::int32_t inferers = 0;
    std::int32_t forecasters = 0;
    std::int32_t reputers = 0;
    std::int32_t labels = 1;
    List<std::int32_t> shared;
    List<Real> inferences;               // inferers x labels; missing takes the default value
    List<std::int32_t> element_offsets;  // forecasters + 1
    List<std::int32_t> element_inferers; // -1: an inferer without inference
    List<Real> element_losses;
    List<Real> stakes;  // reputers, base units
    List<Real> reports; // reputers x BundleLayout::width; missing: not reported
    // Of scores and rewards only.
    std::int64_t nonce = 0;
    List<Real> delegated; // of the stakes, base units
    Real reward;          // of the topic, base units
    Params<Real> params;
};

// The stored regrets, weights and counts of this epoch's participants; missing: never stored.
// The four one-out families are separate; the first index is the withheld actor.
template <class Real>
struct TopicState {
    Real initial_regret;
    Real regret_scale;
    Real previous_combined_loss; // missing: no loss bundle has closed
    Real inference_median;
    Real inference_median_absolute_deviation;
    List<Real> inferer_regret;
    List<Real> forecaster_regret;
    List<Real> naive_inferer_regret;
    List<Real> one_out_inferer_inferer_regret;       // inferers x inferers
    List<Real> one_out_inferer_forecaster_regret;    // inferers x forecasters
    List<Real> one_out_forecaster_inferer_regret;    // forecasters x inferers
    List<Real> one_out_forecaster_forecaster_regret; // forecasters x forecasters
    // forecasters x (inferers + 1): the last column is the forecaster's own entry, used only where
    // it is not an inferer too (`TopicEpoch::shared`).
    List<Real> one_in_forecaster_regret;
    List<Real> inferer_weight;
    List<Real> forecaster_weight;
    List<std::uint64_t> inferer_inclusions;
    List<std::uint64_t> forecaster_inclusions;
};

enum class Branch : std::uint8_t { weighted, median, no_previous_loss, single };

// `values` holds BundleLayout::width rows of `labels` numbers: inferers' slots are the inferences,
// forecasters' slots the forecast-implied inferences; missing: the chain gives no such entry.
template <class Real>
struct TopicInference {
    Status status;
    Branch branch = Branch::weighted;
    bool all_inferers_are_new = false;
    Real regret_scale; // of the combined call; missing where none was used
    List<Real> values;
    List<Real> inferer_weight; // of the combined call; missing: none
    List<Real> forecaster_weight;
    List<Real> inferer_regret_used;
    List<Real> forecaster_regret_used;
    List<Real> element_weight; // one per forecast element; missing: none
    List<Real> normalized_inferer_weight;
    List<Real> normalized_forecaster_weight;
    List<Real> confidence_interval; // 5 values, or none for several labels
};

template <class Real>
struct TopicSettlement {
    Status status;
    List<Real> network_losses; // BundleLayout::width; missing: not reported by anyone
};

} // namespace allora

// What all passes of one topic's inference share, and the buffers of one thread.
#pragma once

#include "../protocol/topic.hpp"
#include "weight.hpp"
#include "weighted_mean.hpp"

#include <algorithm>
#include <cstdint>

namespace allora {

template <class Real>
struct PassScratch {
    WeightScratch<Real> weight;
    List<Real> values;
    List<Real> sorted;
    List<Real> regrets;
    List<Real> weights;
    List<Real> element_regrets;
    List<Real> element_weights;
    List<Real> element_values; // labels x elements
    List<WeightedSums<Real>> element_sums;
    List<Real> element_means; // labels x elements: see SharedWeights
    List<Real> withheld_weights;
    List<std::int32_t> element_inferers;
    List<std::int32_t> elements;
    List<std::int32_t> element_of; // per inferer: see SharedWeights
    List<Real> cumulative;
};

// One value per label: most topics have one label, for which a call to copy it costs more than it.
template <class Real>
ALLORA_HD void copy_labels(const Real* value, std::int32_t labels, Real* to) {
    if (labels == 1) {
        *to = *value;
    } else {
        copy_entries(value, value + labels, to);
    }
}

template <class Real>
struct Prepared {
    std::int32_t inferers = 0;
    std::int32_t forecasters = 0; // 0 while no loss bundle has closed
    std::int32_t labels = 1;
    bool all_inferers_are_new = false;
    std::int32_t implied_count = 0;
    List<Real> inferences;       // inferers x labels, defaults filled in
    List<Real> implied;          // forecasters x labels
    List<Real> withheld_implied; // forecasters x inferers x labels; missing: no value
    // The one-out list of the bundle where it differs from the above; else empty.
    List<Real> listed_implied;
    List<std::uint8_t> has_implied;

    ALLORA_HD const Real& inference(std::int32_t j, std::int32_t l) const {
        return inferences[static_cast<std::size_t>(j) * static_cast<std::size_t>(labels) +
                          static_cast<std::size_t>(l)];
    }
    ALLORA_HD Real* implied_value(std::int32_t k) {
        return implied.data() + static_cast<std::ptrdiff_t>(k) * labels;
    }
    ALLORA_HD const Real* implied_value(std::int32_t k) const {
        return implied.data() + static_cast<std::ptrdiff_t>(k) * labels;
    }
    ALLORA_HD Real* withheld_value(std::int32_t k, std::int32_t w) {
        return withheld_implied.data() + (static_cast<std::ptrdiff_t>(k) * inferers + w) * labels;
    }
    ALLORA_HD Real* listed_value(std::int32_t k, std::int32_t w) {
        List<Real>& listed = listed_implied.empty() ? withheld_implied : listed_implied;
        return listed.data() + (static_cast<std::ptrdiff_t>(k) * inferers + w) * labels;
    }
    ALLORA_HD const Real* withheld_value(std::int32_t k, std::int32_t w) const {
        return withheld_implied.data() + (static_cast<std::ptrdiff_t>(k) * inferers + w) * labels;
    }
};

} // namespace allora

// What all passes of one topic's inference share, and the buffers of one thread.
#pragma once

#include "../protocol/topic.hpp"
#include "weight.hpp"
#include "weighted_mean.hpp"

#include <algorithm>
#include <cstdint>
#include <vector>

namespace allora {

template <class Real>
struct PassScratch {
    WeightScratch<Real> weight;
    std::vector<Real> values;
    std::vector<Real> sorted;
    std::vector<Real> regrets;
    std::vector<Real> weights;
    std::vector<Real> element_regrets;
    std::vector<Real> element_weights;
    std::vector<Real> element_values; // labels x elements
    std::vector<WeightedSums<Real>> element_sums;
    std::vector<Real> withheld_weights;
    std::vector<std::int32_t> element_inferers;
    std::vector<std::int32_t> elements;
    std::vector<std::int32_t> element_of; // per inferer: see SharedWeights
    std::vector<Real> cumulative;
};

// One value per label: most topics have one label, for which a call to copy it costs more than it.
template <class Real>
void copy_labels(const Real* value, std::int32_t labels, Real* to) {
    if (labels == 1) {
        *to = *value;
    } else {
        std::copy(value, value + labels, to);
    }
}

template <class Real>
struct Prepared {
    std::int32_t inferers = 0;
    std::int32_t forecasters = 0; // 0 while no loss bundle has closed
    std::int32_t labels = 1;
    bool all_inferers_are_new = false;
    std::int32_t implied_count = 0;
    std::vector<Real> inferences;       // inferers x labels, defaults filled in
    std::vector<Real> implied;          // forecasters x labels
    std::vector<Real> withheld_implied; // forecasters x inferers x labels; missing: no value
    // The one-out list of the bundle where it differs from the above; else empty.
    std::vector<Real> listed_implied;
    std::vector<std::uint8_t> has_implied;

    const Real& inference(std::int32_t j, std::int32_t l) const {
        return inferences[static_cast<std::size_t>(j) * static_cast<std::size_t>(labels) +
                          static_cast<std::size_t>(l)];
    }
    Real* implied_value(std::int32_t k) {
        return implied.data() + static_cast<std::ptrdiff_t>(k) * labels;
    }
    const Real* implied_value(std::int32_t k) const {
        return implied.data() + static_cast<std::ptrdiff_t>(k) * labels;
    }
    Real* withheld_value(std::int32_t k, std::int32_t w) {
        return withheld_implied.data() + (static_cast<std::ptrdiff_t>(k) * inferers + w) * labels;
    }
    Real* listed_value(std::int32_t k, std::int32_t w) {
        std::vector<Real>& listed = listed_implied.empty() ? withheld_implied : listed_implied;
        return listed.data() + (static_cast<std::ptrdiff_t>(k) * inferers + w) * labels;
    }
    const Real* withheld_value(std::int32_t k, std::int32_t w) const {
        return withheld_implied.data() + (static_cast<std::ptrdiff_t>(k) * inferers + w) * labels;
    }
};

} // namespace allora

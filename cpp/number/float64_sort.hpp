// Short lists of float64 in order, by their ranks: the order that a stable sort gives.
#pragma once

#include "arena.hpp"
#include "float64_array.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace allora::float64 {

// Values in ascending order, equal ones in the order in which they stood, and what belongs to them
// (none, or as many) with them. False, and nothing moved, for a long list or a NaN, and where
// numbers are taken one at a time.
ALLORA_HD inline bool sort_by_ranks(std::span<double> values, std::span<double> carried = {}) {
    if (one_at_a_time()) {
        return false;
    }
    std::array<std::uint64_t, most_ranked> rank;
    std::array<double, most_ranked> before;
    if (values.size() > most_ranked ||
        !array_kernels().ranks(values.data(), rank.data(), values.size())) {
        return false;
    }
    for (const std::span<double>& list : {values, carried}) {
        std::copy(list.begin(), list.end(), before.begin());
        for (std::size_t i = 0; i < list.size(); ++i) {
            list[rank[i]] = before[i];
        }
    }
    return true;
}

} // namespace allora::float64

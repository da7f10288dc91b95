// The weighted mean of values, sum(w x) / sum(w), and the sums behind it.
// allora-chain v0.17, x/emissions/keeper/inference_synthesis/weight.go.
#pragma once

#include "../number/decimal_real.hpp"
#include "../number/float64_array.hpp"
#include "../number/float64_real.hpp"
#include "../number/list.hpp"
#include "../protocol/params.hpp"

#include <array>
#include <cstddef>
#include <span>

namespace allora {

// Sums of one label. Exact numbers accumulate exactly, so order does not matter. float64 sums run
// in eight lanes, element i in lane i mod 8, so that one order serves every vector width and
// device.
template <class Real>
struct WeightedSums {
    Sum<Real> numerator;
    Sum<Real> denominator;
    std::size_t terms = 0;

    ALLORA_HD void add(std::size_t, const Real& weight, const Real& value) {
        numerator.add_product(weight, value);
        denominator.add(weight);
        ++terms;
    }
    // The term of a plain mean: no product, so no digit of a long value is cut.
    ALLORA_HD void add_plain(std::size_t, const Real& value) {
        numerator.add(value);
        denominator.add(Number<Real>::from_int(1));
    }
    ALLORA_HD bool is_zero() const { return denominator.is_zero(); }
    ALLORA_HD bool below(const Real& floor) const { return denominator.below(floor); }
    ALLORA_HD Real quotient() const { return numerator.quotient(denominator); }
    ALLORA_HD Real quotient(const Real& divisor) const {
        Sum<Real> sum;
        sum.add(divisor);
        return numerator.quotient(sum);
    }
};

ALLORA_HD inline double sum_of_lanes(const std::array<double, 8>& lane) {
    return ((lane[0] + lane[4]) + (lane[2] + lane[6])) +
           ((lane[1] + lane[5]) + (lane[3] + lane[7]));
}

template <>
struct WeightedSums<double> {
    std::array<double, 8> numerator{};
    std::array<double, 8> denominator{};
    std::size_t terms = 0;

    ALLORA_HD void add(std::size_t i, double weight, double value) {
        numerator[i % 8] += weight * value;
        denominator[i % 8] += weight;
        ++terms;
    }
    ALLORA_HD void add_plain(std::size_t i, double value) { add(i, 1.0, value); }
    ALLORA_HD bool is_zero() const { return sum_of_lanes(denominator) == 0.0; }
    ALLORA_HD bool below(double floor) const { return sum_of_lanes(denominator) < floor; }
    ALLORA_HD double quotient() const {
        return sum_of_lanes(numerator) / sum_of_lanes(denominator);
    }
    ALLORA_HD double quotient(double divisor) const { return sum_of_lanes(numerator) / divisor; }
};

// Entries without weight or value, or of weight 0, are skipped.
template <class Real>
ALLORA_HD bool is_weighed(const Real& weight, const Real& value) {
    return !Number<Real>::is_missing(weight) && !Number<Real>::is_missing(value) &&
           !Number<Real>::is_zero(weight);
}

template <class Real>
ALLORA_HD WeightedSums<Real> weighted_sums(std::span<const Real> weights,
                                           std::span<const Real> values) {
    WeightedSums<Real> sums;
    for (std::size_t i = 0; i < weights.size(); ++i) {
        if (is_weighed(weights[i], values[i])) {
            sums.add(i, weights[i], values[i]);
        }
    }
    return sums;
}

ALLORA_HD inline WeightedSums<double> weighted_sums(std::span<const double> weights,
                                                    std::span<const double> values) {
    if (one_at_a_time()) {
        return weighted_sums<double>(weights, values);
    }
    WeightedSums<double> sums;
    sums.terms = float64::array_kernels().weighted_lanes(
        weights.data(), values.data(), Number<double>::missing_bits, sums.numerator.data(),
        sums.denominator.data(), weights.size());
    return sums;
}

// The sums of a row that an array kernel weighed.
struct WeighedRow {
    const float64::RowSums& sums;
    std::size_t terms = sums.terms;

    ALLORA_HD bool below(double floor) const { return sums.denominator < floor; }
    ALLORA_HD double quotient() const { return sums.numerator / sums.denominator; }
    ALLORA_HD double quotient(double divisor) const { return sums.numerator / divisor; }
};

// The sums without entry e, `all` being those with it.
template <class Real>
ALLORA_HD WeightedSums<Real> sums_without(const WeightedSums<Real>&, std::span<const Real> weights,
                                          std::span<const Real> values, std::size_t e) {
    WeightedSums<Real> sums;
    for (std::size_t i = 0; i < weights.size(); ++i) {
        if (i != e && is_weighed(weights[i], values[i])) {
            sums.add(i, weights[i], values[i]);
        }
    }
    return sums;
}

// Only the lane of the entry is summed anew: the others have the same terms in the same order.
ALLORA_HD inline WeightedSums<double> sums_without(const WeightedSums<double>& all,
                                                   std::span<const double> weights,
                                                   std::span<const double> values, std::size_t e) {
    WeightedSums<double> sums = all;
    if (!is_weighed(weights[e], values[e])) {
        return sums;
    }
    --sums.terms;
    double numerator = 0.0;
    double denominator = 0.0;
    for (std::size_t i = e % 8; i < weights.size(); i += 8) {
        if (i != e && is_weighed(weights[i], values[i])) {
            numerator += weights[i] * values[i];
            denominator += weights[i];
        }
    }
    sums.numerator[e % 8] = numerator;
    sums.denominator[e % 8] = denominator;
    return sums;
}

// Appends the means without each of the entries, missing where the others' weights sum to 0; false:
// not done, the sums have to lose their terms one by one.
template <class Real>
ALLORA_HD bool append_means_without(std::span<const Real>, std::span<const Real>, List<Real>&) {
    return false;
}

ALLORA_HD inline bool append_means_without(std::span<const double> weights,
                                           std::span<const double> values, List<double>& means) {
    if (one_at_a_time()) {
        return false;
    }
    const std::size_t before = means.size();
    means.resize(before + weights.size());
    float64::array_kernels().means_without(weights.data(), values.data(),
                                           Number<double>::missing_bits, means.data() + before,
                                           weights.size());
    return true;
}

} // namespace allora

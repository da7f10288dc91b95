// The weighted mean of values, sum(w x) / sum(w), and the sums behind it.
// allora-chain v0.17, x/emissions/keeper/inference_synthesis/weight.go.
#pragma once

#include "../number/decimal_real.hpp"
#include "../number/float64_real.hpp"

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
    bool any = false;

    void add(std::size_t, const Real& weight, const Real& value) {
        numerator.add_product(weight, value);
        denominator.add(weight);
        any = true;
    }
    // The term of a plain mean: no product, so no digit of a long value is cut.
    void add_plain(std::size_t, const Real& value) {
        numerator.add(value);
        denominator.add(Number<Real>::from_int(1));
    }
    bool is_zero() const { return denominator.is_zero(); }
    bool below(const Real& floor) const { return denominator.below(floor); }
    Real quotient() const { return numerator.quotient(denominator); }
    Real quotient(const Real& divisor) const {
        Sum<Real> sum;
        sum.add(divisor);
        return numerator.quotient(sum);
    }
};

inline double sum_of_lanes(const std::array<double, 8>& lane) {
    return ((lane[0] + lane[4]) + (lane[2] + lane[6])) +
           ((lane[1] + lane[5]) + (lane[3] + lane[7]));
}

template <>
struct WeightedSums<double> {
    std::array<double, 8> numerator{};
    std::array<double, 8> denominator{};
    bool any = false;

    void add(std::size_t i, double weight, double value) {
        numerator[i % 8] += weight * value;
        denominator[i % 8] += weight;
        any = true;
    }
    void add_plain(std::size_t i, double value) { add(i, 1.0, value); }
    bool is_zero() const { return sum_of_lanes(denominator) == 0.0; }
    bool below(double floor) const { return sum_of_lanes(denominator) < floor; }
    double quotient() const { return sum_of_lanes(numerator) / sum_of_lanes(denominator); }
    double quotient(double divisor) const { return sum_of_lanes(numerator) / divisor; }
};

// Entries without weight or value, or of weight 0, are skipped.
template <class Real>
WeightedSums<Real> weighted_sums(std::span<const Real> weights, std::span<const Real> values) {
    WeightedSums<Real> sums;
    for (std::size_t i = 0; i < weights.size(); ++i) {
        if (!Number<Real>::is_missing(weights[i]) && !Number<Real>::is_missing(values[i]) &&
            !Number<Real>::is_zero(weights[i])) {
            sums.add(i, weights[i], values[i]);
        }
    }
    return sums;
}

} // namespace allora

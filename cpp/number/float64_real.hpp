// float64 as a number of the formulas. Absence is one fixed quiet NaN, so that it survives copies
// and arrays; every other NaN and every infinity is a fault.
#pragma once

#include "cause.hpp"
#include "curves.hpp"
#include "decimal_functions.hpp"
#include "float64.hpp"
#include "host_device.hpp"
#include "real.hpp"

#include <bit>
#include <cmath>
#include <cstdint>

namespace allora {

template <>
struct Number<double> {
    static constexpr bool exact_sums = false;
    static constexpr std::uint64_t missing_bits = 0x7ff8'0000'a110'0a00ULL;

    ALLORA_INLINE static double from_int(std::int64_t value) { return static_cast<double>(value); }

    // Exact for the short constants of the protocol: both factors are exact doubles, so the one
    // rounding gives the nearest double, as the decimal text would.
    static constexpr double constant(std::int64_t coefficient, int exponent) {
        double power = 1.0;
        for (int i = 0; i < (exponent < 0 ? -exponent : exponent); ++i) {
            power *= 10.0;
        }
        const auto value = static_cast<double>(coefficient);
        return exponent < 0 ? value / power : value * power;
    }

    ALLORA_INLINE static double missing() { return std::bit_cast<double>(missing_bits); }
    // A double carries no cause: its fault reads as `nan`.
    ALLORA_INLINE static double faulted(Cause) {
        return std::bit_cast<double>(std::uint64_t{0x7ff8'0000'0000'0000ULL});
    }
    ALLORA_INLINE static bool is_missing(double x) {
        return std::bit_cast<std::uint64_t>(x) == missing_bits;
    }
    ALLORA_INLINE static bool is_zero(double x) { return x == 0.0; }
    ALLORA_INLINE static Cause fault(double x) {
        const std::uint64_t magnitude = std::bit_cast<std::uint64_t>(x) & 0x7fff'ffff'ffff'ffffULL;
        if (magnitude < 0x7ff0'0000'0000'0000ULL) {
            return Cause::none;
        }
        if (is_missing(x)) {
            return Cause::missing_value;
        }
        return magnitude == 0x7ff0'0000'0000'0000ULL ? Cause::range : Cause::nan;
    }
};

ALLORA_HD inline int compare(double x, double y) {
    return x < y ? -1 : static_cast<int>(x > y);
}
ALLORA_HD inline double abs(double x) {
    return x < 0.0 ? -x : x;
}
ALLORA_HD inline double sqrt(double x) {
    return std::sqrt(x);
}
ALLORA_HD inline double exp(DecimalFunctions, double x) {
    return float64::exp(x);
}
ALLORA_HD inline double ln(DecimalFunctions, double x) {
    return float64::log(x);
}
ALLORA_HD inline double pow(DecimalFunctions, double x, double y) {
    return float64::pow(x, y);
}

// A short sum in index order; long ones run in lanes (weighted_mean.hpp).
template <>
class Sum<double> {
public:
    ALLORA_HD void add(double term) { total_ += term; }
    ALLORA_HD void add_product(double weight, double value) { total_ += weight * value; }
    ALLORA_HD double value() const { return total_; }
    ALLORA_HD double quotient(const Sum& divisor) const { return total_ / divisor.total_; }
    ALLORA_HD bool is_zero() const { return total_ == 0.0; }

private:
    double total_ = 0.0;
};

// float64 has one rounding per step, whatever the rule.
template <>
struct WorkArithmetic<double> : StepArithmetic<double> {};

// g(a, b) of float64 with one exponential for each b: (e^a + 1) e^-b / (e^-b + 1), as long as no
// power leaves the normal numbers.
template <class Arithmetic>
class ExpRatio<Arithmetic, double> {
public:
    ALLORA_HD ExpRatio(DecimalFunctions, double a)
        : a_(a), left_(float64::exp(a > 0.0 ? -a : a) + 1.0),
          top_(a > 0.0 && a <= float64::near_limit ? float64::exp(a) + 1.0 : left_) {}

    ALLORA_HD double operator()(double b) const {
        const double power = float64::exp(b > 0.0 ? -b : b);
        const double right = power + 1.0;
        if (!(a_ > 0.0) || (a_ <= float64::near_limit && b <= float64::near_limit)) {
            return (b > 0.0 ? power * top_ : top_) / right;
        }
        return float64::exp(b > 0.0 ? a_ - b : a_) * left_ / right;
    }

private:
    double a_;
    double left_; // e^-|a| + 1
    double top_;  // e^a + 1 where it is no more than that of the limit
};

} // namespace allora

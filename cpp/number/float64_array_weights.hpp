// Part of float64_array.cpp, compiled with it once per variant: weights from regrets, and weighted
// means.
#pragma once

#include "float64_array.hpp"
#include "float64_array_eights.hpp"

namespace allora::float64::ALLORA_VARIANT {
namespace {

// Integers in the order of the numbers, -0 below +0; see Mask for why not the numbers themselves.
ALLORA_INLINE long long order_of(double x) {
    return static_cast<long long>(bits_of(x) ^ (mask_if_negative(x) & ~sign_bit));
}
ALLORA_INLINE double of_order(long long order) {
    const auto bits = static_cast<Bits>(order);
    return from_bits(bits ^ (mask_if_top_bit(bits) & ~sign_bit));
}

ALLORA_KERNEL double quotients(const double* values, double divisor, std::uint64_t missing,
                               double* quotients, std::size_t n) {
    const double least = -infinity();
    long long greatest[lanes];
    for (std::size_t lane = 0; lane < lanes; ++lane) {
        greatest[lane] = order_of(least);
    }
    const double none = from_bits(missing);
    by_eights(n, [&](std::size_t i, auto count) {
        const Eight value = Eight::load(values + i, count, none);
        Eight quotient;
        for (std::size_t lane = 0; lane < lanes; ++lane) {
            const Mask absent = mask_if_equal(bits_of(value.entry[lane]), missing);
            const double ratio = value.entry[lane] / divisor;
            const long long candidate = order_of(select(absent | mask_if_nan(ratio), least, ratio));
            quotient.entry[lane] = select(absent, value.entry[lane], ratio);
            greatest[lane] = candidate > greatest[lane] ? candidate : greatest[lane];
        }
        quotient.store(quotients + i, count);
    });
    long long best = greatest[0];
    for (std::size_t lane = 1; lane < lanes; ++lane) {
        best = greatest[lane] > best ? greatest[lane] : best;
    }
    return of_order(best);
}

inline double sum_of_lanes(const double* lane) {
    return ((lane[0] + lane[4]) + (lane[2] + lane[6])) +
           ((lane[1] + lane[5]) + (lane[3] + lane[7]));
}

inline std::size_t sum_of_lanes(const Bits* added) {
    std::size_t terms = 0;
    for (std::size_t lane = 0; lane < lanes; ++lane) {
        terms += added[lane];
    }
    return terms;
}

// A lane starts at +0, so it is never -0, and adding +0 for a skipped entry changes no bit.
ALLORA_KERNEL std::size_t weighted_lanes(const double* weights, const double* values,
                                         std::uint64_t missing, double* numerator,
                                         double* denominator, std::size_t n) {
    Bits added[lanes] = {};
    by_eights(n, [&](std::size_t i, auto count) {
        const Eight weight = Eight::load(weights + i, count, 0.0);
        const Eight value = Eight::load(values + i, count, 0.0);
        for (std::size_t lane = 0; lane < lanes; ++lane) {
            const double w = weight.entry[lane];
            const double v = value.entry[lane];
            const Mask skipped = mask_if_equal(bits_of(w), missing) |
                                 mask_if_equal(bits_of(v), missing) | mask_if_zero(w);
            const double product = w * v;
            numerator[lane] += select(skipped, 0.0, product);
            denominator[lane] += select(skipped, 0.0, w);
            added[lane] += 1U & ~skipped;
        }
    });
    return sum_of_lanes(added);
}

// As many integers as a register holds, as a vector of the language: g++ 12 makes none of the loop
// that compares them, and takes a wider one apart into single numbers.
#if defined(__AVX512F__)
constexpr std::size_t width = 8;
#elif defined(__AVX2__)
constexpr std::size_t width = 4;
#else
constexpr std::size_t width = 2;
#endif
using Longs = long long __attribute__((vector_size(8 * width)));

// The greatest and the least of a row's regrets that are not missing. A NaN among them is one of
// the two, since NaNs stand outside of the infinities on either side.
struct Range {
    double greatest;
    double least;
};

ALLORA_KERNEL Range range_of(const double* regrets, Bits missing, std::size_t n) {
    constexpr std::size_t parts = lanes / width;
    const double none = from_bits(missing);
    const long long top = order_of(infinity());
    const long long bottom = order_of(-infinity());
    const Longs absent = order_of(none) + Longs{};
    Longs greatest[parts];
    Longs least[parts];
    for (std::size_t part = 0; part < parts; ++part) {
        greatest[part] = bottom + Longs{};
        least[part] = top + Longs{};
    }
    by_eights(n, [&](std::size_t i, auto count) {
        const Eight regret = Eight::load(regrets + i, count, none);
        for (std::size_t part = 0; part < parts; ++part) {
            Longs bits;
            __builtin_memcpy(&bits, regret.entry + part * width, sizeof bits);
            const Longs low = bits ^ ((bits < 0) & static_cast<long long>(~sign_bit));
            const Longs high = low == absent ? bottom + Longs{} : low;
            greatest[part] = high > greatest[part] ? high : greatest[part];
            least[part] = low < least[part] ? low : least[part];
        }
    });
    for (std::size_t part = 1; part < parts; ++part) {
        greatest[0] = greatest[part] > greatest[0] ? greatest[part] : greatest[0];
        least[0] = least[part] < least[0] ? least[part] : least[0];
    }
    long long high = bottom;
    long long low = top;
    for (std::size_t lane = 0; lane < width; ++lane) {
        high = greatest[0][lane] > high ? greatest[0][lane] : high;
        low = least[0][lane] < low ? least[0][lane] : low;
    }
    return {of_order(high), of_order(low)};
}

// -p (R / scale - c)
ALLORA_INLINE double exponent_of(const WeightCall& call, double regret) {
    return -(call.p * (regret / call.scale - call.c));
}

// The exponents rise or fall with the regrets, rounded as they are, so that all lie between those
// of the greatest and of the least one; and the greatest quotient is the greatest regret's. A call
// is near where none is far from 0: then w = (e^a + 1) e^-b / (e^-b + 1), as in ExpRatio. e^a + 1
ALLORA_INLINE double top_of(double a) {
    return exp_near(clamp(a, near_limit)) + 1.0;
}

ALLORA_INLINE double near_weight(double b, double top) {
    const double power = exp_near(-absolute(b));
    return select(mask_if_negative(b), top, power * top) / (power + 1.0);
}

inline bool is_near(double a, double b) {
    return absolute(a) <= near_limit && absolute(b) <= near_limit;
}

// Every call: which form an entry takes is its own matter.
ALLORA_KERNEL void far_weights(const WeightCall& call, const double* regrets, double* weights,
                               std::size_t n) {
    const double best = quotients(regrets, call.scale, call.missing, weights, n);
    const double a = -(call.p * (best - call.c));
    const double left = exp(-absolute(a)) + 1.0;
    const double top = a > 0.0 ? top_of(a) : left;
    const Mask nears = a > near_limit ? Mask{0} : ~Mask{0};
    const double limit = a > 0.0 ? near_limit : infinity();
    by_eights(n, [&](std::size_t i, auto count) {
        const Eight x = Eight::load(weights + i, count, call.c);
        Eight weight;
        for (std::size_t lane = 0; lane < lanes; ++lane) {
            const double b = -(call.p * (x.entry[lane] - call.c));
            const Mask rises = mask_if_negative(b);
            const double power = exp(-absolute(b));
            const double factor = exp(select(rises, a, a - b));
            const Mask near = nears & (rises | ~mask_if_less(bits_of(limit), magnitude_bits(b)));
            const double over = select(near, select(rises, top, power * top), factor * left);
            const Mask absent = mask_if_equal(bits_of(x.entry[lane]), call.missing);
            weight.entry[lane] = select(absent, x.entry[lane], over / (power + 1.0));
        }
        weight.store(weights + i, count);
    });
}

void ratio_weights(const WeightCall& call, const double* regrets, double* weights, std::size_t n) {
    const Range range = range_of(regrets, call.missing, n);
    const double a = exponent_of(call, range.greatest);
    if (!is_near(a, exponent_of(call, range.least))) {
        return far_weights(call, regrets, weights, n);
    }
    const double top = top_of(a);
    by_eights(n, [&](std::size_t i, auto count) {
        const Eight regret = Eight::load(regrets + i, count, call.c);
        Eight weight;
        for (std::size_t lane = 0; lane < lanes; ++lane) {
            const double r = regret.entry[lane];
            const double w = near_weight(exponent_of(call, r), top);
            weight.entry[lane] = select(mask_if_equal(bits_of(r), call.missing), r, w);
        }
        weight.store(weights + i, count);
    });
}

// The weights never leave the processor. The masks leave of an absent entry's NaN nothing but +0,
// which changes no lane.
ALLORA_KERNEL void weigh_near(const WeightCall& call, const double* regrets, const double* values,
                              std::size_t n, double top, RowSums& sums) {
    const double none = from_bits(call.missing);
    double numerator[lanes] = {};
    double denominator[lanes] = {};
    Bits added[lanes] = {};
    by_eights(n, [&](std::size_t i, auto count) {
        const Eight regret = Eight::load(regrets + i, count, none);
        const Eight value = Eight::load(values + i, count, none);
        for (std::size_t lane = 0; lane < lanes; ++lane) {
            const double r = regret.entry[lane];
            const double v = value.entry[lane];
            const double w = near_weight(exponent_of(call, r), top);
            const Mask counts = ~(mask_if_equal(bits_of(r), call.missing) |
                                  mask_if_equal(bits_of(v), call.missing));
            numerator[lane] += from_bits(bits_of(w * v) & counts);
            denominator[lane] += from_bits(bits_of(w) & counts);
            added[lane] += counts & 1U;
        }
    });
    sums = {sum_of_lanes(numerator), sum_of_lanes(denominator), sum_of_lanes(added)};
}

// False where a weight is infinite or NaN. `weights` has room for n numbers.
inline bool weigh_far(const WeightCall& call, const double* regrets, const double* values,
                      std::size_t n, double* weights, RowSums& sums) {
    far_weights(call, regrets, weights, n);
    Bits faults = 0;
    for (std::size_t i = 0; i < n; ++i) {
        const Bits weight = bits_of(weights[i]);
        faults |= mask_if_equal(weight & infinity_bits, infinity_bits) &
                  ~mask_if_equal(weight, call.missing);
    }
    double numerator[lanes] = {};
    double denominator[lanes] = {};
    const std::size_t terms =
        weighted_lanes(weights, values, call.missing, numerator, denominator, n);
    sums = {sum_of_lanes(numerator), sum_of_lanes(denominator), terms};
    return faults == 0;
}

unsigned weigh_rows(const WeightCall& call, const WeighedRows& rows, RowSums* sums) {
    double greatest[most_rows] = {};
    double least[most_rows] = {};
    for (std::size_t row = 0; row < rows.rows; ++row) {
        const Range range = range_of(rows.regrets + row * rows.stride, call.missing, rows.n);
        greatest[row] = range.greatest;
        least[row] = range.least;
    }
    double first[most_rows];
    double last[most_rows];
    double top[most_rows];
    for (std::size_t row = 0; row < most_rows; ++row) {
        first[row] = exponent_of(call, greatest[row]);
        last[row] = exponent_of(call, least[row]);
        top[row] = top_of(first[row]);
    }
    unsigned finite = 0;
    for (std::size_t row = 0; row < rows.rows; ++row) {
        const double* regrets = rows.regrets + row * rows.stride;
        const double* values = rows.values + row * rows.stride;
        if (is_near(first[row], last[row])) {
            weigh_near(call, regrets, values, rows.n, top[row], sums[row]);
            finite |= 1U << row;
        } else if (weigh_far(call, regrets, values, rows.n, rows.weights, sums[row])) {
            finite |= 1U << row;
        }
    }
    return finite;
}

// What the others of a lane's tree of sums (weighted_mean.hpp) add to it, by level.
struct OtherLanes {
    double pair[lanes];
    double quarter[lanes];
    double half[lanes];

    explicit OtherLanes(const double* sum) {
        for (std::size_t lane = 0; lane < lanes; ++lane) {
            pair[lane] = sum[lane ^ 4U];
            quarter[lane] = sum[lane ^ 2U] + sum[lane ^ 6U];
        }
        const double even = (sum[0] + sum[4]) + (sum[2] + sum[6]);
        const double odd = (sum[1] + sum[5]) + (sum[3] + sum[7]);
        for (std::size_t lane = 0; lane < lanes; ++lane) {
            half[lane] = lane % 2 == 0 ? odd : even;
        }
    }
    double with(std::size_t lane, double sum) const {
        return ((sum + pair[lane]) + quarter[lane]) + half[lane];
    }
};

// Without an entry its lane alone is summed anew, which the entries of a group do side by side.
void means_without(const double* weights, const double* values, std::uint64_t missing,
                   double* means, std::size_t n) {
    double numerators[lanes] = {};
    double denominators[lanes] = {};
    weighted_lanes(weights, values, missing, numerators, denominators, n);
    const OtherLanes numerator(numerators);
    const OtherLanes denominator(denominators);
    const double none = from_bits(missing);
    by_eights(n, [&](std::size_t i, auto count) {
        double above[lanes] = {};
        double below[lanes] = {};
        weighted_lanes(weights, values, missing, above, below, i);
        const std::size_t next = i + lanes < n ? i + lanes : n;
        weighted_lanes(weights + next, values + next, missing, above, below, n - next);
        Eight mean;
        for (std::size_t lane = 0; lane < lanes; ++lane) {
            const double divisor = denominator.with(lane, below[lane]);
            const double ratio = numerator.with(lane, above[lane]) / divisor;
            mean.entry[lane] = select(mask_if_zero(divisor), none, ratio);
        }
        mean.store(means + i, count);
    });
}

} // namespace
} // namespace allora::float64::ALLORA_VARIANT

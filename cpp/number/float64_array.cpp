// One copy of the array functions. Compiled once per variant, with ALLORA_VARIANT and:
//   base    no further flag
//   avx2    -mavx2
//   avx512  -mavx512f -mavx512dq -mavx512vl -mprefer-vector-width=512
// Always -O3 -ffp-contract=off. -fno-math-errno lets sqrt vectorise; no result depends on it.
//
// Nothing here may leave a symbol outside the variant's namespace: the linker would keep one copy,
// possibly the AVX-512 one, for all. Hence no standard library beyond integer types, and of
// intrinsics only what g++ makes of no loop: masked loads and stores.
#if !defined(ALLORA_VARIANT)
#error "ALLORA_VARIANT must be base, avx2 or avx512"
#endif

#include "float64_array.hpp"
#include "float64_array_eights.hpp"
#include "float64_array_reputers.hpp"

namespace allora::float64::ALLORA_VARIANT {
namespace {

template <class One>
inline void each(const double* in, double* out, std::size_t n, One one) {
    ALLORA_INDEPENDENT
    for (std::size_t i = 0; i < n; ++i) {
        out[i] = one(in[i]);
    }
}

template <class Two>
inline void each(const double* in, const double* in2, double* out, std::size_t n, Two two) {
    ALLORA_INDEPENDENT
    for (std::size_t i = 0; i < n; ++i) {
        out[i] = two(in[i], in2[i]);
    }
}

} // namespace

void apply(Function function, const double* in, const double* in2, double* out, std::size_t n) {
    switch (function) {
    case Function::exp:
        return each(in, out, n, [](double x) { return exp(x); });
    case Function::expm1:
        return each(in, out, n, [](double x) { return expm1(x); });
    case Function::log:
        return each(in, out, n, [](double x) { return log(x); });
    case Function::log1p:
        return each(in, out, n, [](double x) { return log1p(x); });
    case Function::log10:
        return each(in, out, n, [](double x) { return log10(x); });
    case Function::log2:
        return each(in, out, n, [](double x) { return log2(x); });
    case Function::pow:
        return each(in, in2, out, n, [](double x, double y) { return pow(x, y); });
    case Function::tanh:
        return each(in, out, n, [](double x) { return tanh(x); });
    case Function::sqrt:
        return each(in, out, n, [](double x) { return sqrt(x); });
    }
}

namespace {

ALLORA_KERNEL void ratio_weights(const RatioCall& call, const double* normalized, double* weights,
                                 std::size_t n) {
    const double p = call.p;
    const double c = call.c;
    const double a = call.a;
    const double left = call.left;
    const Bits missing = call.missing;
    by_eights(n, [&](std::size_t i, auto count) {
        const Eight x = Eight::load(normalized + i, count, c);
        Eight weight;
        if (a > 0.0) {
            for (std::size_t lane = 0; lane < lanes; ++lane) {
                const double b = -(p * (x.entry[lane] - c));
                const Mask rises = mask_if_negative(b);
                const double right = exp(-absolute(b)) + 1.0;
                const double factor = exp(select(rises, a, a - b));
                weight.entry[lane] = factor * left / right;
            }
        } else {
            for (std::size_t lane = 0; lane < lanes; ++lane) {
                const double b = -(p * (x.entry[lane] - c));
                const Mask rises = mask_if_negative(b);
                const double power = exp(-absolute(b));
                weight.entry[lane] = select(rises, left, power * left) / (power + 1.0);
            }
        }
        for (std::size_t lane = 0; lane < lanes; ++lane) {
            const Mask absent = mask_if_equal(bits_of(x.entry[lane]), missing);
            weight.entry[lane] = select(absent, x.entry[lane], weight.entry[lane]);
        }
        weight.store(weights + i, count);
    });
}

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

// The greatest and the least regret among those that are not missing. A NaN among them is one of
// the two, since NaNs stand outside of the infinities on either side.
struct RowRange {
    double greatest;
    double least;
};

ALLORA_KERNEL RowRange range_of(const WeighedRow& row) {
    constexpr std::size_t parts = lanes / width;
    const double none = from_bits(row.missing);
    const long long top = order_of(infinity());
    const long long bottom = order_of(-infinity());
    const Longs absent = order_of(none) + Longs{};
    Longs greatest[parts];
    Longs least[parts];
    for (std::size_t part = 0; part < parts; ++part) {
        greatest[part] = bottom + Longs{};
        least[part] = top + Longs{};
    }
    by_eights(row.n, [&](std::size_t i, auto count) {
        const Eight regret = Eight::load(row.regrets + i, count, none);
        for (std::size_t part = 0; part < parts; ++part) {
            Longs bits;
            __builtin_memcpy(&bits, regret.entry + part * width, sizeof bits);
            const Longs low = bits ^ ((bits < 0) & static_cast<long long>(~sign_bit));
            const Longs high = low == absent ? bottom + Longs{} : low;
            greatest[part] = high > greatest[part] ? high : greatest[part];
            least[part] = low < least[part] ? low : least[part];
        }
    });
    long long high = bottom;
    long long low = top;
    for (std::size_t lane = 0; lane < lanes; ++lane) {
        const long long above = greatest[lane / width][lane % width];
        const long long below = least[lane / width][lane % width];
        high = above > high ? above : high;
        low = below < low ? below : low;
    }
    return {of_order(high), of_order(low)};
}

// b of one regret: what weigh_row does to every entry.
ALLORA_INLINE double exponent_of(const WeighedRow& row, double regret) {
    return -(row.p * (regret / row.scale - row.c));
}

// A row whose exponents are all near 0. The masks leave of an absent entry's NaN
// nothing but +0, which changes no lane.
template <bool rises_first>
ALLORA_KERNEL std::size_t weigh_near(const WeighedRow& row, double a, double left, LaneSums& sums) {
    const double none = from_bits(row.missing);
    double numerator[lanes];
    double denominator[lanes];
    Bits added[lanes] = {};
    for (std::size_t lane = 0; lane < lanes; ++lane) {
        numerator[lane] = sums.numerator[lane];
        denominator[lane] = sums.denominator[lane];
    }
    by_eights(row.n, [&](std::size_t i, auto count) {
        const Eight regret = Eight::load(row.regrets + i, count, none);
        const Eight value = Eight::load(row.values + i, count, none);
        for (std::size_t lane = 0; lane < lanes; ++lane) {
            const double r = regret.entry[lane];
            const double v = value.entry[lane];
            const double b = exponent_of(row, r);
            const Mask rises = mask_if_negative(b);
            const double power = exp_near(-absolute(b));
            const double factor = rises_first ? exp_near(select(rises, a, a - b)) : power;
            const double over = factor * left;
            const double w = (rises_first ? over : select(rises, left, over)) / (power + 1.0);
            const Mask counts =
                ~(mask_if_equal(bits_of(r), row.missing) | mask_if_equal(bits_of(v), row.missing));
            numerator[lane] += from_bits(bits_of(w * v) & counts);
            denominator[lane] += from_bits(bits_of(w) & counts);
            added[lane] += counts & 1U;
        }
    });
    for (std::size_t lane = 0; lane < lanes; ++lane) {
        sums.numerator[lane] = numerator[lane];
        sums.denominator[lane] = denominator[lane];
    }
    return sum_of_lanes(added);
}

// The exponents rise or fall with the regrets, rounded as they are, so that all lie between those
// of the greatest and of the least one; and the greatest quotient is the greatest regret's.
bool weigh_row(const WeighedRow& row, LaneSums& sums) {
    const RowRange range = range_of(row);
    const double best = range.greatest / row.scale;
    const double a = -(row.p * (best - row.c));
    const double b = exponent_of(row, range.least);
    const double left = exp(a > 0.0 ? -a : a) + 1.0;
    const bool near =
        absolute(a) <= near_limit && absolute(b) <= near_limit && absolute(a - b) <= near_limit;
    if (near) {
        sums.terms =
            a > 0.0 ? weigh_near<true>(row, a, left, sums) : weigh_near<false>(row, a, left, sums);
        return true;
    }
    double* weights = row.normalized;
    quotients(row.regrets, row.scale, row.missing, row.normalized, row.n);
    ratio_weights({row.p, row.c, a, left, row.missing}, row.normalized, weights, row.n);
    Bits faults = 0;
    for (std::size_t i = 0; i < row.n; ++i) {
        const Bits weight = bits_of(weights[i]);
        faults |= mask_if_equal(weight & infinity_bits, infinity_bits) &
                  ~mask_if_equal(weight, row.missing);
    }
    sums.terms =
        weighted_lanes(weights, row.values, row.missing, sums.numerator, sums.denominator, row.n);
    return faults == 0;
}

void fill_missing(const double* values, double initial, std::uint64_t missing, double* filled,
                  std::size_t n) {
    by_eights(n, [&](std::size_t i, auto count) {
        Eight value = Eight::load(values + i, count, 0.0);
        for (std::size_t lane = 0; lane < lanes; ++lane) {
            const Mask absent = mask_if_equal(bits_of(value.entry[lane]), missing);
            value.entry[lane] = select(absent, initial, value.entry[lane]);
        }
        value.store(filled + i, count);
    });
}

// The ranks of the numbers from i on, as many as a register holds. Of two equal ones the later one
// counts the earlier one, not the other way round. A comparison that holds is -1.
ALLORA_INLINE Longs ranks_from(const long long* order, std::size_t i, std::size_t n) {
    Longs own;
    Longs lane;
    for (std::size_t at = 0; at < width; ++at) {
        own[at] = order[i + at];
        lane[at] = static_cast<long long>(at);
    }
    Longs rank = static_cast<long long>(i) - Longs{};
    for (std::size_t j = 0; j < i; ++j) {
        rank += order[j] > own;
    }
    for (std::size_t j = 0; j < width; ++j) {
        const Longs earlier = static_cast<long long>(j) < lane;
        rank -= (order[i + j] < own) | ((order[i + j] == own) & earlier);
    }
    for (std::size_t j = i + width; j < n; ++j) {
        rank -= order[j] < own;
    }
    return rank;
}

bool ranks(const double* values, std::uint64_t* ranks, std::size_t n) {
    constexpr long long above_all = static_cast<long long>(~sign_bit);
    long long order[most_ranked + width];
    Bits unordered = 0;
    for (std::size_t i = 0; i < n; ++i) {
        unordered |= mask_if_nan(values[i]);
        order[i] = order_of(values[i] + 0.0); // -0 is +0
    }
    for (std::size_t at = 0; at < width; ++at) {
        order[n + at] = above_all; // counts for none of those before
    }
    for (std::size_t i = 0; i < n; i += width) {
        const Longs rank = ranks_from(order, i, n);
        for (std::size_t at = 0; at < width && i + at < n; ++at) {
            ranks[i + at] = static_cast<std::uint64_t>(rank[at]);
        }
    }
    return unordered == 0;
}

template <class Width>
inline void column_means_of(const double* table, const double* weights, std::size_t rows,
                            std::size_t columns, Bits missing, double* means, Width width) {
    double numerator[lanes] = {};
    double denominator[lanes] = {};
    for (std::size_t row = 0; row < rows; ++row) {
        const double* entries = table + row * columns;
        const double weight = weights[row];
        for (std::size_t lane = 0; lane < width; ++lane) {
            const Mask absent = mask_if_equal(bits_of(entries[lane]), missing);
            numerator[lane] += select(absent, 0.0, weight * entries[lane]);
            denominator[lane] += select(absent, 0.0, weight);
        }
    }
    const double none = from_bits(missing);
    for (std::size_t lane = 0; lane < width; ++lane) {
        const double mean = numerator[lane] / denominator[lane];
        means[lane] = denominator[lane] == 0.0 ? none : mean;
    }
}

void column_means(const double* table, const double* weights, std::size_t rows, std::size_t columns,
                  std::uint64_t missing, double* means) {
    by_eights(columns, [&](std::size_t column, auto width) {
        column_means_of(table + column, weights, rows, columns, missing, means + column, width);
    });
}

bool update_averages(const AverageStep& step, const double* parts, double* averages,
                     std::size_t n) {
    const double rest = 1.0 - step.alpha;
    Bits faults[lanes] = {};
    by_eights(n, [&](std::size_t i, auto count) {
        const Eight part = Eight::load(parts + i, count, from_bits(step.missing));
        Eight average = Eight::load(averages + i, count, 0.0);
        for (std::size_t lane = 0; lane < lanes; ++lane) {
            const double before = average.entry[lane];
            const Mask absent = mask_if_equal(bits_of(part.entry[lane]), step.missing);
            const double old =
                select(mask_if_equal(bits_of(before), step.missing), step.initial, before);
            const double current = step.whole - part.entry[lane];
            const double blend = step.alpha * current + rest * old;
            const Mask same = mask_if_equal(bits_of(current), bits_of(old)) |
                              (mask_if_zero(current) & mask_if_zero(old));
            const double next = select(same, current, blend);
            faults[lane] |= ~absent & mask_if_equal(bits_of(next) & infinity_bits, infinity_bits);
            average.entry[lane] = select(absent, before, next);
        }
        average.store(averages + i, count);
    });
    return sum_of_lanes(faults) == 0;
}

// The bits of a magnitude order as the magnitude does, and no number's are above infinity's.
bool all_within(const double* values, double least, double greatest, std::uint64_t missing,
                std::size_t n) {
    const Bits low = bits_of(least);
    const Bits range = bits_of(greatest) - low;
    Bits refused = 0;
    for (std::size_t i = 0; i < n; ++i) {
        const Bits magnitude = magnitude_bits(values[i]);
        const bool accepted =
            (magnitude - low <= range) | (magnitude == 0) | (bits_of(values[i]) == missing);
        refused |= accepted ? 0U : 1U;
    }
    return refused == 0;
}

bool any_missing(const double* values, std::uint64_t missing, std::size_t n) {
    Bits found = 0;
    for (std::size_t i = 0; i < n; ++i) {
        found |= mask_if_equal(bits_of(values[i]), missing);
    }
    return found != 0;
}

} // namespace

const ArrayKernels array_kernels = {ratio_weights,   quotients,   weighted_lanes, column_means,
                                    update_averages, all_within,  ranks,          fill_missing,
                                    weigh_row,       square_sums, score_lists,    any_missing};

} // namespace allora::float64::ALLORA_VARIANT

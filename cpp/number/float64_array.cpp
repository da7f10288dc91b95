// One copy of the array functions. Compiled once per variant, with ALLORA_VARIANT and:
//   base    no further flag
//   avx2    -mavx2
//   avx512  -mavx512f -mavx512dq -mavx512vl -mprefer-vector-width=512
// Always -O3 -ffp-contract=off. -fno-math-errno lets sqrt vectorise; no result depends on it.
//
// Nothing here may leave a symbol outside the variant's namespace: the linker would keep one copy,
// possibly the AVX-512 one, for all. Hence no standard library beyond integer types, and of
// intrinsics only what g++ makes of no loop: masked loads and stores.
#include "float64_array.hpp"
#include "float64.hpp"

#if defined(__AVX512F__)
#include <immintrin.h>
#endif

#if !defined(ALLORA_VARIANT)
#error "ALLORA_VARIANT must be base, avx2 or avx512"
#endif

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

// A kernel that others call: inlined into them, g++ 12 unrolls its loops into single numbers.
#define ALLORA_KERNEL __attribute__((noinline))

constexpr std::size_t lanes = 8;

// eight(i, count) for every group of up to eight consecutive entries; `count` is a constant where
// the group is full, so that its loop becomes one vector.
struct AllLanes {
    constexpr operator std::size_t() const { return lanes; }
};

template <class Eight>
inline void by_eights(std::size_t n, Eight eight) {
    std::size_t i = 0;
    for (; i + lanes <= n; i += lanes) {
        eight(i, AllLanes{});
    }
    if (i < n) {
        eight(i, n - i);
    }
}

// Up to eight entries in a full vector: one of the rest costs as much as eight.
struct Eight {
    double entry[lanes];

    static Eight load(const double* from, AllLanes, double) {
        Eight loaded;
        for (std::size_t lane = 0; lane < lanes; ++lane) {
            loaded.entry[lane] = from[lane];
        }
        return loaded;
    }
    void store(double* to, AllLanes) const {
        for (std::size_t lane = 0; lane < lanes; ++lane) {
            to[lane] = entry[lane];
        }
    }
#if defined(__AVX512F__)
    static __mmask8 first(std::size_t count) { return static_cast<__mmask8>((1U << count) - 1U); }
    static Eight load(const double* from, std::size_t count, double rest) {
        Eight loaded;
        _mm512_storeu_pd(loaded.entry,
                         _mm512_mask_loadu_pd(_mm512_set1_pd(rest), first(count), from));
        return loaded;
    }
    void store(double* to, std::size_t count) const {
        _mm512_mask_storeu_pd(to, first(count), _mm512_loadu_pd(entry));
    }
#else
    static Eight load(const double* from, std::size_t count, double rest) {
        Eight loaded;
        for (std::size_t lane = 0; lane < lanes; ++lane) {
            loaded.entry[lane] = lane < count ? from[lane] : rest;
        }
        return loaded;
    }
    void store(double* to, std::size_t count) const {
        for (std::size_t lane = 0; lane < count; ++lane) {
            to[lane] = entry[lane];
        }
    }
#endif
};

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

bool weigh_row(const WeighedRow& row, LaneSums& sums) {
    double* weights = row.normalized;
    const double best = quotients(row.regrets, row.scale, row.missing, row.normalized, row.n);
    const double a = -(row.p * (best - row.c));
    const RatioCall call = {row.p, row.c, a, exp(a > 0.0 ? -a : a) + 1.0, row.missing};
    ratio_weights(call, row.normalized, weights, row.n);
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

// Eight integers, as a vector of the language: g++ 12 makes none of the loop that compares them.
using Longs = long long __attribute__((vector_size(64)));

// Of two equal values the later one counts the earlier one, not the other way round.
bool ranks(const double* values, std::uint64_t* ranks, std::size_t n) {
    long long order[most_ranked];
    Bits unordered = 0;
    for (std::size_t i = 0; i < n; ++i) {
        unordered |= mask_if_nan(values[i]);
        order[i] = order_of(values[i] + 0.0); // -0 is +0
    }
    for (std::size_t i = 0; i < n; i += lanes) {
        const std::size_t count = n - i < lanes ? n - i : lanes;
        Longs own;
        for (std::size_t lane = 0; lane < lanes; ++lane) {
            own[lane] = order[lane < count ? i + lane : i];
        }
        const Longs next = own + 1;
        const Longs lane = {0, 1, 2, 3, 4, 5, 6, 7};
        Longs rank = {}; // a comparison that holds is -1
        for (std::size_t j = 0; j < i; ++j) {
            rank -= order[j] < next;
        }
        for (std::size_t j = 0; j < count; ++j) {
            rank -= order[i + j] < own - (static_cast<long long>(j) < lane);
        }
        for (std::size_t j = i + count; j < n; ++j) {
            rank -= order[j] < own;
        }
        for (std::size_t at = 0; at < count; ++at) {
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

} // namespace

const ArrayKernels array_kernels = {ratio_weights, quotients,       weighted_lanes,
                                    column_means,  update_averages, all_within,
                                    ranks,         fill_missing,    weigh_row};

} // namespace allora::float64::ALLORA_VARIANT

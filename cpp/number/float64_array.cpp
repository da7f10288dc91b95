// One copy of the array functions. Compiled once per variant, with ALLORA_VARIANT and:
//   base    no further flag
//   avx2    -mavx2
//   avx512  -mavx512f -mavx512dq -mavx512vl -mprefer-vector-width=512
// Always -O3 -ffp-contract=off. -fno-math-errno lets sqrt vectorise; no result depends on it.
//
// Nothing here may leave a symbol outside the variant's namespace: the linker would keep one copy,
// possibly the AVX-512 one, for all. Hence no standard library beyond integer types.
#include "float64_array.hpp"
#include "float64.hpp"

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
    static Eight load(const double* from, std::size_t count, double rest) {
        Eight loaded;
        for (std::size_t lane = 0; lane < lanes; ++lane) {
            loaded.entry[lane] = lane < count ? from[lane] : rest;
        }
        return loaded;
    }
    template <class Count>
    void store(double* to, Count count) const {
        for (std::size_t lane = 0; lane < count; ++lane) {
            to[lane] = entry[lane];
        }
    }
};

void ratio_weights(const RatioCall& call, const double* normalized, double* weights,
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

double quotients(const double* values, double divisor, std::uint64_t missing, double* quotients,
                 std::size_t n) {
    const double least = -__builtin_inf();
    double greatest[lanes] = {least, least, least, least, least, least, least, least};
    const double none = from_bits(missing);
    by_eights(n, [&](std::size_t i, auto count) {
        const Eight value = Eight::load(values + i, count, none);
        Eight quotient;
        for (std::size_t lane = 0; lane < lanes; ++lane) {
            const Mask absent = mask_if_equal(bits_of(value.entry[lane]), missing);
            const double ratio = value.entry[lane] / divisor;
            const double candidate = select(absent, least, ratio);
            quotient.entry[lane] = select(absent, value.entry[lane], ratio);
            greatest[lane] = candidate > greatest[lane] ? candidate : greatest[lane];
        }
        quotient.store(quotients + i, count);
    });
    double best = greatest[0];
    for (std::size_t lane = 1; lane < lanes; ++lane) {
        best = greatest[lane] > best ? greatest[lane] : best;
    }
    return best;
}

// A lane starts at +0, so it is never -0, and adding +0 for a skipped entry changes no bit.
std::size_t weighted_lanes(const double* weights, const double* values, std::uint64_t missing,
                           double* numerator, double* denominator, std::size_t n) {
    Bits added[lanes] = {};
    by_eights(n, [&](std::size_t i, auto count) {
        const Eight weight = Eight::load(weights + i, count, 0.0);
        const Eight value = Eight::load(values + i, count, 0.0);
        for (std::size_t lane = 0; lane < lanes; ++lane) {
            const double w = weight.entry[lane];
            const double v = value.entry[lane];
            const bool skipped = (bits_of(w) == missing) | (bits_of(v) == missing) | (w == 0.0);
            const double product = w * v;
            numerator[lane] += skipped ? 0.0 : product;
            denominator[lane] += skipped ? 0.0 : w;
            added[lane] += skipped ? 0U : 1U;
        }
    });
    std::size_t terms = 0;
    for (std::size_t lane = 0; lane < lanes; ++lane) {
        terms += added[lane];
    }
    return terms;
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
    constexpr Bits exponent = 0x7ff0'0000'0000'0000ULL;
    Bits faults = 0;
    ALLORA_INDEPENDENT
    for (std::size_t i = 0; i < n; ++i) {
        const double average = averages[i];
        const Mask absent = mask_if_equal(bits_of(parts[i]), step.missing);
        const double old =
            select(mask_if_equal(bits_of(average), step.missing), step.initial, average);
        const double current = step.whole - parts[i];
        const double blend = step.alpha * current + rest * old;
        const double next = current == old ? current : blend;
        const double kept = select(absent, 0.0, next);
        faults |= (bits_of(kept) & exponent) == exponent ? 1U : 0U;
        averages[i] = select(absent, average, next);
    }
    return faults == 0;
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
                                    column_means,  update_averages, all_within};

} // namespace allora::float64::ALLORA_VARIANT

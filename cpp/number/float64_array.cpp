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

void ratio_weights(const RatioCall& call, const double* normalized, double* weights,
                   std::size_t n) {
    const double p = call.p;
    const double c = call.c;
    const double a = call.a;
    const double left = call.left;
    const Bits missing = call.missing;
    if (a > 0.0) {
        ALLORA_INDEPENDENT
        for (std::size_t i = 0; i < n; ++i) {
            const double b = -(p * (normalized[i] - c));
            const Mask rises = mask_if_negative(b);
            const double right = exp(-absolute(b)) + 1.0;
            const double factor = exp(select(rises, a, a - b));
            const double weight = factor * left / right;
            const Mask absent = mask_if_equal(bits_of(normalized[i]), missing);
            weights[i] = select(absent, normalized[i], weight);
        }
        return;
    }
    ALLORA_INDEPENDENT
    for (std::size_t i = 0; i < n; ++i) {
        const double b = -(p * (normalized[i] - c));
        const Mask rises = mask_if_negative(b);
        const double power = exp(-absolute(b));
        const double weight = select(rises, left, power * left) / (power + 1.0);
        const Mask absent = mask_if_equal(bits_of(normalized[i]), missing);
        weights[i] = select(absent, normalized[i], weight);
    }
}

double quotients(const double* values, double divisor, std::uint64_t missing, double* quotients,
                 std::size_t n) {
    const double least = -__builtin_inf();
    double greatest[lanes] = {least, least, least, least, least, least, least, least};
    const auto one = [&](std::size_t i, std::size_t lane) {
        const double quotient = values[i] / divisor;
        const Mask absent = mask_if_equal(bits_of(values[i]), missing);
        const double candidate = select(absent, least, quotient);
        quotients[i] = select(absent, values[i], quotient);
        greatest[lane] = candidate > greatest[lane] ? candidate : greatest[lane];
    };
    std::size_t i = 0;
    for (; i + lanes <= n; i += lanes) {
        for (std::size_t lane = 0; lane < lanes; ++lane) {
            one(i + lane, lane);
        }
    }
    for (; i < n; ++i) {
        one(i, i % lanes);
    }
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
    const auto one = [&](std::size_t i, std::size_t lane) {
        const double weight = weights[i];
        const double value = values[i];
        const bool skipped =
            (bits_of(weight) == missing) | (bits_of(value) == missing) | (weight == 0.0);
        const double product = weight * value;
        numerator[lane] += skipped ? 0.0 : product;
        denominator[lane] += skipped ? 0.0 : weight;
        added[lane] += skipped ? 0U : 1U;
    };
    std::size_t i = 0;
    for (; i + lanes <= n; i += lanes) {
        for (std::size_t lane = 0; lane < lanes; ++lane) {
            one(i + lane, lane);
        }
    }
    for (; i < n; ++i) {
        one(i, i % lanes);
    }
    std::size_t count = 0;
    for (std::size_t lane = 0; lane < lanes; ++lane) {
        count += added[lane];
    }
    return count;
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

struct AllLanes {
    constexpr operator std::size_t() const { return lanes; }
};

void column_means(const double* table, const double* weights, std::size_t rows, std::size_t columns,
                  std::uint64_t missing, double* means) {
    std::size_t column = 0;
    for (; column + lanes <= columns; column += lanes) {
        column_means_of(table + column, weights, rows, columns, missing, means + column,
                        AllLanes{});
    }
    column_means_of(table + column, weights, rows, columns, missing, means + column,
                    columns - column);
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

} // namespace

const ArrayKernels array_kernels = {ratio_weights, quotients, weighted_lanes, column_means,
                                    update_averages};

} // namespace allora::float64::ALLORA_VARIANT

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
#include "float64_array_weights.hpp"

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

// Faults are gathered in `fault`.
ALLORA_INLINE double average_of(const AverageStep& step, Mask absent, double whole, double part,
                                double before, Bits& fault) {
    const double old = select(mask_if_equal(bits_of(before), step.missing), step.initial, before);
    const double current = whole - part;
    const double blend = step.alpha * current + (1.0 - step.alpha) * old;
    const Mask same =
        mask_if_equal(bits_of(current), bits_of(old)) | (mask_if_zero(current) & mask_if_zero(old));
    const double next = select(same, current, blend);
    fault |= ~absent & mask_if_equal(bits_of(next) & infinity_bits, infinity_bits);
    return select(absent, before, next);
}

bool update_averages(const AverageStep& step, const double* wholes, const double* parts,
                     double* averages, std::size_t n) {
    const double none = from_bits(step.missing);
    Bits faults[lanes] = {};
    by_eights(n, [&](std::size_t i, auto count) {
        const Eight whole = Eight::load(wholes + i, count, none);
        const Eight part = Eight::load(parts + i, count, none);
        Eight average = Eight::load(averages + i, count, 0.0);
        for (std::size_t lane = 0; lane < lanes; ++lane) {
            const Mask absent = mask_if_equal(bits_of(whole.entry[lane]), step.missing) |
                                mask_if_equal(bits_of(part.entry[lane]), step.missing);
            average.entry[lane] = average_of(step, absent, whole.entry[lane], part.entry[lane],
                                             average.entry[lane], faults[lane]);
        }
        average.store(averages + i, count);
    });
    return sum_of_lanes(faults) == 0;
}

bool update_rows(const AverageStep& step, const AverageRows& rows, double* averages) {
    Bits faults[lanes] = {};
    for (std::size_t row = 0; row < rows.rows; ++row) {
        const double whole = rows.wholes[row];
        if (bits_of(whole) == step.missing) {
            continue;
        }
        double* own = averages + row * rows.stride;
        by_eights(rows.n, [&](std::size_t i, auto count) {
            const Eight part = Eight::load(rows.parts + i, count, from_bits(step.missing));
            Eight average = Eight::load(own + i, count, 0.0);
            for (std::size_t lane = 0; lane < lanes; ++lane) {
                const Mask absent = mask_if_equal(bits_of(part.entry[lane]), step.missing);
                average.entry[lane] = average_of(step, absent, whole, part.entry[lane],
                                                 average.entry[lane], faults[lane]);
            }
            average.store(own + i, count);
        });
    }
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
                                    update_averages, update_rows, all_within,     ranks,
                                    fill_missing,    weigh_rows,  means_without,  square_sums,
                                    score_lists,     any_missing};

} // namespace allora::float64::ALLORA_VARIANT

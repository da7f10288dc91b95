// The functions of float64.hpp over arrays, in one copy per instruction-set variant.
#pragma once

#include "host_device.hpp"
#include "variant.hpp"

#include <cstddef>
#include <cstdint>

namespace allora::float64 {

enum class Function : std::uint8_t { exp, expm1, log, log1p, log10, log2, pow, tanh, sqrt };

// out[i] = function(in[i]) for i < n; pow(in[i], in2[i]), while the others do not read in2 (it may
// be null). `out` may be `in` or `in2` itself, but may not overlap them otherwise.
using Apply = void(Function function, const double* in, const double* in2, double* out,
                   std::size_t n);

namespace base {
Apply apply;
}
#if defined(__x86_64__)
namespace avx2 {
Apply apply;
}
namespace avx512 {
Apply apply;
}
inline constexpr Copies<Apply*> apply_copies = {base::apply, avx2::apply, avx512::apply};
#else
inline constexpr Copies<Apply*> apply_copies = {base::apply, base::apply, base::apply};
#endif

// As above, by the copy of a supported variant.
inline void apply(Variant variant, Function function, const double* in, const double* in2,
                  double* out, std::size_t n) {
    apply_copies.of(variant)(function, in, in2, out, n);
}

// The same with one argument, by the copy that this process runs with. A device has none.
ALLORA_HD inline void apply(Function function, const double* in, double* out, std::size_t n) {
#if defined(__CUDA_ARCH__)
    __builtin_unreachable();
#else
    static Apply* const copy = apply_copies.of(chosen_variant().variant);
    copy(function, in, nullptr, out, n);
#endif
}

// Weights of one call in the ratio form (formula/weight.hpp) from regrets R:
// w = (e^a + 1) / (e^b + 1), b = -(p (R / scale - c)), a that of the greatest regret. Regrets with
// the bits `missing` are absent; `scale` is finite and above 0.
struct WeightCall {
    double scale;
    double p;
    double c;
    std::uint64_t missing;
};

// weights[i] from regrets[i], the absent staying missing.
using RatioWeights = void(const WeightCall& call, const double* regrets, double* weights,
                          std::size_t n);

// The same for rows of n regrets and values, `stride` numbers apart, each row a call of its own,
// with WeightedLanes of its weights and values at once. Bit r of the answer: row r's sums hold, no
// weight of it being infinite or NaN.
inline constexpr std::size_t most_rows = 8;

struct WeighedRows {
    const double* regrets;
    const double* values;
    std::size_t n;
    std::size_t stride;
    std::size_t rows; // at most `most_rows`
    double* weights;  // room for n numbers
};

// The lanes of a row's two sums added up, as sum_of_lanes (formula/weighted_mean.hpp) does.
struct RowSums {
    double numerator = 0.0;
    double denominator = 0.0;
    std::size_t terms = 0;
};

using WeighRows = unsigned(const WeightCall& call, const WeighedRows& rows, RowSums* sums);

// means[e] = sum(w v) / sum(w) without entry e, as WeightedLanes would sum the others; missing
// where their weights sum to 0.
using MeansWithout = void(const double* weights, const double* values, std::uint64_t missing,
                          double* means, std::size_t n);

// quotients[i] = values[i] / divisor, entries with the bits `missing` kept. Returns the greatest
// quotient, -infinity where all are missing. The divisor is not zero.
using Quotients = double(const double* values, double divisor, std::uint64_t missing,
                         double* quotients, std::size_t n);

// Adds weights[i] * values[i] and weights[i] to lane i mod 8, in the order of i; entries with a
// missing weight or value, or of weight 0, are skipped. Returns how many were added.
using WeightedLanes = std::size_t(const double* weights, const double* values,
                                  std::uint64_t missing, double* numerator, double* denominator,
                                  std::size_t n);

// means[c] = sum_r(weights[r] table[r][c]) / sum_r weights[r] over the rows whose entry is not
// missing, summed in the order of r; missing where the divisor is 0.
using ColumnMeans = void(const double* table, const double* weights, std::size_t rows,
                         std::size_t columns, std::uint64_t missing, double* means);

// averages[i] = alpha (wholes[i] - parts[i]) + (1 - alpha) averages[i], a missing average counting
// as `initial`; entries whose whole or part is missing stay. False if an average is no finite
// number.
struct AverageStep {
    double alpha;
    double initial;
    std::uint64_t missing;
};

using UpdateAverages = bool(const AverageStep& step, const double* wholes, const double* parts,
                            double* averages, std::size_t n);

// The same for rows of n averages, `stride` numbers apart, with one whole each and the same parts.
struct AverageRows {
    const double* wholes;
    std::size_t rows;
    const double* parts;
    std::size_t n;
    std::size_t stride;
};

using UpdateRows = bool(const AverageStep& step, const AverageRows& rows, double* averages);

// Whether every entry is missing, zero, or of a magnitude from `least` to `greatest`.
using AllWithin = bool(const double* values, double least, double greatest, std::uint64_t missing,
                       std::size_t n);

// Above, sorting takes fewer steps than comparing everything with everything.
inline constexpr std::size_t most_ranked = 128;

// Rank of every value in ascending order, equal ones in the order of i: 0 .. n - 1, where n is at
// most `most_ranked`. False where a NaN leaves no order.
using Ranks = bool(const double* values, std::uint64_t* ranks, std::size_t n);

// filled[i] = values[i], and `initial` for entries with the bits `missing`.
using FillMissing = void(const double* values, double initial, std::uint64_t missing,
                         double* filled, std::size_t n);

// sums[r][i] = sum_c (table[c][r] - table[c][i])^2 in the order of c, for r < rows and i < stride.
// Rows of the table and of the sums lie `stride` apart, a multiple of 8 above `rows`; what the
// table holds beyond `rows` is 0, so that sums[r][rows] is that of the squares alone.
using SquareSums = void(const double* table, std::size_t columns, std::size_t stride, double* sums,
                        std::size_t rows);

// Scores of reputers (formula/listening.hpp) at eight lists of listening coefficients side by side:
// entry m of list l is at 8 m + l. `square_sums` as above, per group of columns with the same
// reporters; `scratch` has room for 32 numbers per reputer.
struct ReputerScores {
    std::size_t reputers;
    std::size_t groups;
    std::size_t stride;
    const std::uint8_t* reported; // groups x reputers
    const double* square_sums;    // groups x reputers x stride
    const double* stakes;
    double epsilon_safe_div;
    double epsilon_reputer;
    double* scratch;
};

inline constexpr std::size_t scored_lists = 8;

// totals[l] = sum_m scores[m] stakes[m] of list l. False where a list has a fault or a negative
// adjusted stake: the results are then of no use.
using ScoreLists = bool(const ReputerScores& given, const double* coefficients, double* scores,
                        double* totals);

using AnyMissing = bool(const double* values, std::uint64_t missing, std::size_t n);

struct ArrayKernels {
    RatioWeights* ratio_weights;
    Quotients* quotients;
    WeightedLanes* weighted_lanes;
    ColumnMeans* column_means;
    UpdateAverages* update_averages;
    UpdateRows* update_rows;
    AllWithin* all_within;
    Ranks* ranks;
    FillMissing* fill_missing;
    WeighRows* weigh_rows;
    MeansWithout* means_without;
    SquareSums* square_sums;
    ScoreLists* score_lists;
    AnyMissing* any_missing;
};

namespace base {
extern const ArrayKernels array_kernels;
}
#if defined(__x86_64__)
namespace avx2 {
extern const ArrayKernels array_kernels;
}
namespace avx512 {
extern const ArrayKernels array_kernels;
}
inline constexpr Copies<const ArrayKernels*> array_kernel_copies = {
    &base::array_kernels, &avx2::array_kernels, &avx512::array_kernels};
#else
inline constexpr Copies<const ArrayKernels*> array_kernel_copies = {
    &base::array_kernels, &base::array_kernels, &base::array_kernels};
#endif

// The copy that this process runs with. A device has none: see `one_at_a_time`.
ALLORA_HD inline const ArrayKernels& array_kernels() {
#if defined(__CUDA_ARCH__)
    __builtin_unreachable();
#else
    static const ArrayKernels* const copy = array_kernel_copies.of(chosen_variant().variant);
    return *copy;
#endif
}

} // namespace allora::float64

// The functions of float64.hpp over arrays, in one copy per instruction-set variant.
#pragma once

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

// Weights of one call in the ratio form (formula/weight.hpp): weights[i] from normalized regrets
// n[i], w = (e^a + 1) / (e^b + 1), b = -(p (n - c)), with `left` = e^-|a| + 1. The bits of the
// scalar form; an entry with the bits `missing` stays as it is.
struct RatioCall {
    double p;
    double c;
    double a;
    double left;
    std::uint64_t missing;
};

using RatioWeights = void(const RatioCall& call, const double* normalized, double* weights,
                          std::size_t n);

namespace base {
RatioWeights ratio_weights;
}
#if defined(__x86_64__)
namespace avx2 {
RatioWeights ratio_weights;
}
namespace avx512 {
RatioWeights ratio_weights;
}
inline constexpr Copies<RatioWeights*> ratio_copies = {base::ratio_weights, avx2::ratio_weights,
                                                       avx512::ratio_weights};
#else
inline constexpr Copies<RatioWeights*> ratio_copies = {base::ratio_weights, base::ratio_weights,
                                                       base::ratio_weights};
#endif

// By the copy that this process runs with.
inline void ratio_weights(const RatioCall& call, const double* normalized, double* weights,
                          std::size_t n) {
    static RatioWeights* const copy = ratio_copies.of(chosen_variant().variant);
    copy(call, normalized, weights, n);
}

} // namespace allora::float64

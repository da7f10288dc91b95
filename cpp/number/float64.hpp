// Elementary functions of IEEE binary64 that give the same bits on every processor.
//
// Made of + - * / sqrt, comparisons and bit moves alone, so that the host and a device, and each
// instruction set, agree to the last bit; see float64_bits.hpp for what the build must guarantee.
#pragma once

#include "number/float64_exp.hpp"
#include "number/float64_log.hpp"
#include "number/float64_pow.hpp"

namespace allora::float64 {

// Correctly rounded by IEEE 754 itself. sqrt(x < 0) = NaN, sqrt(-0) = -0.
ALLORA_INLINE double sqrt(double x) {
#if defined(__CUDA_ARCH__)
    const double root = __dsqrt_rn(x);
#else
    const double root = __builtin_sqrt(x);
#endif
    return select(mask_if_nan(x) | (mask_if_negative(x) & ~mask_if_zero(x)), canonical_nan(), root);
}

} // namespace allora::float64

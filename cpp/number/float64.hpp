// Elementary functions of IEEE binary64 that give the same bits on every processor.
//
// Made of + - * / sqrt, comparisons and bit moves alone, so that the host and a device, and each
// instruction set, agree to the last bit; see float64_bits.hpp for what the build must guarantee.
//
// Each function states its largest error, in units of the last place of the true value. The figures
// are not proved: they are the largest errors seen on 10^9 arguments of each function (3 * 10^8
// of log2, log10 and sqrt), rounded up; tests/number/test_float64.py holds them on 10^7.
#pragma once

#include "float64_exp.hpp"
#include "float64_log.hpp"
#include "float64_pow.hpp"

namespace allora::float64 {

// sqrt: error <= 0.5 ulp.
// Every x >= 0, correctly rounded by IEEE 754 itself. sqrt(x < 0) = NaN, sqrt(-0) = -0.
ALLORA_INLINE double sqrt(double x) {
#if defined(__CUDA_ARCH__)
    const double root = __dsqrt_rn(x);
#else
    const double root = __builtin_sqrt(x);
#endif
    return select(mask_if_nan(x) | (mask_if_negative(x) & ~mask_if_zero(x)), canonical_nan(), root);
}

} // namespace allora::float64

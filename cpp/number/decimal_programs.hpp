// The chain's exponential and logarithm from v0.12 on: fixed straight-line programs at 36 digits,
// half-even after every step. They are not correctly rounded; the program is the definition.
// Source: allora-chain v0.17, math/exp.go and math/log.go.
//
// Written once over the work type: BigDecimal, or 128-bit coefficients. A work type has a member
// `exponent` and the functions add36, sub36, mul36, quo36 and round_to_integer.
#pragma once

#include "decimal_parts.hpp"
#include "host_device.hpp"
#include "wide.hpp"

#include <cstdint>

#if defined(__CUDACC__)
#include "decimal_tables.hpp"
#endif

namespace allora {

// For work types {coefficient, exponent, negative} with 128-bit coefficients.
template <class Work>
struct WorkNumber {
    ALLORA_HD static Work from_parts(const DecimalParts& parts) {
        return {parts.coefficient, parts.exponent, parts.negative};
    }
    ALLORA_HD static bool is_zero(const Work& x) { return x.coefficient == 0; }
    ALLORA_HD static int digits(const Work& x) { return digit_count(x.coefficient); }
};

template <class Work>
ALLORA_HD Work work_from_int(std::int64_t value) {
    const bool negative = value < 0;
    return WorkNumber<Work>::from_parts(
        {static_cast<u128>(negative ? -value : value), 0, negative});
}

ALLORA_INLINE const DecimalParts& exp_table(std::int64_t at) {
#if defined(__CUDA_ARCH__)
    ALLORA_ENTRY(fixed::exp_table, at);
#else
    return exp_table_parts[static_cast<std::size_t>(at)];
#endif
}

namespace program {

ALLORA_INLINE DecimalParts ln10() {
    return parts_of("2.302585092994045684017991454684364207");
}
// 300 / ln 10, and ln 10 / 300 in two pieces: the first has few digits, so t * high is exact.
ALLORA_INLINE DecimalParts per_step() {
    return parts_of("130.288344570975548295338675674981525");
}
ALLORA_INLINE DecimalParts step_high() {
    return parts_of("0.007675283643313485613393");
}
ALLORA_INLINE DecimalParts step_low() {
    return parts_of("3.048489478806920036716287625765868E-25");
}
ALLORA_INLINE DecimalParts p2() {
    return parts_of("0.166666666666666666666666666666666667");
}
ALLORA_INLINE DecimalParts p4() {
    return parts_of("-0.00277777777777777777777777777777777778");
}
ALLORA_INLINE DecimalParts p6() {
    return parts_of("0.0000661375661375661375661375661375661376");
}
ALLORA_INLINE DecimalParts p8() {
    return parts_of("-0.00000165343915343915343915343915343915344");
}

} // namespace program

// e^x = 10^a * T[b] * e^c with t = 300 a + b the nearest integer to 300 x / ln 10,
// e^c = 1 + c + c r / (2 - r), r = c - c^2 (P2 + c^2 (P4 + c^2 (P6 + c^2 P8))).
// For |x| <= 10^5 ln 10.
template <class Work>
ALLORA_INLINE Work exp36(const Work& x) {
    using Constant = WorkNumber<Work>;
    if (Constant::is_zero(x)) {
        return work_from_int<Work>(1);
    }
    const std::int64_t t = round_to_integer(mul36(x, Constant::from_parts(program::per_step())));
    const std::int64_t a = t / table_size - static_cast<std::int64_t>(t % table_size < 0);
    const std::int64_t b = t - table_size * a;
    const Work steps = work_from_int<Work>(t);
    const Work c = sub36(sub36(x, mul36(steps, Constant::from_parts(program::step_high()))),
                         mul36(steps, Constant::from_parts(program::step_low())));
    const Work c2 = mul36(c, c);
    Work series =
        add36(Constant::from_parts(program::p6()), mul36(c2, Constant::from_parts(program::p8())));
    series = add36(Constant::from_parts(program::p4()), mul36(c2, series));
    series = add36(Constant::from_parts(program::p2()), mul36(c2, series));
    const Work r = sub36(c, mul36(c2, series));
    const Work power = Constant::from_parts(exp_table(b));
    const Work u = mul36(power, c);
    Work y = quo36(mul36(u, r), sub36(work_from_int<Work>(2), r));
    y = add36(add36(y, u), power);
    y.exponent += static_cast<std::int32_t>(a);
    return y;
}

// ln x = ln A + B ln 10 for x = A * 10^B, 1 <= A < 10: three Halley steps on e^l = A from
// l = 3 - 9/(A + 2). For x > 0.
template <class Work>
ALLORA_HD Work ln36(const Work& x) {
    using Constant = WorkNumber<Work>;
    const Work one = work_from_int<Work>(1);
    const Work two = work_from_int<Work>(2);
    const int digits = Constant::digits(x);
    const std::int64_t shift = static_cast<std::int64_t>(x.exponent) + digits - 1;
    Work mantissa = x;
    mantissa.exponent = 1 - digits;
    if (shift == 0 && Constant::is_zero(sub36(mantissa, one))) {
        return work_from_int<Work>(0);
    }
    const Work s = mul36(work_from_int<Work>(shift), Constant::from_parts(program::ln10()));
    Work l = sub36(work_from_int<Work>(3), quo36(work_from_int<Work>(9), add36(mantissa, two)));
    for (int i = 0; i < 3; ++i) {
        const Work e = exp36(l);
        l = sub36(l, mul36(two, quo36(sub36(e, mantissa), add36(e, mantissa))));
    }
    return add36(l, s);
}

} // namespace allora

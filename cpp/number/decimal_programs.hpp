// The chain's exponential and logarithm from v0.12 on: fixed straight-line programs at 36 digits,
// half-even after every step. They are not correctly rounded; the program is the definition.
// Source: allora-chain v0.17, math/exp.go and math/log.go.
//
// Written once over the work type: BigDecimal, or 128-bit coefficients. A work type has a member
// `exponent`, the functions add36, sub36, mul36, quo36 and, found by its namespace, optionally a
// faster round_to_integer.
#pragma once

#include "wide.hpp"

#include <array>
#include <cstdint>
#include <string_view>

namespace allora {

// A number of at most 38 digits, so that constants are written as their decimal text.
struct DecimalParts {
    u128 coefficient;
    std::int32_t exponent;
    bool negative;
};

consteval DecimalParts parts_of(std::string_view text) {
    DecimalParts parts{0, 0, false};
    bool after_point = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '-') {
            parts.negative = true;
        } else if (text[i] == '.') {
            after_point = true;
        } else if (text[i] == 'E') {
            std::int32_t written = 0;
            for (std::size_t j = i + 2; j < text.size(); ++j) {
                written = written * 10 + (text[j] - '0');
            }
            parts.exponent += text[i + 1] == '-' ? -written : written;
            break;
        } else {
            parts.coefficient = parts.coefficient * 10 + static_cast<u128>(text[i] - '0');
            parts.exponent -= after_point ? 1 : 0;
        }
    }
    return parts;
}

inline constexpr int table_size = 300;

// T[i] = H_36(10^q), q = i/300 as a 36-digit half-even quotient.
const std::array<DecimalParts, table_size>& exp_table_parts();

// For work types {coefficient, exponent, negative} with 128-bit coefficients.
template <class Work>
struct WorkNumber {
    static Work from_parts(const DecimalParts& parts) {
        return {parts.coefficient, parts.exponent, parts.negative};
    }
    static bool is_zero(const Work& x) { return x.coefficient == 0; }
    static int digits(const Work& x) { return digit_count(x.coefficient); }
};

template <class Work>
Work work_from_int(std::int64_t value) {
    const bool negative = value < 0;
    return WorkNumber<Work>::from_parts(
        {static_cast<u128>(negative ? -value : value), 0, negative});
}

// Half-even, for |x| < 10^18.
template <class Work>
std::int64_t round_to_integer(const Work& x) {
    u128 magnitude = x.coefficient;
    if (x.exponent >= 0) {
        magnitude *= short_powers[x.exponent];
    } else if (x.exponent < -38) {
        magnitude = 0;
    } else {
        const u128 unit = short_powers[-x.exponent];
        const u128 remainder = magnitude % unit;
        const u128 rest = unit - remainder;
        magnitude /= unit;
        const bool up = remainder > rest || (remainder == rest && (magnitude & 1) != 0);
        magnitude += static_cast<u128>(up);
    }
    const auto value = static_cast<std::int64_t>(magnitude);
    return x.negative ? -value : value;
}

template <class Work>
const Work& exp_table(std::int64_t index) {
    static const std::array<Work, table_size> table = [] {
        std::array<Work, table_size> entries{};
        for (std::size_t i = 0; i < entries.size(); ++i) {
            entries[i] = WorkNumber<Work>::from_parts(exp_table_parts()[i]);
        }
        return entries;
    }();
    return table[static_cast<std::size_t>(index)];
}

namespace program {

inline constexpr DecimalParts ln10 = parts_of("2.302585092994045684017991454684364207");
// 300 / ln 10, and ln 10 / 300 in two pieces: the first has few digits, so t * high is exact.
inline constexpr DecimalParts per_step = parts_of("130.288344570975548295338675674981525");
inline constexpr DecimalParts step_high = parts_of("0.007675283643313485613393");
inline constexpr DecimalParts step_low = parts_of("3.048489478806920036716287625765868E-25");
inline constexpr DecimalParts p2 = parts_of("0.166666666666666666666666666666666667");
inline constexpr DecimalParts p4 = parts_of("-0.00277777777777777777777777777777777778");
inline constexpr DecimalParts p6 = parts_of("0.0000661375661375661375661375661375661376");
inline constexpr DecimalParts p8 = parts_of("-0.00000165343915343915343915343915343915344");

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
    const std::int64_t t = round_to_integer(mul36(x, Constant::from_parts(program::per_step)));
    const std::int64_t a = t / table_size - static_cast<std::int64_t>(t % table_size < 0);
    const std::int64_t b = t - table_size * a;
    const Work steps = work_from_int<Work>(t);
    const Work c = sub36(sub36(x, mul36(steps, Constant::from_parts(program::step_high))),
                         mul36(steps, Constant::from_parts(program::step_low)));
    const Work c2 = mul36(c, c);
    Work series =
        add36(Constant::from_parts(program::p6), mul36(c2, Constant::from_parts(program::p8)));
    series = add36(Constant::from_parts(program::p4), mul36(c2, series));
    series = add36(Constant::from_parts(program::p2), mul36(c2, series));
    const Work r = sub36(c, mul36(c2, series));
    const Work& power = exp_table<Work>(b);
    const Work u = mul36(power, c);
    Work y = quo36(mul36(u, r), sub36(work_from_int<Work>(2), r));
    y = add36(add36(y, u), power);
    y.exponent += static_cast<std::int32_t>(a);
    return y;
}

// ln x = ln A + B ln 10 for x = A * 10^B, 1 <= A < 10: three Halley steps on e^l = A from
// l = 3 - 9/(A + 2). For x > 0.
template <class Work>
Work ln36(const Work& x) {
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
    const Work s = mul36(work_from_int<Work>(shift), Constant::from_parts(program::ln10));
    Work l = sub36(work_from_int<Work>(3), quo36(work_from_int<Work>(9), add36(mantissa, two)));
    for (int i = 0; i < 3; ++i) {
        const Work e = exp36(l);
        l = sub36(l, mul36(two, quo36(sub36(e, mantissa), add36(e, mantissa))));
    }
    return add36(l, s);
}

} // namespace allora

// The functions of v0.12 and later around the 36-digit programs, and the square root of all
// versions. Source: allora-chain v0.17, math/exp.go, math/log.go, math/pow.go.
#pragma once

#include "arena.hpp"
#include "decimal_functions.hpp"
#include "decimal_library.hpp"

#include <algorithm>
#include <utility>

namespace allora {

namespace {

ALLORA_HD DecimalParts exp_bound() {
    return parts_of("230258.509299404568401799145468436421");
}
ALLORA_HD DecimalParts per_ln10() {
    return parts_of("0.434294481903251827651128918916605082");
}

ALLORA_HD BigDecimal constant(const DecimalParts& parts) {
    return WorkNumber<BigDecimal>::from_parts(parts);
}

// First fault, then the causes both logarithms share.
ALLORA_HD Cause logarithm_fault(const BigDecimal& x) {
    if (!x.is_finite()) {
        return x.fault();
    }
    return compare(x, BigDecimal::from_int(0)) <= 0 ? Cause::domain : Cause::none;
}

// The coefficient of the integer part at exponent 0; its sign is dropped, as the chain does.
// False where it has more than 34 digits.
ALLORA_HD bool integer_exponent(const BigDecimal& integer, Natural& k) {
    const std::int64_t digits = static_cast<std::int64_t>(integer.coefficient.digit_count()) +
                                std::max(integer.exponent, 0);
    if (digits > static_cast<std::int64_t>(decimal128().precision)) {
        return false;
    }
    k = mul_pow10(integer.coefficient, static_cast<std::size_t>(integer.exponent));
    return true;
}

// x^y = x^|I| * e^(f ln x) for y = I + f.
ALLORA_HD BigDecimal pow_by_programs(const BigDecimal& x, const BigDecimal& y) {
    if (const Cause cause = operand_fault(x, y); cause != Cause::none) {
        return BigDecimal::faulted(cause);
    }
    if (x.is_infinite() || y.is_infinite()) {
        return BigDecimal::faulted(Cause::infinite_arg);
    }
    if (x.is_negative()) {
        return BigDecimal::faulted(Cause::domain);
    }
    if (x.is_zero()) {
        return BigDecimal::from_int(0);
    }
    if (y.is_zero()) {
        return BigDecimal::from_int(1);
    }
    if (y == BigDecimal::from_int(1)) {
        return x;
    }
    const Context context = pow_context(x);
    const Split parts = split(y);
    Natural k;
    if (!integer_exponent(parts.integer, k)) {
        return BigDecimal::faulted(Cause::invalid);
    }
    const BigDecimal z = integer_power(context, x, k);
    if (parts.fraction.is_zero() || !z.is_finite()) {
        return round(decimal128(), z);
    }
    const BigDecimal w = mul(context, ln36(x), parts.fraction);
    return round(decimal128(), mul(context, z, exp36_anywhere(w)));
}

} // namespace

ALLORA_APART std::int64_t round_to_integer(const BigDecimal& x) {
    if (!x.is_finite()) {
        return 0;
    }
    Natural magnitude;
    if (x.exponent >= 0) {
        magnitude = mul_pow10(x.coefficient, static_cast<std::size_t>(x.exponent));
    } else {
        const auto places = static_cast<std::size_t>(-static_cast<std::int64_t>(x.exponent));
        if (places > x.coefficient.digit_count()) {
            return 0;
        }
        NaturalQuotient cut = div_pow10(x.coefficient, places);
        const int half = compare_with_half(cut.remainder, power_of_ten(places));
        const bool up = half > 0 || (half == 0 && cut.quotient.is_odd());
        magnitude = add(cut.quotient, Natural::from_u64(static_cast<std::uint64_t>(up)));
    }
    const auto value = static_cast<std::int64_t>(magnitude.low_u64());
    return x.negative ? -value : value;
}

ALLORA_APART BigDecimal exp36_anywhere(const BigDecimal& x) {
    if (!x.is_finite()) {
        return BigDecimal::faulted(x.fault());
    }
    const BigDecimal bound = constant(exp_bound());
    if (compare(abs(x), bound) > 0) {
        return x.negative ? BigDecimal::from_int(0) : BigDecimal::infinity(false);
    }
    return exp36(x);
}

ALLORA_APART BigDecimal integer_power(const Context& context, const BigDecimal& x,
                                      const Natural& k) {
    BigDecimal z = BigDecimal::from_int(1);
    BigDecimal n = x;
    const std::size_t bits = k.bit_length();
    for (std::size_t i = 0; i < bits; ++i) {
        if (((k.limbs()[i / 64] >> (i % 64)) & 1) != 0) {
            z = mul(context, z, n);
        }
        // The square after the last bit would only be a chance to leave the limits.
        if (i + 1 < bits) {
            n = mul(context, n, n);
        }
        if (!z.is_finite() || !n.is_finite()) {
            return BigDecimal::faulted(z.is_finite() ? n.fault() : z.fault());
        }
    }
    return z;
}

ALLORA_APART Context pow_context(const BigDecimal& x) {
    return {10 + std::max(decimal128().precision, x.coefficient.digit_count()), Rounding::half_up};
}

ALLORA_APART BigDecimal sqrt(const BigDecimal& x) {
    if (const Cause cause = operand_fault(x); cause != Cause::none) {
        return BigDecimal::faulted(cause);
    }
    if (x.is_negative()) {
        return BigDecimal::faulted(Cause::invalid);
    }
    if (x.is_infinite()) {
        return x;
    }
    if (x.is_zero()) {
        return BigDecimal::from_parts(x.negative, {}, x.exponent / 2);
    }
    const auto digits = static_cast<std::int32_t>(x.coefficient.digit_count());
    const std::size_t width = std::max<std::size_t>(35, static_cast<std::size_t>(digits));
    Context context{width, Rounding::half_even};
    std::int32_t e = digits + x.exponent;
    BigDecimal f = BigDecimal::from_parts(false, x.coefficient, -digits);
    const bool odd = e % 2 != 0;
    if (odd) {
        f.exponent -= 1;
        e += 1;
    }
    // A linear guess on each half of [0.01, 1); Newton's step g = (f/g + g)/2 doubles its digits.
    using Constant = Number<BigDecimal>;
    const BigDecimal slope = odd ? Constant::constant(259, -2) : Constant::constant(819, -3);
    const BigDecimal start = odd ? Constant::constant(819, -4) : Constant::constant(259, -3);
    BigDecimal g = add(context, mul(context, slope, f), start);
    const BigDecimal half = Constant::constant(5, -1);
    for (std::size_t p = 3; p != width + 5;) {
        p = std::min(2 * p - 2, width + 5);
        context.precision = p;
        g = mul(context, half, add(context, quo(context, f, g), g));
    }
    g.exponent += e / 2;
    return round(final_context(), g);
}

ALLORA_APART BigDecimal exp(DecimalFunctions functions, const BigDecimal& x) {
    if (functions == DecimalFunctions::library) {
        return library::exp(decimal128().precision, x);
    }
    return round(final_context(), exp36_anywhere(x));
}

ALLORA_APART BigDecimal ln(DecimalFunctions functions, const BigDecimal& x) {
    if (functions == DecimalFunctions::library) {
        return library::ln(decimal128(), x);
    }
    if (const Cause cause = logarithm_fault(x); cause != Cause::none) {
        return BigDecimal::faulted(cause);
    }
    return round(final_context(), ln36(x));
}

ALLORA_APART BigDecimal log10(DecimalFunctions functions, const BigDecimal& x) {
    if (functions == DecimalFunctions::library) {
        return library::log10(x);
    }
    if (const Cause cause = logarithm_fault(x); cause != Cause::none) {
        return BigDecimal::faulted(cause);
    }
    return round(final_context(), mul36(ln36(x), constant(per_ln10())));
}

ALLORA_APART BigDecimal pow(DecimalFunctions functions, const BigDecimal& x, const BigDecimal& y) {
    if (functions == DecimalFunctions::library) {
        return library::pow(x, y);
    }
    return pow_by_programs(x, y);
}

} // namespace allora

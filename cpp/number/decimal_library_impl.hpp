// The decimal library's exponential (Hull and Abrham 1986), logarithm (a series near 1, Halley
// elsewhere) and power, step by step.
#pragma once

#include "arena.hpp"
#include "decimal_functions.hpp"
#include "decimal_library.hpp"
#include "decimal_seed.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

namespace allora::library {

namespace {

// atanh(1/k) * 10^places, truncated term by term.
ALLORA_HD Natural inverse_tangent(std::uint64_t k, std::size_t places) {
    Natural power = div_small(power_of_ten(places), k).quotient;
    Natural total = power;
    for (std::uint64_t n = 3; !power.is_zero(); n += 2) {
        power = div_small(power, k * k).quotient;
        total = add(total, div_small(power, n).quotient);
    }
    return total;
}

// ln 10 = 46 atanh(1/31) + 34 atanh(1/49) + 20 atanh(1/161).
ALLORA_HD BigDecimal compute_ln10(std::size_t digits) {
    constexpr std::size_t guard = 15;
    const std::size_t places = digits + guard;
    const Natural total = add(
        add(mul_small(inverse_tangent(31, places), 46), mul_small(inverse_tangent(49, places), 34)),
        mul_small(inverse_tangent(161, places), 20));
    return round({digits, Rounding::half_up},
                 BigDecimal::from_parts(false, total, -static_cast<std::int32_t>(places)));
}

ALLORA_HD BigDecimal inverse_ln10() {
#if defined(__CUDA_ARCH__)
    return quo({64, Rounding::half_up}, BigDecimal::from_int(1), compute_ln10(90));
#else
    static const BigDecimal value =
        quo({64, Rounding::half_up}, BigDecimal::from_int(1), compute_ln10(90));
    return value;
#endif
}

// The number of terms of the series for |r| at p digits; 0 where it would be more than 1000.
ALLORA_HD std::int64_t series_length(std::int64_t p, const BigDecimal& r) {
    const auto digits = static_cast<double>(p);
    // Products through `volatile`: a fused operation would round once instead of twice.
    volatile double scaled = 1.435 * digits;
    const double length = std::ceil((scaled - 1.182) / seed_log10(digits / nearest_double(abs(r))));
    return length > 1000.0 || std::isnan(length) ? 0 : static_cast<std::int64_t>(length);
}

// ln(1 + d) = 2 (q + q^3/3 + q^5/5 + ...), q = d/(d + 2).
ALLORA_HD BigDecimal ln_series(const Context& context, const BigDecimal& d) {
    const BigDecimal q = quo(context, d, add(context, d, BigDecimal::from_int(2)));
    BigDecimal m = add(context, q, q);
    BigDecimal l = m;
    const BigDecimal smallest =
        Number<BigDecimal>::constant(1, -static_cast<int>(context.precision));
    for (std::int64_t n = 1;; ++n) {
        m = mul(context, mul(context, m, q), q);
        const BigDecimal h = quo(context, m, BigDecimal::from_int(2 * n + 1));
        l = add(context, l, h);
        if (compare(abs(h), smallest) <= 0 || !l.is_finite()) {
            return l;
        }
    }
}

// Halley: l = l - 2 (e^l - z)/(e^l + z), from the double logarithm, until the last of
// precision - 1 digits rests.
ALLORA_HD BigDecimal ln_iteration(const Context& context, const BigDecimal& z) {
    const std::size_t settled = context.precision - 1;
    BigDecimal l = shortest_decimal(seed_log(nearest_double(z)));
    BigDecimal previous = BigDecimal::from_int(0);
    for (std::size_t round_count = 1;; ++round_count) {
        const BigDecimal e = exp(context.precision, l);
        const BigDecimal difference = sub(context, e, z);
        l = sub(context, l, quo(context, add(context, difference, difference), add(context, e, z)));
        if (!l.is_finite()) {
            return l;
        }
        const BigDecimal change = abs(sub(context, previous, l));
        const int last =
            static_cast<int>(l.coefficient.digit_count()) + l.exponent - static_cast<int>(settled);
        if (compare(change, Number<BigDecimal>::constant(1, last)) <= 0) {
            return l;
        }
        if (round_count == 10 + settled) {
            return BigDecimal::faulted(Cause::invalid);
        }
        previous = l;
    }
}

// What needs no computing: faults, infinities, zero, one.
ALLORA_HD bool is_special_logarithm(const BigDecimal& x, BigDecimal& result) {
    if (const Cause cause = operand_fault(x); cause != Cause::none) {
        result = BigDecimal::faulted(cause);
    } else if (x.is_negative()) {
        result = BigDecimal::faulted(Cause::invalid);
    } else if (x.is_infinite()) {
        result = x;
    } else if (x.is_zero()) {
        result = BigDecimal::infinity(true);
    } else if (x == BigDecimal::from_int(1)) {
        result = BigDecimal::from_int(0);
    } else {
        return false;
    }
    return true;
}

ALLORA_HD bool is_special_exponential(const BigDecimal& x, BigDecimal& result) {
    if (const Cause cause = operand_fault(x); cause != Cause::none) {
        result = BigDecimal::faulted(cause);
    } else if (x.is_infinite()) {
        result = x.negative ? BigDecimal::from_int(0) : x;
    } else if (x.is_zero()) {
        result = BigDecimal::from_int(1);
    } else {
        return false;
    }
    return true;
}

ALLORA_HD bool is_special_power(const BigDecimal& x, const BigDecimal& y, const Split& parts,
                                BigDecimal& result) {
    const bool integral = y.is_infinite() || parts.fraction.is_zero();
    const bool negative = x.negative && y.is_finite() && integral && parts.integer.exponent == 0 &&
                          parts.integer.coefficient.is_odd();
    if (x.is_infinite() && !y.is_zero()) {
        if (x.negative && (y.is_infinite() || !integral)) {
            result = BigDecimal::faulted(Cause::invalid);
        } else {
            result = y.negative ? BigDecimal::from_parts(negative, {}, 0)
                                : BigDecimal::infinity(negative);
        }
    } else if (x.is_zero()) {
        if (y.is_zero()) {
            result = BigDecimal::faulted(Cause::invalid);
        } else {
            result = y.negative ? BigDecimal::infinity(negative)
                                : BigDecimal::from_parts(negative, {}, 0);
        }
    } else if (y.is_zero() || y.is_infinite()) {
        result = BigDecimal::from_int(1);
    } else if (x.is_negative() && !integral) {
        result = BigDecimal::faulted(Cause::invalid);
    } else {
        return false;
    }
    return true;
}

} // namespace

ALLORA_APART BigDecimal ln10(std::size_t precision) {
    const std::size_t digits = std::bit_ceil(precision);
    if (digits != 64) {
        return compute_ln10(digits);
    }
#if defined(__CUDA_ARCH__)
    static constexpr Wide<4> usual = fixed::ln10_of_64_digits();
    return BigDecimal::from_parts(false, Natural::from_limbs(usual.limb, 4), -63);
#else
    static const BigDecimal usual = compute_ln10(64);
    return usual;
#endif
}

ALLORA_APART BigDecimal exp(std::size_t precision, const BigDecimal& x) {
    BigDecimal special;
    if (is_special_exponential(x, special)) {
        return special;
    }
    const BigDecimal magnitude = abs(x);
    std::size_t cp = precision;
    const double needed = nearest_double(magnitude) / 23.0;
    if (needed > static_cast<double>(cp) && needed < 1000.0) {
        cp = static_cast<std::size_t>(std::ceil(needed));
    }
    if (compare(magnitude, BigDecimal::from_int(23 * static_cast<std::int64_t>(cp))) > 0) {
        return BigDecimal::faulted(x.negative ? Cause::underflow : Cause::overflow);
    }
    if (compare(magnitude, Number<BigDecimal>::constant(9, -static_cast<int>(cp) - 1)) <= 0) {
        return BigDecimal::from_int(1);
    }
    // r = x / 10^t with |r| < 1, e^x = (e^r)^(10^t).
    const std::int32_t t =
        std::max(0, x.exponent + static_cast<std::int32_t>(x.coefficient.digit_count()));
    const BigDecimal r = quo({cp, Rounding::half_even}, x, Number<BigDecimal>::constant(1, t));
    const Context context{cp + static_cast<std::size_t>(t) + 2, Rounding::half_even};
    const std::int64_t n = series_length(static_cast<std::int64_t>(context.precision), r);
    if (n == 0) {
        return BigDecimal::faulted(Cause::invalid);
    }
    const BigDecimal one = BigDecimal::from_int(1);
    BigDecimal s = one;
    for (std::int64_t i = n - 1; i > 0; --i) {
        s = add(context, mul(context, quo(context, r, BigDecimal::from_int(i)), s), one);
    }
    return round({precision, Rounding::half_even},
                 integer_power(context, s, power_of_ten(static_cast<std::size_t>(t))));
}

ALLORA_APART BigDecimal ln(const Context& context, const BigDecimal& x) {
    BigDecimal special;
    if (is_special_logarithm(x, special)) {
        return special;
    }
    const Context inner{context.precision + 2, Rounding::half_even};
    const BigDecimal one = BigDecimal::from_int(1);
    const BigDecimal near = Number<BigDecimal>::constant(1, -1);
    BigDecimal d = sub(inner, x, one);
    BigDecimal adjustment = BigDecimal::from_int(0);
    BigDecimal l;
    if (compare(abs(d), near) <= 0) {
        l = ln_series(inner, d);
    } else {
        const std::int32_t shift =
            x.exponent + static_cast<std::int32_t>(x.coefficient.digit_count());
        BigDecimal z = x;
        z.exponent -= shift;
        adjustment = mul(inner, BigDecimal::from_int(shift), ln10(inner.precision));
        d = sub(inner, z, one);
        l = compare(abs(d), near) <= 0 ? ln_series(inner, d) : ln_iteration(inner, z);
    }
    return round(context, add(inner, l, adjustment));
}

ALLORA_APART BigDecimal log10(const BigDecimal& x) {
    BigDecimal special;
    if (is_special_logarithm(x, special)) {
        return special;
    }
    const BigDecimal natural = ln({decimal128().precision + 2, Rounding::half_even}, x);
    return mul(final_context(), natural, inverse_ln10());
}

ALLORA_APART BigDecimal pow(const BigDecimal& x, const BigDecimal& y) {
    if (const Cause cause = operand_fault(x, y); cause != Cause::none) {
        return BigDecimal::faulted(cause);
    }
    const Split parts = split(y);
    BigDecimal special;
    if (is_special_power(x, y, parts, special)) {
        return special;
    }
    const Context context = pow_context(x);
    const BigDecimal& integer = parts.integer;
    const Natural k = mul_pow10(integer.coefficient, static_cast<std::size_t>(integer.exponent));
    BigDecimal z = integer_power(context, x, k);
    if (integer.is_negative()) {
        z = quo(context, BigDecimal::from_int(1), z);
    }
    if (parts.fraction.is_zero() || !z.is_finite()) {
        return round(decimal128(), z);
    }
    const BigDecimal w = mul(context, ln(context, round(context, abs(x))), parts.fraction);
    return round(decimal128(), mul(context, z, exp(context.precision, w)));
}

} // namespace allora::library

// The functions of v0.12 and later around the 36-digit programs, and the square root of all
// versions. Source: allora-chain v0.17, math/exp.go, math/log.go, math/pow.go.
#include "decimal_functions.hpp"

#include "decimal_library.hpp"

#include <algorithm>
#include <utility>

namespace allora {

namespace {

constexpr DecimalParts exp_bound = parts_of("230258.509299404568401799145468436421");
constexpr DecimalParts per_ln10 = parts_of("0.434294481903251827651128918916605082");

BigDecimal constant(const DecimalParts& parts) {
    return WorkNumber<BigDecimal>::from_parts(parts);
}

// 10^q for 0 <= q < 1 to more than 55 digits: e^(q ln 10 / 64) by its series, squared six times.
BigDecimal power_of_ten_between(const BigDecimal& q) {
    constexpr Context wide{64, Rounding::half_even};
    constexpr int squarings = 6;
    const BigDecimal argument = quo(wide, mul(wide, q, library::ln10(wide.precision)),
                                    BigDecimal::from_int(std::int64_t{1} << squarings));
    const BigDecimal smallest = BigDecimal::from_parts(false, Natural::from_u64(1), -66);
    BigDecimal term = BigDecimal::from_int(1);
    BigDecimal total = term;
    for (std::int64_t n = 1; compare(term, smallest) > 0; ++n) {
        term = quo(wide, mul(wide, term, argument), BigDecimal::from_int(n));
        total = add(wide, total, term);
    }
    for (int i = 0; i < squarings; ++i) {
        total = mul(wide, total, total);
    }
    return total;
}

std::array<DecimalParts, table_size> make_exp_table() {
    std::array<DecimalParts, table_size> table{};
    table[0] = {1, 0, false};
    for (std::size_t i = 1; i < table.size(); ++i) {
        const BigDecimal q = quo36(BigDecimal::from_int(static_cast<std::int64_t>(i)),
                                   BigDecimal::from_int(table_size));
        const BigDecimal power = round(work_context, power_of_ten_between(q));
        const std::uint64_t* limbs = power.coefficient.limbs();
        table[i] = {(static_cast<u128>(limbs[1]) << 64) | limbs[0], power.exponent, false};
    }
    return table;
}

// First fault, then the causes both logarithms share.
Cause logarithm_fault(const BigDecimal& x) {
    if (!x.is_finite()) {
        return x.fault();
    }
    return compare(x, BigDecimal::from_int(0)) <= 0 ? Cause::domain : Cause::none;
}

// The coefficient of the integer part at exponent 0; its sign is dropped, as the chain does.
// False where it has more than 34 digits.
bool integer_exponent(const BigDecimal& integer, Natural& k) {
    const std::int64_t digits = static_cast<std::int64_t>(integer.coefficient.digit_count()) +
                                std::max(integer.exponent, 0);
    if (digits > static_cast<std::int64_t>(decimal128.precision)) {
        return false;
    }
    k = mul_pow10(integer.coefficient, static_cast<std::size_t>(integer.exponent));
    return true;
}

// x^y = x^|I| * e^(f ln x) for y = I + f.
BigDecimal pow_by_programs(const BigDecimal& x, const BigDecimal& y) {
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
        return round(decimal128, z);
    }
    const BigDecimal w = mul(context, ln36(x), parts.fraction);
    return round(decimal128, mul(context, z, exp36_anywhere(w)));
}

} // namespace

const std::array<DecimalParts, table_size>& exp_table_parts() {
    static const std::array<DecimalParts, table_size> table = make_exp_table();
    return table;
}

std::int64_t round_to_integer(const BigDecimal& x) {
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

BigDecimal exp36_anywhere(const BigDecimal& x) {
    if (!x.is_finite()) {
        return BigDecimal::faulted(x.fault());
    }
    const BigDecimal bound = constant(exp_bound);
    if (compare(abs(x), bound) > 0) {
        return x.negative ? BigDecimal::from_int(0) : BigDecimal::infinity(false);
    }
    return exp36(x);
}

BigDecimal integer_power(const Context& context, const BigDecimal& x, const Natural& k) {
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

Context pow_context(const BigDecimal& x) {
    return {10 + std::max(decimal128.precision, x.coefficient.digit_count()), Rounding::half_up};
}

BigDecimal sqrt(const BigDecimal& x) {
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
    return round(final_context, g);
}

BigDecimal exp(DecimalFunctions functions, const BigDecimal& x) {
    if (functions == DecimalFunctions::library) {
        return library::exp(decimal128.precision, x);
    }
    return round(final_context, exp36_anywhere(x));
}

BigDecimal ln(DecimalFunctions functions, const BigDecimal& x) {
    if (functions == DecimalFunctions::library) {
        return library::ln(decimal128, x);
    }
    if (const Cause cause = logarithm_fault(x); cause != Cause::none) {
        return BigDecimal::faulted(cause);
    }
    return round(final_context, ln36(x));
}

BigDecimal log10(DecimalFunctions functions, const BigDecimal& x) {
    if (functions == DecimalFunctions::library) {
        return library::log10(x);
    }
    if (const Cause cause = logarithm_fault(x); cause != Cause::none) {
        return BigDecimal::faulted(cause);
    }
    return round(final_context, mul36(ln36(x), constant(per_ln10)));
}

BigDecimal pow(DecimalFunctions functions, const BigDecimal& x, const BigDecimal& y) {
    return functions == DecimalFunctions::library ? library::pow(x, y) : pow_by_programs(x, y);
}

BigDecimal exp10(const BigDecimal& x) {
    return library::pow(BigDecimal::from_int(10), x);
}

} // namespace allora

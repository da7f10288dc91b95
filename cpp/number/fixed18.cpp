// Fixed-point numbers of the mint over natural numbers of any length.
#include "fixed18.hpp"

#include "integer_conversion.hpp"

#include <algorithm>
#include <utility>

namespace allora {

namespace {

constexpr std::size_t places = 18;
constexpr std::size_t most_bits = 256;
constexpr std::uint64_t one_units = 1'000'000'000'000'000'000;

struct SignedNatural {
    Natural magnitude;
    bool negative;
};

SignedNatural signed_sum(const Natural& x, bool negative_x, const Natural& y, bool negative_y) {
    if (negative_x == negative_y) {
        return {add(x, y), negative_x};
    }
    return compare(x, y) >= 0 ? SignedNatural{sub(x, y), negative_x}
                              : SignedNatural{sub(y, x), negative_y};
}

int signed_compare(const Natural& x, bool negative_x, const Natural& y, bool negative_y) {
    const SignedNatural difference = signed_sum(x, negative_x, y, !negative_y);
    if (difference.magnitude.is_zero()) {
        return 0;
    }
    return difference.negative ? -1 : 1;
}

Integer checked_integer(SignedNatural value) {
    if (value.magnitude.bit_length() > most_bits) {
        return Integer::faulted(Cause::overflow);
    }
    const bool negative = value.negative && !value.magnitude.is_zero();
    return {std::move(value.magnitude), negative};
}

Fixed18 checked_fixed(Natural units, bool negative) {
    static const Natural limit = mul_pow10(shift_left(Natural::from_u64(1), most_bits), places);
    if (compare(units, limit) >= 0) {
        return Fixed18::faulted(Cause::overflow);
    }
    negative = negative && !units.is_zero();
    return {std::move(units), negative};
}

// Cuts 18 places, half to even.
Natural rounded(const Natural& units) {
    NaturalQuotient cut = div_pow10(units, places);
    const int half = compare_with_half(cut.remainder, Natural::from_u64(one_units));
    if (half > 0 || (half == 0 && cut.quotient.is_odd())) {
        return add(cut.quotient, Natural::from_u64(1));
    }
    return std::move(cut.quotient);
}

} // namespace

Integer Integer::from_int(std::int64_t value) {
    const auto bits = static_cast<std::uint64_t>(value);
    return {Natural::from_u64(value < 0 ? ~bits + 1 : bits), value < 0};
}

Integer Integer::from_text(std::string_view text) {
    const bool negative = !text.empty() && text.front() == '-';
    text.remove_prefix(negative ? 1 : 0);
    const bool digits = std::all_of(text.begin(), text.end(),
                                    [](char digit) { return digit >= '0' && digit <= '9'; });
    if (text.empty() || !digits) {
        return faulted(Cause::parse);
    }
    return checked_integer({Natural::from_decimal_text(text), negative});
}

Integer Integer::faulted(Cause cause) {
    return {{}, false, cause};
}

std::string Integer::to_text() const {
    std::string text = magnitude.to_decimal_text();
    if (negative) {
        text.insert(text.begin(), '-');
    }
    return text;
}

int compare(const Integer& x, const Integer& y) {
    return signed_compare(x.magnitude, x.negative, y.magnitude, y.negative);
}

Integer add(const Integer& x, const Integer& y) {
    if (x.cause != Cause::none || y.cause != Cause::none) {
        return Integer::faulted(x.cause != Cause::none ? x.cause : y.cause);
    }
    return checked_integer(signed_sum(x.magnitude, x.negative, y.magnitude, y.negative));
}

Integer sub(const Integer& x, const Integer& y) {
    Integer opposite = y;
    opposite.negative = !y.negative;
    return add(x, opposite);
}

Integer scale(const Integer& x, std::uint64_t factor, std::uint64_t divisor) {
    if (x.cause != Cause::none) {
        return x;
    }
    return checked_integer(
        {div_small(mul_small(x.magnitude, factor), divisor).quotient, x.negative});
}

Fixed18 Fixed18::from_integer(const Integer& value) {
    if (value.cause != Cause::none) {
        return faulted(value.cause);
    }
    return checked_fixed(mul_pow10(value.magnitude, places), value.negative);
}

Fixed18 Fixed18::from_decimal(const BigDecimal& value, bool cuts) {
    // A number with more digits never fits, so no long power is built to find out.
    constexpr std::int64_t most_digits = 96;
    if (value.is_finite() && !value.is_zero() &&
        static_cast<std::int64_t>(value.coefficient.digit_count()) + value.exponent > most_digits) {
        return faulted(Cause::overflow);
    }
    const BigDecimal fixed = to_fixed_point(value, cuts);
    if (!fixed.is_finite()) {
        return faulted(fixed.fault());
    }
    return checked_fixed(fixed.coefficient, fixed.negative);
}

Fixed18 Fixed18::faulted(Cause cause) {
    return {{}, false, cause};
}

BigDecimal Fixed18::to_decimal() const {
    return cause == Cause::none ? from_fixed_point(negative, units) : BigDecimal::faulted(cause);
}

Integer Fixed18::truncated() const {
    if (cause != Cause::none) {
        return Integer::faulted(cause);
    }
    return checked_integer({div_pow10(units, places).quotient, negative});
}

int compare(const Fixed18& x, const Fixed18& y) {
    return signed_compare(x.units, x.negative, y.units, y.negative);
}

Fixed18 mul(const Fixed18& x, const Integer& factor) {
    if (x.cause != Cause::none || factor.cause != Cause::none) {
        return Fixed18::faulted(x.cause != Cause::none ? x.cause : factor.cause);
    }
    return checked_fixed(mul(x.units, factor.magnitude), x.negative != factor.negative);
}

Fixed18 operator+(const Fixed18& x, const Fixed18& y) {
    if (x.cause != Cause::none || y.cause != Cause::none) {
        return Fixed18::faulted(x.cause != Cause::none ? x.cause : y.cause);
    }
    SignedNatural sum = signed_sum(x.units, x.negative, y.units, y.negative);
    return checked_fixed(std::move(sum.magnitude), sum.negative);
}

Fixed18 operator-(const Fixed18& x, const Fixed18& y) {
    Fixed18 opposite = y;
    opposite.negative = !y.negative;
    return x + opposite;
}

Fixed18 operator*(const Fixed18& x, const Fixed18& y) {
    if (x.cause != Cause::none || y.cause != Cause::none) {
        return Fixed18::faulted(x.cause != Cause::none ? x.cause : y.cause);
    }
    return checked_fixed(rounded(mul(x.units, y.units)), x.negative != y.negative);
}

Fixed18 operator/(const Fixed18& x, const Fixed18& y) {
    if (x.cause != Cause::none || y.cause != Cause::none) {
        return Fixed18::faulted(x.cause != Cause::none ? x.cause : y.cause);
    }
    if (y.units.is_zero()) {
        return Fixed18::faulted(Cause::div_zero);
    }
    const Natural cut = divmod(mul_pow10(x.units, 2 * places), y.units).quotient;
    return checked_fixed(rounded(cut), x.negative != y.negative);
}

} // namespace allora

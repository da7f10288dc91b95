// Conversions between decimals and integers.
#include "integer_conversion_impl.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace allora {

namespace {

constexpr std::int32_t fixed_point_places = 18;

} // namespace

IntegerResult<std::int64_t> to_int64(const BigDecimal& x) {
    if (!x.is_finite()) {
        return {0, x.fault()};
    }
    const Split parts = split(x);
    if (!parts.fraction.is_zero()) {
        return {0, Cause::fractional};
    }
    if (compare(x, BigDecimal::from_int(std::numeric_limits<std::int64_t>::max())) > 0 ||
        compare(x, BigDecimal::from_int(std::numeric_limits<std::int64_t>::min())) < 0) {
        return {0, Cause::int64_overflow};
    }
    const BigDecimal& integer = parts.integer;
    const std::uint64_t magnitude =
        mul_pow10(integer.coefficient, static_cast<std::size_t>(integer.exponent)).low_u64();
    return {static_cast<std::int64_t>(x.negative ? ~magnitude + 1 : magnitude), Cause::none};
}

IntegerResult<std::uint64_t> to_uint64(const BigDecimal& x) {
    if (!x.is_finite()) {
        return {0, x.fault()};
    }
    const BigDecimal reduced = reduce(x).value;
    if (reduced.exponent < 0) {
        return {0, Cause::non_integral};
    }
    constexpr std::int64_t most_digits = std::numeric_limits<std::uint64_t>::digits10 + 1;
    if (reduced.negative || digits_at_unit(reduced) > most_digits) {
        return {0, Cause::overflow};
    }
    const Natural value =
        mul_pow10(reduced.coefficient, static_cast<std::size_t>(reduced.exponent));
    return value.fits_u64() ? IntegerResult<std::uint64_t>{value.low_u64(), Cause::none}
                            : IntegerResult<std::uint64_t>{0, Cause::overflow};
}

BigDecimal to_fixed_point(const BigDecimal& x, bool cuts) {
    if (!x.is_finite()) {
        return BigDecimal::faulted(x.fault());
    }
    if (!cuts && num_decimal_places(x) > fixed_point_places) {
        return BigDecimal::faulted(Cause::rounded);
    }
    const BigDecimal kept = truncate_places(x, fixed_point_places);
    const std::int64_t scale = static_cast<std::int64_t>(kept.exponent) + fixed_point_places;
    return BigDecimal::from_parts(kept.negative,
                                  mul_pow10(kept.coefficient, static_cast<std::size_t>(scale)),
                                  -fixed_point_places);
}

BigDecimal from_uint64(std::uint64_t value) {
    return BigDecimal::from_parts(false, Natural::from_u64(value), 0);
}

BigDecimal from_fixed_point(bool negative, const Natural& units) {
    return BigDecimal::from_parts(negative, units, -fixed_point_places);
}

} // namespace allora

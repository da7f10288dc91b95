// The paths that leave 38 digits: into BigDecimal, and back where the result fits.
#pragma once

#include "decimal.hpp"

#include "decimal_work.hpp"

namespace allora {

ALLORA_APART Decimal Decimal::from_int(std::int64_t value) {
    const bool negative = value < 0;
    const auto magnitude =
        negative ? ~static_cast<std::uint64_t>(value) + 1 : static_cast<std::uint64_t>(value);
    return fast::make(static_cast<u128>(magnitude), 0, negative);
}

ALLORA_APART Decimal Decimal::missing() {
    return {Wide<4>{}, 0, 0, Form::missing, Cause::none};
}

ALLORA_APART Decimal Decimal::faulted(Cause cause) {
    return {Wide<4>{}, 0, 0, Form::fault, cause};
}

ALLORA_APART Cause Decimal::fault() const {
    switch (form) {
    case Form::finite:
        return Cause::none;
    case Form::missing:
        return Cause::missing_value;
    case Form::nan:
        return Cause::nan;
    case Form::infinite:
        return Cause::infinite_arg;
    case Form::wide:
        return Cause::does_not_fit;
    case Form::fault:
        break;
    }
    return cause;
}

ALLORA_APART BigDecimal to_big(const Decimal& x) {
    BigDecimal big;
    big.coefficient = Natural::from_limbs(x.coefficient.limb, 4);
    big.exponent = x.exponent;
    big.negative = x.negative != 0;
    big.form = x.form == Form::wide ? Form::fault : x.form;
    big.cause = x.form == Form::wide ? Cause::does_not_fit : x.cause;
    return big;
}

ALLORA_APART Decimal from_big(const BigDecimal& x) {
    if (x.form == Form::finite && x.coefficient.bit_length() > 256) {
        return Decimal::faulted(Cause::does_not_fit);
    }
    Decimal narrow{Wide<4>{}, x.exponent, static_cast<std::uint8_t>(x.negative), x.form, x.cause};
    for (std::size_t i = 0; i < x.coefficient.size() && i < 4; ++i) {
        narrow.coefficient.limb[i] = x.coefficient.limbs()[i];
    }
    return narrow;
}

namespace slow {

ALLORA_APART Decimal add(const Decimal& x, const Decimal& y) {
    return from_big(to_big(x) + to_big(y));
}
ALLORA_APART Decimal sub(const Decimal& x, const Decimal& y) {
    return from_big(to_big(x) - to_big(y));
}
ALLORA_APART Decimal mul(const Decimal& x, const Decimal& y) {
    return from_big(to_big(x) * to_big(y));
}
ALLORA_APART Decimal quo(const Decimal& x, const Decimal& y) {
    return from_big(to_big(x) / to_big(y));
}
ALLORA_APART Decimal neg(const Decimal& x) {
    return from_big(-to_big(x));
}
ALLORA_APART Decimal abs(const Decimal& x) {
    return from_big(allora::abs(to_big(x)));
}
ALLORA_APART int compare(const Decimal& x, const Decimal& y) {
    return allora::compare(to_big(x), to_big(y));
}

} // namespace slow

namespace work {

namespace {

ALLORA_HD BigDecimal widened_big(const Work& x) {
    return BigDecimal::from_parts(x.negative, Natural::from_u128(x.coefficient), x.exponent);
}

// A 36-digit result, or 37 after a carry that is not renormalised: always two limbs.
ALLORA_HD Work narrowed(const BigDecimal& x) {
    const std::uint64_t* limbs = x.coefficient.limbs();
    const std::uint64_t low = x.coefficient.size() > 0 ? limbs[0] : 0;
    const std::uint64_t high = x.coefficient.size() > 1 ? limbs[1] : 0;
    return {(static_cast<u128>(high) << 64) | low, x.exponent, x.negative};
}

} // namespace

ALLORA_APART Work add_slow(const Work& x, const Work& y) {
    return narrowed(allora::add36(widened_big(x), widened_big(y)));
}

ALLORA_APART Work quo_slow(const Work& x, const Work& y) {
    return narrowed(allora::quo36(widened_big(x), widened_big(y)));
}

} // namespace work

ALLORA_APART Decimal sqrt(const Decimal& x) {
    return from_big(sqrt(to_big(x)));
}

ALLORA_APART Decimal exp(DecimalFunctions functions, const Decimal& x) {
    if (functions == DecimalFunctions::programs && work::is_work(x) && !x.is_zero() &&
        work::exp_in_range(x)) {
        return work::round34(exp36(work::from_decimal(x)));
    }
    return from_big(exp(functions, to_big(x)));
}

ALLORA_APART Decimal ln(DecimalFunctions functions, const Decimal& x) {
    if (functions == DecimalFunctions::programs && work::is_work(x) && !x.is_zero() &&
        x.negative == 0) {
        return work::round34(ln36(work::from_decimal(x)));
    }
    return from_big(ln(functions, to_big(x)));
}

ALLORA_APART Decimal log10(DecimalFunctions functions, const Decimal& x) {
    return from_big(log10(functions, to_big(x)));
}

ALLORA_APART Decimal pow(DecimalFunctions functions, const Decimal& x, const Decimal& y) {
    return from_big(pow(functions, to_big(x), to_big(y)));
}

} // namespace allora

// The work on a shared operand, and the end of a long sum.
#pragma once

#include "shared_operand.hpp"

namespace allora {

namespace fast {

ALLORA_APART Ratio::Ratio(const Natural& numerator, const Natural& denominator) {
    const Natural quotient = divmod(shift_left(numerator, fraction_bits), denominator).quotient;
    for (std::size_t i = 0; i < quotient.size() && i < 3; ++i) {
        multiplier.limb[i] = quotient.limbs()[i];
    }
    usable = quotient.size() <= 3;
}

namespace {

ALLORA_HD Natural natural_of(const Decimal& x) {
    return Natural::from_limbs(x.coefficient.limb, 4);
}

ALLORA_HD bool has_ratio(const Decimal& x) {
    return x.is_finite() && !x.is_zero() && safe(x.exponent);
}

} // namespace

} // namespace fast

ALLORA_APART SharedShare<Decimal>::SharedShare(const Decimal& factor, const Decimal& divisor)
    : factor_(factor), divisor_(divisor) {
    usable_ = fast::has_ratio(factor) && fast::has_ratio(divisor);
    if (!usable_) {
        return;
    }
    factor_digits_ = digit_count(factor.coefficient);
    factor_is_one_ = fast::is_short(factor) && low128(factor.coefficient) == 1;
    multiply_ = fast::Ratio(fast::natural_of(factor),
                            power_of_ten(static_cast<std::size_t>(factor_digits_) + 3));
    divisor_digits_ = digit_count(divisor.coefficient);
    const Natural coefficient = fast::natural_of(divisor);
    const auto digits = static_cast<std::size_t>(divisor_digits_);
    divide_ = digits >= 4 ? fast::Ratio(power_of_ten(digits - 4), coefficient)
                          : fast::Ratio(power_of_ten(0), mul_pow10(coefficient, 4 - digits));
    usable_ = multiply_.usable && divide_.usable;
}

ALLORA_APART void ShortSum<Decimal>::add_general(const Decimal& term) {
    if (!is_general_) {
        general_.add(so_far());
        is_general_ = true;
    }
    general_.add(term);
}

ALLORA_APART Decimal LongSum<Decimal>::value() const {
    Sum<Decimal> sum = rest_;
    for (std::int32_t at = 0; at < exponents; ++at) {
        const Part& part = parts_[static_cast<std::size_t>(at)];
        if (part.used) {
            const Wide<4> coefficient{{part.limb[0], part.limb[1], part.limb[2], 0}};
            sum.add(fast::make(coefficient, first_exponent_ + at, false));
        }
    }
    return sum.value();
}

} // namespace allora

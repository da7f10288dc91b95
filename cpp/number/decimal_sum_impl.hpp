// Sums that outgrow 256 bits on the way, and the 36-digit steps of a weight.
#pragma once

#include "decimal_real.hpp"

#include "decimal_work.hpp"

namespace allora {

ALLORA_APART void Sum<Decimal>::widen() {
    if (!is_wide_) {
        wide_ = to_big(narrow_);
        is_wide_ = true;
    }
}

ALLORA_APART void Sum<Decimal>::add_wide(const Decimal& term) {
    widen();
    wide_ = wide_ + to_big(term);
}

ALLORA_APART void Sum<Decimal>::subtract(const Decimal& term) {
    Decimal next;
    if (!is_wide_ && fast::add(narrow_, term, true, next)) {
        narrow_ = next;
        return;
    }
    widen();
    wide_ = wide_ - to_big(term);
}

ALLORA_APART Decimal Sum<Decimal>::value() const {
    return is_wide_ ? from_big(wide_) : narrow_;
}

ALLORA_APART Decimal Sum<Decimal>::quotient(const Sum& divisor) const {
    if (!is_wide_ && !divisor.is_wide_) {
        return narrow_ / divisor.narrow_;
    }
    const BigDecimal left = is_wide_ ? wide_ : to_big(narrow_);
    const BigDecimal right = divisor.is_wide_ ? divisor.wide_ : to_big(divisor.narrow_);
    return from_big(left / right);
}

ALLORA_APART bool Sum<Decimal>::below(const Decimal& bound) const {
    return is_wide_ ? wide_ < to_big(bound) : narrow_ < bound;
}

ALLORA_APART bool Sum<Decimal>::is_zero() const {
    return is_wide_ ? wide_.is_zero() : narrow_.is_zero();
}

namespace {

ALLORA_HD Decimal from_work(const work::Work& x) {
    return fast::make(x.coefficient, x.exponent, x.negative);
}

template <class Fast, class Slow>
ALLORA_HD Decimal in_36_digits(const Decimal& x, const Decimal& y, Fast fast_step, Slow slow_step) {
    if (work::is_work(x) && work::is_work(y)) {
        return from_work(fast_step(work::from_decimal(x), work::from_decimal(y)));
    }
    return from_big(slow_step(to_big(x), to_big(y)));
}

} // namespace

ALLORA_APART Decimal WorkArithmetic<Decimal>::exp(DecimalFunctions, const Decimal& x) {
    if (work::is_work(x) && !x.is_zero() && work::exp_in_range(x)) {
        return from_work(exp36(work::from_decimal(x)));
    }
    return from_big(exp36_anywhere(to_big(x)));
}

ALLORA_APART Decimal WorkArithmetic<Decimal>::add(const Decimal& x, const Decimal& y) {
    return in_36_digits(
        x, y, [](const auto& a, const auto& b) { return add36(a, b); },
        [](const auto& a, const auto& b) { return add36(a, b); });
}

ALLORA_APART Decimal WorkArithmetic<Decimal>::mul(const Decimal& x, const Decimal& y) {
    return in_36_digits(
        x, y, [](const auto& a, const auto& b) { return mul36(a, b); },
        [](const auto& a, const auto& b) { return mul36(a, b); });
}

ALLORA_APART Decimal WorkArithmetic<Decimal>::quo(const Decimal& x, const Decimal& y) {
    if (x.is_zero() || y.is_zero()) {
        return from_big(quo36(to_big(x), to_big(y)));
    }
    return in_36_digits(
        x, y, [](const auto& a, const auto& b) { return quo36(a, b); },
        [](const auto& a, const auto& b) { return quo36(a, b); });
}

ALLORA_APART Decimal WorkArithmetic<Decimal>::rounded(const Decimal& x) {
    return work::is_work(x) ? work::round34(work::from_decimal(x))
                            : from_big(round(final_context(), to_big(x)));
}

} // namespace allora

// Sums that outgrow 256 bits on the way.
#include "decimal_real.hpp"

namespace allora {

void Sum<Decimal>::widen() {
    if (!is_wide_) {
        wide_ = to_big(narrow_);
        is_wide_ = true;
    }
}

void Sum<Decimal>::add_wide(const Decimal& term) {
    widen();
    wide_ = wide_ + to_big(term);
}

void Sum<Decimal>::subtract(const Decimal& term) {
    Decimal next;
    if (!is_wide_ && fast::add(narrow_, term, true, next)) {
        narrow_ = next;
        return;
    }
    widen();
    wide_ = wide_ - to_big(term);
}

Decimal Sum<Decimal>::value() const { return is_wide_ ? from_big(wide_) : narrow_; }

Decimal Sum<Decimal>::quotient(const Sum& divisor) const {
    if (!is_wide_ && !divisor.is_wide_) {
        return narrow_ / divisor.narrow_;
    }
    const BigDecimal left = is_wide_ ? wide_ : to_big(narrow_);
    const BigDecimal right = divisor.is_wide_ ? divisor.wide_ : to_big(divisor.narrow_);
    return from_big(left / right);
}

bool Sum<Decimal>::is_zero() const { return is_wide_ ? wide_.is_zero() : narrow_.is_zero(); }

} // namespace allora

// Both decimals as numbers of the formulas, and their exact sums.
#pragma once

#include "big_decimal.hpp"
#include "curves.hpp"
#include "decimal.hpp"
#include "host_device.hpp"
#include "real.hpp"

#include <cstdint>

namespace allora {

template <>
struct Number<Decimal> {
    static constexpr bool exact_sums = true;

    ALLORA_HD static Decimal from_int(std::int64_t value) { return Decimal::from_int(value); }
    ALLORA_HD static Decimal constant(std::int64_t coefficient, int exponent) {
        Decimal value = Decimal::from_int(coefficient);
        value.exponent = exponent;
        return value;
    }
    ALLORA_HD static Decimal missing() { return Decimal::missing(); }
    ALLORA_HD static Decimal faulted(Cause cause) { return Decimal::faulted(cause); }
    ALLORA_HD static bool is_missing(const Decimal& x) { return x.is_missing(); }
    ALLORA_HD static bool is_zero(const Decimal& x) { return x.is_zero(); }
    ALLORA_HD static Cause fault(const Decimal& x) { return x.fault(); }
};

// The steps of one weight. 1 + e^b may have hundreds of digits, and only the weight is stored: such
// a step is kept as the fault `does_not_fit`, and the weight computed again without a width.
template <>
struct WorkArithmetic<Decimal> {
    ALLORA_APART static Decimal exp(DecimalFunctions functions, const Decimal& x);
    ALLORA_APART static Decimal add(const Decimal& x, const Decimal& y);
    ALLORA_APART static Decimal mul(const Decimal& x, const Decimal& y);
    ALLORA_APART static Decimal quo(const Decimal& x, const Decimal& y);
    ALLORA_APART static Decimal rounded(const Decimal& x);
};

// Up to 256 bits in place; a wider sum moves to BigDecimal, whose inline limbs hold 1024 bits, and
// returns: only a value that is stored has to fit.
template <>
class Sum<Decimal> {
public:
    ALLORA_OPERATION void add(const Decimal& term) {
        Decimal next;
        if (!is_wide_ && fast::add(narrow_, term, false, next)) {
            narrow_ = next;
            return;
        }
        add_wide(term);
    }
    ALLORA_HD void add_product(const Decimal& weight, const Decimal& value) { add(weight * value); }
    ALLORA_APART void subtract(const Decimal& term);
    ALLORA_APART Decimal value() const;
    // (this / divisor): 34 digits from both sums in full.
    ALLORA_APART Decimal quotient(const Sum& divisor) const;
    ALLORA_APART bool is_zero() const;
    // Of the whole sum, however many digits it has.
    ALLORA_APART bool below(const Decimal& bound) const;

private:
    ALLORA_APART void add_wide(const Decimal& term);
    ALLORA_APART void widen();

    Decimal narrow_ = Decimal::from_int(0);
    BigDecimal wide_;
    bool is_wide_ = false;
};

template <>
class Sum<BigDecimal> {
public:
    ALLORA_HD void add(const BigDecimal& term) { total_ = total_ + term; }
    ALLORA_HD void add_product(const BigDecimal& weight, const BigDecimal& value) {
        add(weight * value);
    }
    ALLORA_HD void subtract(const BigDecimal& term) { total_ = total_ - term; }
    ALLORA_HD BigDecimal value() const { return total_; }
    ALLORA_HD BigDecimal quotient(const Sum& divisor) const { return total_ / divisor.total_; }
    ALLORA_HD bool is_zero() const { return total_.is_zero(); }
    ALLORA_HD bool below(const BigDecimal& bound) const { return total_ < bound; }

private:
    BigDecimal total_ = BigDecimal::from_int(0);
};

} // namespace allora

#if defined(__CUDACC__)
#include "decimal_bodies.hpp"
#endif

// Both decimals as numbers of the formulas, and their exact sums.
#pragma once

#include "big_decimal.hpp"
#include "curves.hpp"
#include "decimal.hpp"
#include "real.hpp"

#include <cstdint>

namespace allora {

template <>
struct Number<Decimal> {
    static constexpr bool exact_sums = true;

    static Decimal from_int(std::int64_t value) { return Decimal::from_int(value); }
    static Decimal constant(std::int64_t coefficient, int exponent) {
        Decimal value = Decimal::from_int(coefficient);
        value.exponent = exponent;
        return value;
    }
    static Decimal missing() { return Decimal::missing(); }
    static Decimal faulted(Cause cause) { return Decimal::faulted(cause); }
    static bool is_missing(const Decimal& x) { return x.is_missing(); }
    static bool is_zero(const Decimal& x) { return x.is_zero(); }
    static Cause fault(const Decimal& x) { return x.fault(); }
};

// The steps of one weight. 1 + e^b may have hundreds of digits, and only the weight is stored: such
// a step is kept as the fault `does_not_fit`, and the weight computed again without a width.
template <>
struct WorkArithmetic<Decimal> {
    static Decimal exp(DecimalFunctions functions, const Decimal& x);
    static Decimal add(const Decimal& x, const Decimal& y);
    static Decimal mul(const Decimal& x, const Decimal& y);
    static Decimal quo(const Decimal& x, const Decimal& y);
    static Decimal rounded(const Decimal& x);
};

// Up to 256 bits in place; a wider sum moves to BigDecimal, whose inline limbs hold 1024 bits, and
// returns: only a value that is stored has to fit.
template <>
class Sum<Decimal> {
public:
    void add(const Decimal& term) {
        Decimal next;
        if (!is_wide_ && fast::add(narrow_, term, false, next)) {
            narrow_ = next;
            return;
        }
        add_wide(term);
    }
    void add_product(const Decimal& weight, const Decimal& value) { add(weight * value); }
    void subtract(const Decimal& term);
    Decimal value() const;
    // (this / divisor): 34 digits from both sums in full.
    Decimal quotient(const Sum& divisor) const;
    bool is_zero() const;
    // Of the whole sum, however many digits it has.
    bool below(const Decimal& bound) const;

private:
    void add_wide(const Decimal& term);
    void widen();

    Decimal narrow_ = Decimal::from_int(0);
    BigDecimal wide_;
    bool is_wide_ = false;
};

template <>
class Sum<BigDecimal> {
public:
    void add(const BigDecimal& term) { total_ = total_ + term; }
    void add_product(const BigDecimal& weight, const BigDecimal& value) { add(weight * value); }
    void subtract(const BigDecimal& term) { total_ = total_ - term; }
    BigDecimal value() const { return total_; }
    BigDecimal quotient(const Sum& divisor) const { return total_ / divisor.total_; }
    bool is_zero() const { return total_.is_zero(); }
    bool below(const BigDecimal& bound) const { return total_ < bound; }

private:
    BigDecimal total_ = BigDecimal::from_int(0);
};

} // namespace allora

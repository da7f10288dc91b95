// Products and quotients that share an operand, squares, and long sums of squares: the same digits
// as the operators give, with the work on the shared operand done once.
#pragma once

#include "decimal_real.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

namespace allora {

// (x factor) / divisor for many x, each of them with many factors and divisors: the product
// rounded, then the quotient. `Operand` is what is worth knowing of x beforehand.
template <class Real>
class SharedShare {
public:
    struct Operand {
        ALLORA_HD explicit Operand(const Real&) {}
    };

    ALLORA_HD SharedShare(const Real& factor, const Real& divisor)
        : factor_(factor), divisor_(divisor) {}
    ALLORA_HD Real operator()(const Real& x, const Operand&) const {
        return (x * factor_) / divisor_;
    }

private:
    Real factor_;
    Real divisor_;
};

template <class Real>
ALLORA_HD Real squared(const Real& x) {
    return x * x;
}

// A sum of few terms of similar magnitudes.
template <class Real>
class ShortSum {
public:
    ALLORA_HD void add(const Real& term) { sum_.add(term); }
    ALLORA_HD Real value() const { return sum_.value(); }

private:
    Sum<Real> sum_;
};

// A sum of many terms that are not negative.
template <class Real>
class LongSum {
public:
    ALLORA_HD void add(const Real& term) { sum_.add(term); }
    ALLORA_HD Real value() const { return sum_.value(); }

private:
    Sum<Real> sum_;
};

namespace fast {

// Multiplication by a fixed ratio between 10^-4 and 10^-3, as floor(ratio * 2^201): for a below
// 10^38 the product is short of a * ratio by less than 2^-74, so its integer part is right unless
// the first 64 bits of its fraction are all ones.
struct Ratio {
    static constexpr int fraction_bits = 201;

    Wide<3> multiplier{};
    bool usable = false;

    ALLORA_HD Ratio() {}
    ALLORA_APART Ratio(const Natural& numerator, const Natural& denominator);

    ALLORA_INLINE bool apply(u128 a, u128& integer) const {
        const Wide<5> product = multiply_low<5>(wide2(a), multiplier);
        const std::uint64_t fraction = (product.limb[3] << 55) | (product.limb[2] >> 9);
        integer = ((static_cast<u128>(product.limb[4]) << 64) | product.limb[3]) >> 9;
        return fraction != ~std::uint64_t{0};
    }
};

// floor(x / 10) for x below 10^35.
ALLORA_INLINE u128 tenth(u128 x) {
    constexpr u128 multiplier = (~static_cast<u128>(0) / 10) + 1; // 2^128 / 10, rounded up
    return multiply_high(x, multiplier);
}

// The leading digits of a coefficient moved to 38 places.
struct Normal {
    Wide<2> coefficient; // lists of a device's arena hold nothing that is aligned to 16 bytes
    int digits;
};

ALLORA_INLINE bool normalise(const Decimal& x, Normal& normal) {
    const u128 coefficient = low128(x.coefficient);
    if (!is_short(x) || coefficient == 0) {
        return false;
    }
    normal.digits = digit_count(coefficient);
    if (normal.digits > 38) {
        return false;
    }
    normal.coefficient = wide2(coefficient * short_ten_to(38 - normal.digits));
    return true;
}

inline constexpr u128 least_of_35_digits = short_powers[34];

} // namespace fast

template <>
class SharedShare<Decimal> {
public:
    struct Operand {
        ALLORA_HD explicit Operand(const Decimal& x) : usable(fast::normalise(x, normal)) {}

        fast::Normal normal{};
        bool usable;
    };

    ALLORA_APART SharedShare(const Decimal& factor, const Decimal& divisor);

    ALLORA_OPERATION Decimal operator()(const Decimal& x, const Operand& known) const {
        fast::Normal product = known.normal;
        std::int32_t exponent = 0;
        u128 leading = 0;
        if (!usable_ || !known.usable || !multiply(product, exponent) ||
            !divide_.apply(low128(product.coefficient), leading)) {
            return (x * factor_) / divisor_;
        }
        const bool carries = leading >= fast::least_of_35_digits;
        const int places = fast::precision - (carries ? 1 : 0) + divisor_digits_ - product.digits;
        exponent += x.exponent + factor_.exponent - divisor_.exponent - places;
        return fast::make(carries ? fast::tenth(leading) : leading, exponent,
                          ((x.negative ^ factor_.negative) ^ divisor_.negative) != 0);
    }

private:
    // The product, again in 38 places; `exponent` grows by the digits cut. A factor of 1 changes
    // nothing, and other products of up to 34 digits are left to the operators, which keep their
    // trailing zeros.
    ALLORA_HD bool multiply(fast::Normal& x, std::int32_t& exponent) const {
        if (factor_is_one_) {
            return x.digits <= fast::precision;
        }
        u128 leading = 0;
        if (x.digits + factor_digits_ <= fast::precision ||
            !multiply_.apply(low128(x.coefficient), leading)) {
            return false;
        }
        const bool carries = leading >= fast::least_of_35_digits;
        exponent = x.digits + factor_digits_ - fast::precision - (carries ? 0 : 1);
        x.coefficient = wide2((carries ? fast::tenth(leading) : leading) * short_ten_to(4));
        x.digits = fast::precision;
        return true;
    }

    Decimal factor_;
    Decimal divisor_;
    fast::Ratio multiply_; // c / 10^(d + 3), for a factor whose coefficient c has d digits
    fast::Ratio divide_;   // 10^(d - 4) / c, for a divisor likewise
    int factor_digits_ = 0;
    int divisor_digits_ = 0;
    bool factor_is_one_ = false;
    bool usable_ = false;
};

namespace fast {

// a^2 / 10^41 for 10^37 <= a < 10^38: its integer part and the first 64 bits of its fraction, short
// by less than 2^-10. The low 125 bits of a^2 are dropped; 10^41 is above 2^136.
ALLORA_INLINE u128 leading_square(u128 a, std::uint64_t& fraction) {
    static_assert(bit_length(powers_of_ten[41]) == 137);
    const Wide<4> square = multiply(a, a);
    const u128 top = (static_cast<u128>(square.limb[3]) << 67) |
                     (static_cast<u128>(square.limb[2]) << 3) | (square.limb[1] >> 61);
    const Wide<4> product = multiply(top, reciprocal_of(41).multiplier); // 2^264 / 10^41
    fraction = (product.limb[2] << 53) | (product.limb[1] >> 11);
    return ((static_cast<u128>(product.limb[3]) << 64) | product.limb[2]) >> 11;
}

// The square of a number of 38 digits: `doubt` bounds what the product's shortness, and digits that
// were cut off, add to the fraction. False where that can change one of the 34 digits.
ALLORA_INLINE bool square_38(u128 a, std::uint64_t doubt, std::int32_t exponent, Decimal& result) {
    std::uint64_t fraction = 0;
    const u128 leading = leading_square(a, fraction);
    const bool carries = leading >= least_of_35_digits;
    const u128 digits = carries ? tenth(leading) : leading;
    if (fraction >= ~doubt && (!carries || tenth(leading + 1) != digits)) {
        return false;
    }
    result = make(digits, 2 * exponent + (carries ? 42 : 41), false);
    return true;
}

// Of at least 18 digits, so that the square has more than 34. Of more than 38 digits the first 36
// count: the others add less than (200 a + 10^4) / 10^41 < 2^-2 to the fraction.
ALLORA_INLINE bool square(const Decimal& x, Decimal& result) {
    if (x.form != Form::finite || !safe(x.exponent)) {
        return false;
    }
    const int digits = digit_count(x.coefficient);
    if (digits < 18 || digits > largest_power) {
        return false;
    }
    constexpr std::uint64_t product_doubt = std::uint64_t{1} << 54;
    if (digits <= 38) {
        return square_38(low128(x.coefficient) * short_ten_to(38 - digits), product_doubt,
                         x.exponent - (38 - digits), result);
    }
    const u128 leading = cut_digits(x.coefficient, digits - 36).quotient;
    return square_38(leading * 100, product_doubt + (std::uint64_t{1} << 62),
                     x.exponent + digits - 38, result);
}

} // namespace fast

template <>
ALLORA_OPERATION Decimal squared(const Decimal& x) {
    Decimal result;
    return fast::square(x, result) ? result : x * x;
}

// Two's complement of 256 bits at the least exponent so far; a term that is no short number, or far
// from the others, moves everything to the general sum.
template <>
class ShortSum<Decimal> {
public:
    ALLORA_OPERATION void add(const Decimal& term) {
        if (bits_ == 0) {
            exponent_ = std::min(term.exponent, 0);
        }
        const std::int32_t gap = term.exponent - exponent_;
        if (is_general_ || !fast::is_short(term) || gap > 19 || gap < -19 || !lower(gap)) {
            add_general(term);
            return;
        }
        const std::uint64_t power = ten_to(gap > 0 ? gap : 0).limb[0];
        const u128 coefficient = low128(term.coefficient);
        const Wide<4> scaled = multiply_low<4>(wide2(coefficient), Wide<1>{{power}});
        bits_ = std::max(bits_, bit_length(coefficient) + (gap > 0 ? power_bits(power) : 0)) + 1;
        if (term.negative != 0) {
            subtract_from(total_, scaled);
        } else {
            add_to(total_, scaled);
        }
    }
    ALLORA_HD Decimal value() const { return is_general_ ? general_.value() : so_far(); }

private:
    ALLORA_HD static int power_bits(std::uint64_t power) { return 64 - std::countl_zero(power); }

    // Moves the total to the exponent of a term below it; false where it may not stay in 256 bits.
    ALLORA_HD bool lower(std::int32_t gap) {
        if (gap < 0) {
            const std::uint64_t power = ten_to(-gap).limb[0];
            if (bits_ + power_bits(power) > 250) {
                return false;
            }
            total_ = multiply_low<4>(total_, Wide<1>{{power}});
            bits_ += power_bits(power);
            exponent_ += gap;
        }
        return bits_ < 250;
    }
    ALLORA_HD Decimal so_far() const {
        Wide<4> magnitude = total_;
        const bool negative = (total_.limb[3] >> 63) != 0;
        if (negative) {
            magnitude = Wide<4>{};
            subtract_from(magnitude, total_);
        }
        return fast::make(magnitude, exponent_, negative);
    }
    ALLORA_APART void add_general(const Decimal& term);

    Wide<4> total_{};
    std::int32_t exponent_ = 0;
    int bits_ = 0; // the total's magnitude is below 2^bits
    bool is_general_ = false;
    Sum<Decimal> general_;
};

// Terms of one exponent add up in 192 bits; the exponents meet once, at the end.
template <>
class LongSum<Decimal> {
public:
    ALLORA_OPERATION void add(const Decimal& term) {
        if (!fast::is_short(term) || term.negative != 0) {
            rest_.add(term);
            return;
        }
        if (!any_) {
            first_exponent_ = term.exponent - exponents / 2;
            any_ = true;
        }
        const auto at = static_cast<std::uint32_t>(term.exponent - first_exponent_);
        if (at >= exponents) {
            rest_.add(term);
            return;
        }
        Part& part = parts_[at];
        const u128 low = static_cast<u128>(part.limb[0]) + term.coefficient.limb[0];
        const u128 high = static_cast<u128>(part.limb[1]) + term.coefficient.limb[1] +
                          static_cast<std::uint64_t>(low >> 64);
        part.limb[0] = static_cast<std::uint64_t>(low);
        part.limb[1] = static_cast<std::uint64_t>(high);
        part.limb[2] += static_cast<std::uint64_t>(high >> 64);
        part.used = true;
    }
    ALLORA_APART Decimal value() const;

private:
    static constexpr std::int32_t exponents = 64;

    struct Part {
        std::uint64_t limb[3] = {};
        bool used = false;
    };

    std::array<Part, exponents> parts_;
    std::int32_t first_exponent_ = 0;
    bool any_ = false;
    Sum<Decimal> rest_;
};

} // namespace allora

#if defined(__CUDACC__)
#include "shared_operand_impl.hpp"
#endif

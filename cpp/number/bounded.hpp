// Numbers that users supply are zero or 1e-40 <= |x| <= 1e40; the count of digits is not bounded.
// Source: allora-chain v0.17, math/bounded_dec.go.
#pragma once

#include "real.hpp"

namespace allora {

// The least and the greatest magnitude.
template <class Real>
struct SubmissionBounds {
    ALLORA_HD static Real least() { return Number<Real>::constant(1, -40); }
    ALLORA_HD static Real greatest() { return Number<Real>::constant(1, 40); }
};

// Number<double>::constant is exact for short constants only.
template <>
struct SubmissionBounds<double> {
    ALLORA_HD static constexpr double least() { return 1e-40; }
    ALLORA_HD static constexpr double greatest() { return 1e40; }
};

// Fault: out_of_range for everything else, including what is not finite.
template <class Real>
ALLORA_HD Cause check_bounded(const Real& x) {
    if (Number<Real>::fault(x) != Cause::none) {
        return Cause::out_of_range;
    }
    if (Number<Real>::is_zero(x)) {
        return Cause::none;
    }
    const Real magnitude = abs(x);
    const bool inside = compare(magnitude, SubmissionBounds<Real>::least()) >= 0 &&
                        compare(magnitude, SubmissionBounds<Real>::greatest()) <= 0;
    return inside ? Cause::none : Cause::out_of_range;
}

// The magnitude moved into [minimum, maximum], the sign kept. Zero, NaN and infinities pass as they
// are; a minimum of zero disables the lower end. For values shown in events, not for state.
template <class Real>
Real clamp_magnitude(const Real& x, const Real& minimum, const Real& maximum) {
    if (Number<Real>::fault(x) != Cause::none || Number<Real>::is_zero(x)) {
        return x;
    }
    const bool negative = compare(x, Number<Real>::from_int(0)) < 0;
    const Real magnitude = abs(x);
    if (!Number<Real>::is_zero(minimum) && compare(magnitude, minimum) < 0) {
        return negative ? -minimum : minimum;
    }
    if (compare(magnitude, maximum) > 0) {
        return negative ? -maximum : maximum;
    }
    return x;
}

// The nearest bounded number, in the forms 1E-40 and 1E+40 at the ends. Fault: out_of_range for
// what is not finite.
template <class Real>
Cause capped(const Real& x, Real& result) {
    if (Number<Real>::fault(x) != Cause::none) {
        return Cause::out_of_range;
    }
    result =
        clamp_magnitude(x, SubmissionBounds<Real>::least(), SubmissionBounds<Real>::greatest());
    return Cause::none;
}

} // namespace allora

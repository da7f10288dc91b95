// What the losses need of a number beyond its own functions.
#pragma once

#include "../number/float64_pair_atan.hpp"
#include "../number/real.hpp"

namespace allora {

template <class Real>
inline constexpr bool has_arc_tangent = false;
template <>
inline constexpr bool has_arc_tangent<Float64Pair> = true;

// e^x - 1 and ln(1 + x) of decimals, whose sums are exact.
template <class Real>
Real expm1(DecimalFunctions functions, const Real& x) {
    return exp(functions, x) - Number<Real>::from_int(1);
}
template <class Real>
Real log1p(DecimalFunctions functions, const Real& x) {
    return ln(functions, Number<Real>::from_int(1) + x);
}

// e^-100 beside 1 is below the last digit of any number here, and e^-x for huge x out of range.
template <class Real>
Real until_vanishing(const Real& x) {
    const Real limit = Number<Real>::from_int(100);
    return x < limit ? x : limit;
}

// x^y for x > 0; the chain's own power is wrong for y <= -1.
template <class Real>
Real power(DecimalFunctions functions, const Real& x, const Real& y) {
    const Real zero = Number<Real>::from_int(0);
    const Real one = Number<Real>::from_int(1);
    return y < zero ? one / pow(functions, x, zero - y) : pow(functions, x, y);
}

// A loss as it is given out, and a sum with the digits of a stored number: 34, or those of float64.
template <class Real>
Real given_out(const Real& loss) {
    return loss;
}
inline Float64Pair given_out(const Float64Pair& loss) {
    return Float64Pair(loss.rounded());
}
template <class Real>
Real stored_sum(const Real& x, const Real& y) {
    return (x + y) * Number<Real>::from_int(1);
}
inline Float64Pair stored_sum(const Float64Pair& x, const Float64Pair& y) {
    return given_out(x + y);
}

// log10 of a loss as it is given out: of a float64 its own log10, which errs by 0.501 ulp at most.
template <class Real>
Real log10_of_given(DecimalFunctions functions, const Real& loss) {
    return log10(functions, loss);
}
inline Float64Pair log10_of_given(DecimalFunctions, const Float64Pair& loss) {
    return Float64Pair(float64::log10(loss.rounded()));
}

} // namespace allora

// The composite zero-agnostic return loss, for topics about returns.
//
// t, p: truth and value in units of std from the mean; a = |t|, u = p on the truth's side (u < 0 is
// the wrong direction). delta = alpha/sqrt 3, D = 1 + delta^2, w = a + delta,
// C(a) = D (atan w - atan delta); h1 = 2 delta/D, h3 = 2 D w/(1 + w^2)^2.
// Source: research.allora.network, topic 155; allora-sdk-py, example_reputer_realistic/czar.py.
#pragma once

#include "loss_arithmetic.hpp"

namespace allora {

template <class Real>
class Czar {
public:
    Czar(DecimalFunctions functions, const Real& alpha, const Real& epsilon, const Real& tau)
        : functions_(functions), delta_(alpha / sqrt(Number<Real>::from_int(3))),
          d_(one() + delta_ * delta_), h1_(two() * delta_ / d_), softens_(epsilon > zero()),
          smooth_(tau > zero()), epsilon_(epsilon) {
        if (!softens_) {
            return;
        }
        const Real level = difference(epsilon, epsilon + delta_, delta_);
        a_at_epsilon_ = d_ * level;
        if (smooth_) {
            // tau |1 - D (pi/2 - atan delta)/A| times A/D. Where 1/te is beyond the numbers, the
            // hinge is as hard as it can be told.
            width_ = tau * atan(one() / (epsilon + delta_));
            const Real steepness = level / width_;
            smooth_ = Number<Real>::fault(steepness) == Cause::none;
            at_zero_ = smooth_ ? softplus(steepness) : zero();
        }
    }

    // B(a, u) + n(a) A
    Real operator()(const Real& t, const Real& p) const {
        const Real a = abs(t);
        const Real u = t < zero() ? zero() - p : p;
        return base(a, u) + softening(a);
    }

private:
    static Real zero() { return Number<Real>::from_int(0); }
    static Real one() { return Number<Real>::from_int(1); }
    static Real two() { return Number<Real>::from_int(2); }

    // atan v - atan v' for v, v' >= 0, of which v - v' is known without rounding.
    static Real difference(const Real& apart, const Real& v, const Real& other) {
        return atan(apart / (one() + v * other));
    }

    // S(v) = ln(1 + e^v)
    Real softplus(const Real& v) const {
        const Real tail = log1p(functions_, exp(functions_, -abs(v)));
        return v > zero() ? v + tail : tail;
    }

    Real base(const Real& a, const Real& u) const {
        const Real w = a + delta_;
        if (u <= zero()) {
            return (h1_ * u * u / two() - u) + d_ * difference(a, w, delta_);
        }
        if (u <= a) {
            return d_ * difference(a - u, w, u + delta_);
        }
        const Real slope = one() + w * w;
        const Real h3 = two() * d_ * w / (slope * slope);
        const Real beyond = u - a;
        return (h1_ < h3 ? h1_ : h3) * beyond * beyond / two() + d_ / slope * beyond;
    }

    // n(a) A, with N = 1 - C(a)/A and A - C(a) = D (atan(epsilon + delta) - atan w): for tau <= 0
    // n = max(N, 0), else n = S(N/te)/S(1/te), te = tau |1 - D (pi/2 - atan delta)/A|.
    Real softening(const Real& a) const {
        if (!softens_) {
            return zero();
        }
        const Real rest = difference(epsilon_ - a, epsilon_ + delta_, a + delta_);
        if (smooth_) {
            return a_at_epsilon_ * softplus(rest / width_) / at_zero_;
        }
        return rest > zero() ? d_ * rest : zero();
    }

    DecimalFunctions functions_;
    Real delta_;
    Real d_;
    Real h1_;
    bool softens_;
    bool smooth_;
    Real epsilon_;
    Real a_at_epsilon_ = zero();
    Real width_ = zero();
    Real at_zero_ = zero();
};

} // namespace allora

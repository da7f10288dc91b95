// The potential of a regret, its gradient, and the ratio of gradients that is the weight.
// phi_p(x) = ln(1 + e^(p (x - c))), phi'_p(x) = p / (e^(p (c - x)) + 1).
#pragma once

#include "decimal_functions.hpp"
#include "real.hpp"

namespace allora {

// p / (1 + e^(p (c - x))), no clamp.
template <class Real>
ALLORA_HD Real gradient(DecimalFunctions functions, const Real& p, const Real& c, const Real& x) {
    return p / (Number<Real>::from_int(1) + exp(functions, p * (c - x)));
}

// ln(1 + e^(p (x - c))). Where the sum rounds, u + ln(1 + e^-u) for u > 0, so that no exponential
// overflows, and ln(1 + w) = (ln(y) w) / (y - 1), y = 1 + w rounded, so that no digit of a small w
// is lost.
template <class Real>
ALLORA_HD Real phi(DecimalFunctions functions, const Real& p, const Real& c, const Real& x) {
    const Real one = Number<Real>::from_int(1);
    const Real u = p * (x - c);
    if constexpr (Number<Real>::exact_sums) {
        return ln(functions, one + exp(functions, u));
    } else {
        const Real w = exp(functions, -abs(u));
        const Real y = one + w;
        const Real tail = compare(y, one) == 0 ? w : (ln(functions, y) * w) / (y - one);
        return compare(u, Number<Real>::from_int(0)) > 0 ? u + tail : tail;
    }
}

// The arithmetic inside one weight where it is rounded once, at its end. Specialised per number:
// exp, add, mul, quo at 36 digits, and `rounded` to the 34 of a stored number.
template <class Real>
struct WorkArithmetic;

template <>
struct WorkArithmetic<BigDecimal> {
    ALLORA_HD static BigDecimal exp(DecimalFunctions, const BigDecimal& x) {
        return exp36_anywhere(x);
    }
    ALLORA_HD static BigDecimal add(const BigDecimal& x, const BigDecimal& y) {
        return add36(x, y);
    }
    ALLORA_HD static BigDecimal mul(const BigDecimal& x, const BigDecimal& y) {
        return mul36(x, y);
    }
    ALLORA_HD static BigDecimal quo(const BigDecimal& x, const BigDecimal& y) {
        return quo36(x, y);
    }
    ALLORA_HD static BigDecimal rounded(const BigDecimal& x) { return round(final_context(), x); }
};

template <class Real>
ALLORA_HD Real exponential(DecimalFunctions functions, const Real& x) {
    return exp(functions, x);
}

// The arithmetic where every step is a public operation: exponentials of 34 digits, an exact sum,
// a product and a quotient truncated to 34.
template <class Real>
struct StepArithmetic {
    ALLORA_HD static Real exp(DecimalFunctions functions, const Real& x) {
        return exponential(functions, x);
    }
    ALLORA_HD static Real add(const Real& x, const Real& y) { return x + y; }
    ALLORA_HD static Real mul(const Real& x, const Real& y) { return x * y; }
    ALLORA_HD static Real quo(const Real& x, const Real& y) { return x / y; }
    ALLORA_HD static Real rounded(const Real& x) { return x; }
};

// g(a, b) = (e^a + 1) / (e^b + 1), by the signs of a and b, so that no exponential overflows:
// e^a (e^-a + 1) = e^a + 1 and e^-b / (e^-b + 1) = 1 / (e^b + 1). Left to right, product first.
// All weights of one call share a, so its exponential is computed once.
template <class Arithmetic, class Real>
class ExpRatio {
public:
    ALLORA_HD ExpRatio(DecimalFunctions functions, const Real& a)
        : functions_(functions), a_(a), rises_(compare(a, Number<Real>::from_int(0)) > 0),
          left_(Arithmetic::add(Arithmetic::exp(functions, rises_ ? -a : a),
                                Number<Real>::from_int(1))) {}

    ALLORA_HD Real operator()(const Real& b) const {
        const bool falls = compare(b, Number<Real>::from_int(0)) > 0;
        const Real power = Arithmetic::exp(functions_, falls ? -b : b);
        const Real right = Arithmetic::add(power, Number<Real>::from_int(1));
        if (!rises_ && !falls) {
            return Arithmetic::rounded(Arithmetic::quo(left_, right));
        }
        const Real factor = rises_ ? Arithmetic::exp(functions_, falls ? a_ - b : a_) : power;
        return Arithmetic::rounded(Arithmetic::quo(Arithmetic::mul(factor, left_), right));
    }

private:
    DecimalFunctions functions_;
    Real a_;
    bool rises_;
    Real left_;
};

// weight_rounding = each_step
template <class Real>
ALLORA_HD Real exp_ratio_each_step(DecimalFunctions functions, const Real& a, const Real& b) {
    return ExpRatio<StepArithmetic<Real>, Real>(functions, a)(b);
}

// weight_rounding = once
template <class Real>
ALLORA_HD Real exp_ratio_once(DecimalFunctions functions, const Real& a, const Real& b) {
    return ExpRatio<WorkArithmetic<Real>, Real>(functions, a)(b);
}

} // namespace allora

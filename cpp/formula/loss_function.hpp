// The losses that reputers compute from a ground truth y and a value x that is judged.
//
// Nothing here runs on the chain: it takes the reported losses as they are. The float64 losses are
// computed in Float64Pair and rounded once; in decimal every method is defined whose formula the
// chain's arithmetic has, that is all but czar, which needs the arc tangent.
// Sources: allora-sdk-py, src/allora_sdk/loss_methods; research.allora.network, topics 120 and 155.
#pragma once

#include "czar.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

namespace allora {

enum class LossMethod : std::uint8_t {
    sqe,
    abse,
    huber,
    logcosh,
    bce,
    poisson,
    ztae,
    zptae,
    czar,
    cross_entropy,
    brier,
};

inline constexpr std::array<const char*, 11> loss_method_names = {
    "sqe",  "abse",  "huber", "logcosh",       "bce",  "poisson",
    "ztae", "zptae", "czar",  "cross_entropy", "brier"};

inline std::optional<LossMethod> loss_method_of(std::string_view name) {
    for (std::size_t i = 0; i < loss_method_names.size(); ++i) {
        if (name == loss_method_names[i]) {
            return static_cast<LossMethod>(i);
        }
    }
    return std::nullopt;
}

inline bool takes_labels(LossMethod method) {
    return method == LossMethod::cross_entropy || method == LossMethod::brier;
}

// raw: the loss itself. log10: of a loss above 0. log10_floor: log10(loss + 10^-100), the sum
// rounded as a stored number, so that losses of a visible size are unchanged.
enum class LossScale : std::uint8_t { raw, log10, log10_floor };

template <class Real>
struct LossParams {
    Real delta;
    Real epsilon;
    Real std;
    Real mean;
    Real alpha;
    Real beta;
    Real gamma;
    Real penalty_norm;
    Real tau;
};

template <class Real>
inline constexpr std::array<std::pair<const char*, Real LossParams<Real>::*>, 9> loss_param_fields =
    {{
        {"delta", &LossParams<Real>::delta},
        {"epsilon", &LossParams<Real>::epsilon},
        {"std", &LossParams<Real>::std},
        {"mean", &LossParams<Real>::mean},
        {"alpha", &LossParams<Real>::alpha},
        {"beta", &LossParams<Real>::beta},
        {"gamma", &LossParams<Real>::gamma},
        {"penalty_norm", &LossParams<Real>::penalty_norm},
        {"tau", &LossParams<Real>::tau},
    }};

// A loss, or why there is none: `domain`, or `infinite` for a loss of +infinity.
template <class Real>
struct Loss {
    Real value = Number<Real>::from_int(0);
    Cause cause = Cause::none;
};

template <class Real>
Loss<Real> no_loss(Cause cause) {
    return {Number<Real>::from_int(0), cause};
}

// (x - y)^2
template <class Real>
Real squared_error(const Real& y, const Real& x) {
    const Real e = x - y;
    return e * e;
}

// e^2/2 up to delta, beyond it delta (|e| - delta/2).
template <class Real>
Real huber(const Real& y, const Real& x, const Real& delta) {
    const Real two = Number<Real>::from_int(2);
    const Real e = abs(x - y);
    return e <= delta ? e * e / two : delta * (e - delta / two);
}

// ln cosh e: with m = e^|e| - 1, ln(1 + m^2 / (2 (1 + m))), which keeps all digits near 0; beyond
// 1, |e| + ln(1 + (e^-2|e| - 1)/2), in which nothing overflows.
template <class Real>
Real log_cosh(DecimalFunctions functions, const Real& y, const Real& x) {
    const Real one = Number<Real>::from_int(1);
    const Real two = Number<Real>::from_int(2);
    const Real e = abs(x - y);
    if (e <= one) {
        const Real m = expm1(functions, e);
        return log1p(functions, m * m / (two * (m + one)));
    }
    const Real m = expm1(functions, -until_vanishing(two * e));
    return e + log1p(functions, m / two);
}

// -(y ln q + (1 - y) ln(1 - q)), q = x between epsilon and 1 - epsilon; 0 where not above epsilon.
template <class Real>
Loss<Real> binary_cross_entropy(DecimalFunctions functions, const Real& y, const Real& x,
                                const Real& epsilon) {
    const Real zero = Number<Real>::from_int(0);
    const Real one = Number<Real>::from_int(1);
    if (y < zero || y > one || x < zero || x > one) {
        return no_loss<Real>(Cause::domain);
    }
    const bool certain_truth = compare(y, zero) == 0 || compare(y, one) == 0;
    const bool certain_value = compare(x, zero) == 0 || compare(x, one) == 0;
    if (certain_truth && certain_value) {
        return compare(x, y) == 0 ? Loss<Real>{zero} : no_loss<Real>(Cause::infinite);
    }
    const Real highest = one - epsilon;
    const Real below = x < highest ? x : highest;
    const Real q = below > epsilon ? below : epsilon;
    const Real loss = zero - (y * ln(functions, q) + (one - y) * log1p(functions, zero - q));
    return {loss <= epsilon ? zero : loss};
}

// q - y ln q, q = max(x, epsilon)
template <class Real>
Loss<Real> poisson(DecimalFunctions functions, const Real& y, const Real& x, const Real& epsilon) {
    const Real zero = Number<Real>::from_int(0);
    if (y < zero || x < zero) {
        return no_loss<Real>(Cause::domain);
    }
    const Real q = x > epsilon ? x : epsilon;
    return {q - y * ln(functions, q)};
}

// |tanh t - tanh p|, without the difference: with a <= b the magnitudes of t and p,
// 2 g (1 - e^-2|t - p|) / ((1 + e^-2a) (1 + e^-2b)), g = e^-2a if t and p have one sign, else 1.
template <class Real>
Real z_tanh_absolute_error(DecimalFunctions functions, const Real& t, const Real& p) {
    const Real zero = Number<Real>::from_int(0);
    const Real one = Number<Real>::from_int(1);
    const Real two = Number<Real>::from_int(2);
    const bool one_sign = (t > zero && p > zero) || (t < zero && p < zero);
    const bool t_is_far = abs(t) > abs(p);
    const Real a = abs(t_is_far ? p : t);
    const Real b = abs(t_is_far ? t : p);
    // Both tanh are 1 to more than 300 digits.
    if (one_sign && a > Number<Real>::from_int(400)) {
        return Number<Real>::from_int(0);
    }
    const Real apart = expm1(functions, -until_vanishing(two * abs(t - p)));
    const Real far = one + exp(functions, -until_vanishing(two * b));
    const Real power = exp(functions, -(one_sign ? two * a : until_vanishing(two * a)));
    const Real numerator = one_sign ? two * power * (zero - apart) : two * (zero - apart);
    return numerator / ((one + power) * far);
}

// P(v) = v / (1 + |v|^beta)^((1 - alpha)/beta); beyond 1, where the power might overflow,
// sign(v) |v|^alpha / (1 + |v|^-beta)^((1 - alpha)/beta).
template <class Real>
Real power_tanh(DecimalFunctions functions, const Real& v, const LossParams<Real>& params) {
    const Real zero = Number<Real>::from_int(0);
    const Real one = Number<Real>::from_int(1);
    if (compare(v, zero) == 0) {
        return Number<Real>::from_int(0);
    }
    const Real size = abs(v);
    const Real exponent = (one - params.alpha) / params.beta;
    const bool far = size > one;
    const Real top = far ? power(functions, size, params.alpha) : size;
    const Real base = one + power(functions, size, far ? zero - params.beta : params.beta);
    const Real result = top / power(functions, base, exponent);
    return v < zero ? zero - result : result;
}

// |P(t) - P(p)| + (penalty_norm |p - t|)^gamma
template <class Real>
Real z_power_tanh_absolute_error(DecimalFunctions functions, const Real& t, const Real& p,
                                 const LossParams<Real>& params) {
    const Real zero = Number<Real>::from_int(0);
    const Real near = abs(power_tanh(functions, t, params) - power_tanh(functions, p, params));
    const Real base = params.penalty_norm * abs(p - t);
    return compare(base, zero) == 0 ? near : near + power(functions, base, params.gamma);
}

// -sum_l y_l ln x_l; a term with y_l = 0 counts nothing, whatever x_l.
template <class Real>
Loss<Real> cross_entropy(DecimalFunctions functions, std::span<const Real> y,
                         std::span<const Real> x) {
    const Real zero = Number<Real>::from_int(0);
    Sum<Real> sum;
    bool infinite = false;
    for (std::size_t l = 0; l < y.size(); ++l) {
        if (y[l] < zero || x[l] < zero) {
            return no_loss<Real>(Cause::domain);
        }
        if (compare(y[l], zero) == 0) {
            continue;
        }
        if (compare(x[l], zero) == 0) {
            infinite = true;
            continue;
        }
        sum.add(y[l] * ln(functions, x[l]));
    }
    return infinite ? no_loss<Real>(Cause::infinite) : Loss<Real>{zero - sum.value()};
}

// sum_l (y_l - x_l)^2
template <class Real>
Real brier(std::span<const Real> y, std::span<const Real> x) {
    Sum<Real> sum;
    for (std::size_t l = 0; l < y.size(); ++l) {
        sum.add(squared_error(x[l], y[l]));
    }
    return sum.value();
}

// A method with its parameters, made once for many values.
template <class Real>
class LossFunction {
public:
    LossFunction(DecimalFunctions functions, LossMethod method, LossScale scale,
                 const LossParams<Real>& params)
        : functions_(functions), method_(method), scale_(scale), params_(params),
          floor_(Number<Real>::constant(1, -100)) {
        if constexpr (has_arc_tangent<Real>) {
            if (method == LossMethod::czar) {
                czar_.emplace(functions, params.alpha, params.epsilon, params.tau);
            }
        }
    }

    // On the chosen scale; y and x have one number per label. Fault: the cause, also of arithmetic.
    Loss<Real> operator()(std::span<const Real> y, std::span<const Real> x) const {
        Loss<Real> loss = raw(y, x);
        loss.value = given_out(loss.value);
        if (loss.cause == Cause::none && scale_ != LossScale::raw) {
            const Real zero = Number<Real>::from_int(0);
            const Real raised =
                scale_ == LossScale::log10_floor ? stored_sum(loss.value, floor_) : loss.value;
            const bool faulty = Number<Real>::fault(raised) != Cause::none;
            if (!faulty && raised <= zero) {
                return no_loss<Real>(Cause::domain);
            }
            loss.value = faulty ? raised : log10_of_given(functions_, raised);
        }
        if (loss.cause == Cause::none) {
            loss.cause = Number<Real>::fault(loss.value);
        }
        return loss;
    }

private:
    Loss<Real> raw(std::span<const Real> y, std::span<const Real> x) const {
        switch (method_) {
        case LossMethod::cross_entropy:
            return cross_entropy(functions_, y, x);
        case LossMethod::brier:
            return {brier(y, x)};
        default:
            // One label: a loss of several is defined by no method but those two.
            return y.size() == 1 ? single(y[0], x[0]) : no_loss<Real>(Cause::several_labels);
        }
    }

    Loss<Real> single(const Real& y, const Real& x) const {
        switch (method_) {
        case LossMethod::sqe:
            return {squared_error(y, x)};
        case LossMethod::abse:
            return {abs(x - y)};
        case LossMethod::huber:
            return {huber(y, x, params_.delta)};
        case LossMethod::logcosh:
            return {log_cosh(functions_, y, x)};
        case LossMethod::bce:
            return binary_cross_entropy(functions_, y, x, params_.epsilon);
        case LossMethod::poisson:
            return poisson(functions_, y, x, params_.epsilon);
        default:
            return standardised((y - params_.mean) / params_.std, (x - params_.mean) / params_.std);
        }
    }

    // Of t and p, both in units of std from the mean.
    Loss<Real> standardised(const Real& t, const Real& p) const {
        if (method_ == LossMethod::ztae) {
            return {z_tanh_absolute_error(functions_, t, p)};
        }
        if (method_ == LossMethod::zptae) {
            return {z_power_tanh_absolute_error(functions_, t, p, params_)};
        }
        if constexpr (has_arc_tangent<Real>) {
            if (czar_) {
                return {(*czar_)(t, p)};
            }
        }
        return no_loss<Real>(Cause::invalid);
    }

    DecimalFunctions functions_;
    LossMethod method_;
    LossScale scale_;
    LossParams<Real> params_;
    Real floor_;
    std::optional<Czar<Real>> czar_;
};

} // namespace allora

// Weights from regrets: phi'(R / s), and since v0.9 its ratio to the best participant's.
// allora-chain v0.6 and v0.17, x/emissions/keeper/inference_synthesis/weight.go.
#pragma once

#include "../number/curves.hpp"
#include "../number/float64_array.hpp"
#include "../number/float64_real.hpp"
#include "../number/list.hpp"
#include "../number/statistics.hpp"
#include "../protocol/rules.hpp"
#include "../protocol/topic.hpp"

#include <algorithm>
#include <span>

namespace allora {

// Buffers of one thread, reused from call to call.
template <class Real>
struct WeightScratch {
    List<Real> present;
    List<Real> sorted;
    List<Real> normalized;
};

// s = |measure(R)| + epsilon, where the median absolute deviation counts 1.4826 times.
template <class Real>
ALLORA_HD Real regret_scale(const Rules& rules, const Params<Real>& params,
                            std::span<const Real> regrets, WeightScratch<Real>& scratch) {
    if (rules.scale_measure == ScaleMeasure::standard_deviation) {
        return abs(standard_deviation(regrets)) + params.epsilon;
    }
    scratch.sorted.resize(regrets.size());
    const Real deviation =
        median_absolute_deviation(regrets, std::span<Real>(scratch.sorted)).deviation;
    return abs(Number<Real>::constant(14826, -4) * deviation) + params.epsilon;
}

// phi'(n) within the bounds of v0.6: U = c + 6.75/p, A = c - 8.25/p, Z = c - 17.25/p. The best
// participant's M stays as it is; the others are lifted by A - M where M < A.
template <class Real>
struct BoundedGradient {
    DecimalFunctions functions;
    Real p;
    Real c;
    Real upper;
    Real anchor;
    Real lower;

    ALLORA_HD BoundedGradient(DecimalFunctions f, const Params<Real>& params)
        : functions(f), p(params.p_norm), c(params.c_norm),
          upper(c + Number<Real>::constant(675, -2) / p),
          anchor(c - Number<Real>::constant(825, -2) / p),
          lower(c - Number<Real>::constant(1725, -2) / p) {}

    ALLORA_HD Real operator()(Real n, const Real& best) const {
        if (n > upper) {
            n = upper;
        }
        if (best < anchor) {
            n = n - best + anchor;
        }
        if (carries_fault(n)) {
            return n;
        }
        if (n < lower) {
            return Number<Real>::from_int(0);
        }
        return gradient(functions, p, c, n);
    }
};

// w = (e^a + 1) / (e^b + 1) with a = -p(M - c), b = -p(n - c): phi'(n) / phi'(M).
template <class Arithmetic, class Real>
ALLORA_HD void ratio_weights(const Rules& rules, const Params<Real>& params, const Real& best,
                             std::span<const Real> normalized, std::span<Real> weights) {
    const Real& p = params.p_norm;
    const Real& c = params.c_norm;
    const ExpRatio<Arithmetic, Real> ratio(rules.decimal_functions, -(p * (best - c)));
    for (std::size_t i = 0; i < normalized.size(); ++i) {
        if (!Number<Real>::is_missing(normalized[i])) {
            weights[i] = ratio(-(p * (normalized[i] - c)));
        }
    }
}

// The weights of a call in one vector loop, with the same bits; false: not done.
template <class Real>
ALLORA_HD bool ratio_weights_at_once(const Params<Real>&, const Real&, std::span<const Real>,
                                     std::span<Real>) {
    return false;
}

ALLORA_HD inline bool is_vector_scale(double scale) {
    return !one_at_a_time() && scale > 0.0 && Number<double>::fault(scale) == Cause::none;
}

ALLORA_HD inline bool ratio_weights_at_once(const Params<double>& params, double scale,
                                            std::span<const double> regrets,
                                            std::span<double> weights) {
    if (!is_vector_scale(scale)) {
        return false;
    }
    float64::array_kernels().ratio_weights(
        {scale, params.p_norm, params.c_norm, Number<double>::missing_bits}, regrets.data(),
        weights.data(), regrets.size());
    return true;
}

// n = R / s of everyone present, and the greatest of them; missing where nobody is.
template <class Real>
ALLORA_HD Real normalize_regrets(std::span<const Real> regrets, const Real& scale,
                                 List<Real>& normalized) {
    Real best = Number<Real>::missing();
    normalized.assign(regrets.size(), Number<Real>::missing());
    for (std::size_t i = 0; i < regrets.size(); ++i) {
        if (Number<Real>::is_missing(regrets[i])) {
            continue;
        }
        normalized[i] = regrets[i] / scale;
        if (Number<Real>::is_missing(best) || normalized[i] > best) {
            best = normalized[i];
        }
    }
    return best;
}

// The same bits, a vector at a time, where no quotient can be 0 / 0.
ALLORA_HD inline double normalize_regrets(std::span<const double> regrets, double scale,
                                          List<double>& normalized) {
    if (one_at_a_time() || scale == 0.0 || Number<double>::fault(scale) != Cause::none) {
        return normalize_regrets<double>(regrets, scale, normalized);
    }
    normalized.resize(regrets.size());
    const double best = float64::array_kernels().quotients(
        regrets.data(), scale, Number<double>::missing_bits, normalized.data(), regrets.size());
    return best < 0.0 && Number<double>::fault(best) != Cause::none ? Number<double>::missing()
                                                                    : best;
}

// Weights of one call. `regrets` has one entry per participant, missing for those that take no
// part; `stored_scale` > 0 is taken, else the call derives its own. Weights of the absent are
// missing. Returns the scale in use, or a fault.
template <class Real>
ALLORA_HD Real weights_of_call(const Rules& rules, const Params<Real>& params,
                               std::span<const Real> regrets, const Real& stored_scale,
                               WeightScratch<Real>& scratch, std::span<Real> weights) {
    const Real zero = Number<Real>::from_int(0);
    Real scale = stored_scale;
    if (rules.scale_storage != ScaleStorage::stored || !(stored_scale > zero)) {
        scratch.present.clear();
        for (const Real& regret : regrets) {
            if (!Number<Real>::is_missing(regret)) {
                scratch.present.push_back(regret);
            }
        }
        scale = regret_scale<Real>(rules, params, scratch.present, scratch);
    }
    if (rules.weight_function == WeightFunction::ratio &&
        ratio_weights_at_once(params, scale, regrets, weights)) {
        return scale;
    }
    const Real best = normalize_regrets(regrets, scale, scratch.normalized);
    const std::span<const Real> normalized(scratch.normalized);
    std::fill(weights.begin(), weights.end(), Number<Real>::missing());
    if (rules.weight_function == WeightFunction::bounded_gradient) {
        const BoundedGradient<Real> weight(rules.decimal_functions, params);
        for (std::size_t i = 0; i < regrets.size(); ++i) {
            if (!Number<Real>::is_missing(regrets[i])) {
                weights[i] = weight(normalized[i], best);
            }
        }
    } else if (rules.weight_rounding == WeightRounding::each_step) {
        ratio_weights<StepArithmetic<Real>>(rules, params, best, normalized, weights);
    } else {
        ratio_weights<WorkArithmetic<Real>>(rules, params, best, normalized, weights);
    }
    return scale;
}

} // namespace allora

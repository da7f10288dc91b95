// One copy of the array functions. Compiled once per variant, with ALLORA_VARIANT and:
//   base    no further flag
//   avx2    -mavx2
//   avx512  -mavx512f -mavx512dq -mavx512vl -mprefer-vector-width=512
// Always -O3 -ffp-contract=off. -fno-math-errno lets sqrt vectorise; no result depends on it.
//
// Nothing here may leave a symbol outside the variant's namespace: the linker would keep one copy,
// possibly the AVX-512 one, for all. Hence no standard library beyond integer types.
#include "float64_array.hpp"
#include "float64.hpp"

#if !defined(ALLORA_VARIANT)
#error "ALLORA_VARIANT must be base, avx2 or avx512"
#endif

namespace allora::float64::ALLORA_VARIANT {
namespace {

template <class One>
inline void each(const double* in, double* out, std::size_t n, One one) {
    ALLORA_INDEPENDENT
    for (std::size_t i = 0; i < n; ++i) {
        out[i] = one(in[i]);
    }
}

template <class Two>
inline void each(const double* in, const double* in2, double* out, std::size_t n, Two two) {
    ALLORA_INDEPENDENT
    for (std::size_t i = 0; i < n; ++i) {
        out[i] = two(in[i], in2[i]);
    }
}

} // namespace

void apply(Function function, const double* in, const double* in2, double* out, std::size_t n) {
    switch (function) {
    case Function::exp:
        return each(in, out, n, [](double x) { return exp(x); });
    case Function::expm1:
        return each(in, out, n, [](double x) { return expm1(x); });
    case Function::log:
        return each(in, out, n, [](double x) { return log(x); });
    case Function::log1p:
        return each(in, out, n, [](double x) { return log1p(x); });
    case Function::log10:
        return each(in, out, n, [](double x) { return log10(x); });
    case Function::log2:
        return each(in, out, n, [](double x) { return log2(x); });
    case Function::pow:
        return each(in, in2, out, n, [](double x, double y) { return pow(x, y); });
    case Function::tanh:
        return each(in, out, n, [](double x) { return tanh(x); });
    case Function::sqrt:
        return each(in, out, n, [](double x) { return sqrt(x); });
    }
}

void ratio_weights(const RatioCall& call, const double* normalized, double* weights,
                   std::size_t n) {
    const double p = call.p;
    const double c = call.c;
    const double a = call.a;
    const double left = call.left;
    const Bits missing = call.missing;
    if (a > 0.0) {
        ALLORA_INDEPENDENT
        for (std::size_t i = 0; i < n; ++i) {
            const double b = -(p * (normalized[i] - c));
            const Mask rises = mask_if_negative(b);
            const double right = exp(-absolute(b)) + 1.0;
            const double factor = exp(select(rises, a, a - b));
            const double weight = factor * left / right;
            const Mask absent = mask_if_equal(bits_of(normalized[i]), missing);
            weights[i] = select(absent, normalized[i], weight);
        }
        return;
    }
    ALLORA_INDEPENDENT
    for (std::size_t i = 0; i < n; ++i) {
        const double b = -(p * (normalized[i] - c));
        const Mask rises = mask_if_negative(b);
        const double power = exp(-absolute(b));
        const double weight = select(rises, left, power * left) / (power + 1.0);
        const Mask absent = mask_if_equal(bits_of(normalized[i]), missing);
        weights[i] = select(absent, normalized[i], weight);
    }
}

} // namespace allora::float64::ALLORA_VARIANT

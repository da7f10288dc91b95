// The arc tangent of a pair of float64.
//
// With c = j/16 nearest to |x| <= 1: atan x = atan c + atan t, t = (x - c) / (1 + x c), |t| <=
// 1/32, and atan x = pi/2 - atan 1/x beyond 1. Constants: tests/number/float64_constants.py.
#pragma once

#include "float64_pair.hpp"

namespace allora {

namespace float64 {

inline constexpr Pair half_pi = {0x1.921fb54442d18p+0, 0x1.1a62633145c07p-54};
inline constexpr Pair third = {0x1.5555555555555p-2, 0x1.5555555555555p-56};
inline constexpr Pair fifth = {0x1.999999999999ap-3, -0x1.999999999999ap-57};
inline constexpr Pair seventh = {0x1.2492492492492p-3, 0x1.2492492492492p-57};
inline constexpr Pair atan_of_sixteenths[17] = {
    {0x0.0p+0, 0x0.0p+0},
    {0x1.ff55bb72cfdeap-5, -0x1.c934d86d23f1dp-60},
    {0x1.fd5ba9aac2f6ep-4, -0x1.cd37686760c17p-59},
    {0x1.7b97b4bce5b02p-3, 0x1.347b0b4f881cap-58},
    {0x1.f5b75f92c80ddp-3, 0x1.8ab6e3cf7afbdp-57},
    {0x1.362773707ebccp-2, -0x1.963a544b672d8p-57},
    {0x1.6f61941e4def1p-2, -0x1.c63aae6f6e918p-56},
    {0x1.a64eec3cc23fdp-2, -0x1.24dec1b50b7ffp-56},
    {0x1.dac670561bb4fp-2, 0x1.a2b7f222f65e2p-56},
    {0x1.0657e94db30d0p-1, -0x1.d5b495f6349e6p-56},
    {0x1.1e00babdefeb4p-1, -0x1.928df287a668fp-58},
    {0x1.345f01cce37bbp-1, 0x1.1021137c71102p-55},
    {0x1.4978fa3269ee1p-1, 0x1.2419a87f2a458p-56},
    {0x1.5d58987169b18p-1, 0x1.0028e4bc5e7cap-57},
    {0x1.700a7c5784634p-1, -0x1.8c34d25aadef6p-56},
    {0x1.819d0b7158a4dp-1, -0x1.bf76229d3b917p-56},
    {0x1.921fb54442d18p-1, 0x1.1a62633145c07p-55},
};

// t - t^3/3 + t^5/5 - ... for |t| <= 1/32; the terms from t^9/9 on need no second part.
inline Float64Pair atan_series(const Float64Pair& t) {
    const Float64Pair z = t * t;
    const double square = z.value.high;
    double rest = 1.0 / 19.0;
    rest = 1.0 / 17.0 - rest * square;
    rest = 1.0 / 15.0 - rest * square;
    rest = 1.0 / 13.0 - rest * square;
    rest = 1.0 / 11.0 - rest * square;
    rest = 1.0 / 9.0 - rest * square;
    Float64Pair sum = Float64Pair(seventh) - Float64Pair(rest * square);
    sum = Float64Pair(fifth) - sum * z;
    sum = Float64Pair(third) - sum * z;
    return t - t * (sum * z);
}

inline Float64Pair atan_below_one(const Float64Pair& x) {
    const double shifted = x.value.high * 16.0 + two_to_52;
    const double j = shifted - two_to_52;
    const Float64Pair c(j * 0x1p-4);
    const Float64Pair t = (x - c) / (Float64Pair(1.0) + x * c);
    return Float64Pair(atan_of_sixteenths[static_cast<int>(j)]) + atan_series(t);
}

} // namespace float64

// atan: relative error <= 2^-96.
inline Float64Pair atan(const Float64Pair& x) {
    if (std::isnan(x.value.high)) {
        return x;
    }
    const Float64Pair magnitude = abs(x);
    if (!(magnitude.value.high <= 1.0)) {
        const Float64Pair inverse = Float64Pair(1.0) / magnitude;
        const Float64Pair angle = Float64Pair(float64::half_pi) - float64::atan_below_one(inverse);
        return x.value.high < 0.0 ? -angle : angle;
    }
    const Float64Pair angle = float64::atan_below_one(magnitude);
    return x.value.high < 0.0 ? -angle : angle;
}

} // namespace allora

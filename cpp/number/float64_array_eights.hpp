// Part of float64_array.cpp, compiled with it once per variant: eight numbers at a time.
#pragma once

#include "float64.hpp"

#if defined(__AVX2__)
#include <immintrin.h>
#endif

#include <cstddef>

namespace allora::float64::ALLORA_VARIANT {
namespace {

// A kernel that others call: inlined into them, g++ 12 unrolls its loops into single numbers.
#define ALLORA_KERNEL __attribute__((noinline))

constexpr std::size_t lanes = 8;

// eight(i, count) for every group of up to eight consecutive entries; `count` is a constant where
// the group is full, so that its loop becomes one vector.
struct AllLanes {
    constexpr operator std::size_t() const { return lanes; }
};

template <class Eight>
inline void by_eights(std::size_t n, Eight eight) {
    std::size_t i = 0;
    for (; i + lanes <= n; i += lanes) {
        eight(i, AllLanes{});
    }
    if (i < n) {
        eight(i, n - i);
    }
}

// Up to eight entries in a full vector: one of the rest costs as much as eight.
struct Eight {
    double entry[lanes];

    static Eight load(const double* from, AllLanes, double) {
        Eight loaded;
        for (std::size_t lane = 0; lane < lanes; ++lane) {
            loaded.entry[lane] = from[lane];
        }
        return loaded;
    }
    void store(double* to, AllLanes) const {
        for (std::size_t lane = 0; lane < lanes; ++lane) {
            to[lane] = entry[lane];
        }
    }
#if defined(__AVX512F__)
    static __mmask8 first(std::size_t count) { return static_cast<__mmask8>((1U << count) - 1U); }
    static Eight load(const double* from, std::size_t count, double rest) {
        Eight loaded;
        _mm512_storeu_pd(loaded.entry,
                         _mm512_mask_loadu_pd(_mm512_set1_pd(rest), first(count), from));
        return loaded;
    }
    void store(double* to, std::size_t count) const {
        _mm512_mask_storeu_pd(to, first(count), _mm512_loadu_pd(entry));
    }
#else
#if defined(__AVX2__)
    static __m256i first(std::size_t count) {
        const auto end = static_cast<long long>(count);
        return _mm256_cmpgt_epi64(_mm256_set1_epi64x(end), _mm256_setr_epi64x(0, 1, 2, 3));
    }
    static __m256d load_four(const double* from, std::size_t count, double rest) {
        const __m256i mask = first(count);
        return _mm256_blendv_pd(_mm256_set1_pd(rest), _mm256_maskload_pd(from, mask),
                                _mm256_castsi256_pd(mask));
    }
    static Eight load(const double* from, std::size_t count, double rest) {
        const std::size_t high = count < 4 ? 0 : count - 4;
        Eight loaded;
        _mm256_storeu_pd(loaded.entry, load_four(from, count, rest));
        _mm256_storeu_pd(loaded.entry + 4, load_four(high == 0 ? from : from + 4, high, rest));
        return loaded;
    }
#else
    static Eight load(const double* from, std::size_t count, double rest) {
        Eight loaded;
        for (std::size_t lane = 0; lane < lanes; ++lane) {
            loaded.entry[lane] = lane < count ? from[lane] : rest;
        }
        return loaded;
    }
#endif
    void store(double* to, std::size_t count) const {
        for (std::size_t lane = 0; lane < count; ++lane) {
            to[lane] = entry[lane];
        }
    }
#endif
};

} // namespace
} // namespace allora::float64::ALLORA_VARIANT

// What float64_array_check.cpp draws its lists of, and how it counts.
#pragma once

#include "../../cpp/number/float64_real.hpp"
#include "float64_arguments.hpp"

#include <cstdint>
#include <vector>

namespace allora::check {

inline constexpr std::uint64_t missing_bits = Number<double>::missing_bits;
inline bool is_missing(double x) {
    return to_bits(x) == missing_bits;
}

inline bool same(double x, double y) {
    return to_bits(x) == to_bits(y);
}

inline bool is_finite(double x) {
    return Number<double>::fault(x) == Cause::none;
}

// A source of numbers: how nasty they are is chosen per list, so that clean lists occur as well.
class Numbers {
public:
    explicit Numbers(std::uint64_t seed) : seed_(seed) {}

    std::uint64_t next() { return random_bits(seed_, index_++); }
    double unit() { return static_cast<double>(next() >> 11) * 0x1p-53; }
    double between(double low, double high) { return low + (high - low) * unit(); }

    // Near 0, with absent ones; nasty: every special value as well, and any size.
    double entry(bool absent, bool nasty) {
        const std::uint64_t kind = next() % 16;
        if (absent && kind == 0) {
            return to_double(missing_bits);
        }
        if (!nasty || kind > 4) {
            return between(-3.0, 3.0);
        }
        const double special[] = {0.0,
                                  -0.0,
                                  HUGE_VAL,
                                  -HUGE_VAL,
                                  to_double(0x7ff8000000000000u),
                                  to_double(missing_bits | (std::uint64_t{1} << 63)),
                                  to_double(0x7ff0000000000001u),
                                  to_double(0xfff8000000000000u),
                                  largest,
                                  -largest,
                                  smallest,
                                  -smallest,
                                  normal,
                                  1.0,
                                  -1.0};
        return kind == 1 ? to_double(next()) : special[next() % std::size(special)];
    }
    std::vector<double> list(std::size_t n, bool absent, bool nasty) {
        std::vector<double> values(n);
        for (double& value : values) {
            value = entry(absent, nasty);
        }
        return values;
    }

private:
    std::uint64_t seed_;
    std::uint64_t index_ = 0;
};

struct Tally {
    std::size_t compared = 0;
    std::size_t different = 0;

    void add(bool equal) {
        ++compared;
        different += equal ? 0 : 1;
    }
};

} // namespace allora::check

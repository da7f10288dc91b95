// The arguments on which the float64 functions are hashed and measured: a pure function of a seed
// and an index, so that any machine, thread or device makes the same ones without storing them.
#pragma once

#include "../../cpp/number/float64_array.hpp"

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

namespace allora::check {

using float64::Function;

// Its own copies of the bit moves: the check shares no line of arithmetic with what it checks.
inline std::uint64_t to_bits(double x) {
    std::uint64_t bits;
    std::memcpy(&bits, &x, sizeof bits);
    return bits;
}

inline double to_double(std::uint64_t bits) {
    double x;
    std::memcpy(&x, &bits, sizeof x);
    return x;
}

// splitmix64 (Steele, Lea, Flood 2014): output number `index` of the stream `seed`.
inline std::uint64_t random_bits(std::uint64_t seed, std::uint64_t index) {
    std::uint64_t z = seed * 0xd1342543de82ef95u + (index + 1) * 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

// uniform: evenly spread between the ends. bits: every float64 between the ends equally likely, so
// all binades alike. power: x is drawn by bits, and y such that x^y = e^t with t even between the
// power ends.
enum class Draw : std::uint8_t { uniform, bits, power };

struct Range {
    Function function;
    const char* name;
    Draw draw;
    double from;
    double to;
    bool both_signs;
    double power_from = 0.0;
    double power_to = 0.0;
};

inline constexpr double largest = std::numeric_limits<double>::max();
inline constexpr double smallest = 0x1p-1074;
inline constexpr double normal = 0x1p-1022;
inline constexpr double below_normal = 0x0.fffffffffffffp-1022;

// Several per function: all magnitudes, ordinary ones, and a narrow one around the largest errors.
inline constexpr std::array<Range, 36> ranges = {{
    {Function::exp, "normal", Draw::uniform, -708.3964185322641, 709.782712893384, false},
    {Function::exp, "normal", Draw::uniform, -2.0, 2.0, false},
    {Function::exp, "normal", Draw::bits, 0x1p-60, 1.0, true},
    {Function::exp, "subnormal", Draw::uniform, -745.2, -708.3964185322642, false},
    {Function::expm1, "all", Draw::uniform, -40.0, 709.782712893384, false},
    {Function::expm1, "all", Draw::uniform, -2.0, 2.0, false},
    {Function::expm1, "all", Draw::bits, 0x1p-60, 40.0, true},
    {Function::expm1, "all", Draw::uniform, 0.3466, 0.41, false},
    {Function::log, "all", Draw::bits, normal, largest, false},
    {Function::log, "all", Draw::bits, smallest, below_normal, false},
    {Function::log, "all", Draw::uniform, 0.25, 4.0, false},
    {Function::log, "all", Draw::uniform, 0.95, 1.05, false},
    {Function::log, "all", Draw::uniform, 0.706, 0.7072, false},
    {Function::log1p, "all", Draw::bits, 0x1p-60, largest, false},
    {Function::log1p, "all", Draw::bits, 0x1p-60, 0x1.fffffffffffffp-1, true},
    {Function::log1p, "all", Draw::uniform, -0x1.fffffffffffffp-1, 3.0, false},
    {Function::log1p, "all", Draw::uniform, -0.1, 0.1, false},
    {Function::log1p, "all", Draw::uniform, 0.396, 0.4143, false},
    {Function::log10, "all", Draw::bits, normal, largest, false},
    {Function::log10, "all", Draw::bits, smallest, below_normal, false},
    {Function::log10, "all", Draw::uniform, 0.25, 4.0, false},
    {Function::log2, "all", Draw::bits, normal, largest, false},
    {Function::log2, "all", Draw::bits, smallest, below_normal, false},
    {Function::log2, "all", Draw::uniform, 0.25, 4.0, false},
    {Function::pow, "normal", Draw::power, smallest, largest, false, -708.39, 709.78},
    {Function::pow, "normal", Draw::power, 0.25, 4.0, false, -708.39, 709.78},
    {Function::pow, "normal", Draw::power, 0.999, 1.001, false, -708.39, 709.78},
    {Function::pow, "normal", Draw::power, 0.01, 100.0, false, -3.0, 3.0},
    {Function::pow, "subnormal", Draw::power, smallest, largest, false, -745.1, -708.4},
    {Function::tanh, "all", Draw::uniform, -20.0, 20.0, false},
    {Function::tanh, "all", Draw::uniform, -1.0, 1.0, false},
    {Function::tanh, "all", Draw::bits, 0x1p-60, 22.0, true},
    {Function::tanh, "all", Draw::uniform, 0.1733, 0.21, false},
    {Function::sqrt, "all", Draw::bits, normal, largest, false},
    {Function::sqrt, "all", Draw::bits, smallest, below_normal, false},
    {Function::sqrt, "all", Draw::uniform, 0.25, 4.0, false},
}};

struct Arguments {
    double x;
    double y;
};

inline double unit(std::uint64_t bits) {
    return static_cast<double>(bits >> 11) * 0x1p-53;
}

inline double drawn(const Range& range, std::uint64_t random) {
    if (range.draw == Draw::uniform) {
        return range.from + (range.to - range.from) * unit(random);
    }
    const std::uint64_t first = to_bits(range.from);
    const std::uint64_t width = to_bits(range.to) - first + 1;
    const std::uint64_t sign = range.both_signs ? random & (std::uint64_t{1} << 63) : 0;
    return to_double((first + (random & ~(std::uint64_t{1} << 63)) % width) | sign);
}

inline Arguments argument(const Range& range, std::uint64_t seed, std::uint64_t index) {
    const double x = drawn(range, random_bits(seed, 2 * index));
    if (range.draw != Draw::power) {
        return {x, 0.0};
    }
    const double at = unit(random_bits(seed, 2 * index + 1));
    const double exponent = range.power_from + (range.power_to - range.power_from) * at;
    // Made of the host's logarithm, hence good for measuring, but not for hashing.
    return {x, exponent / std::log(x)};
}

// Every special number and both neighbours of each.
inline std::vector<double> special_numbers() {
    const double infinity = std::numeric_limits<double>::infinity();
    std::vector<double> numbers;
    for (const double centre : {0.0,
                                smallest,
                                below_normal,
                                normal,
                                0x1p-60,
                                0x1p-54,
                                0x1p-53,
                                0x1p-28,
                                0x1p-27,
                                0.25,
                                0.5,
                                0x1.6a09e667f3bcdp-1,
                                1.0,
                                0x1.6a09e667f3bcdp0,
                                1.5,
                                2.0,
                                3.0,
                                10.0,
                                20.0,
                                22.0,
                                40.0,
                                64.0,
                                708.3964185322641,
                                709.782712893384,
                                710.0,
                                744.4400719213812,
                                745.1332191019412,
                                746.0,
                                1023.0,
                                1024.0,
                                1074.0,
                                1075.0,
                                0x1p31,
                                0x1p32,
                                0x1p51,
                                0x1p52,
                                0x1p53,
                                0x1p63,
                                0x1p64,
                                largest,
                                infinity}) {
        for (int step = -1; step <= 1; ++step) {
            const double x = to_double(to_bits(centre) + static_cast<std::uint64_t>(step));
            numbers.push_back(x);
            numbers.push_back(-x);
        }
    }
    return numbers;
}

// Arguments made of integer operations alone: the special numbers in all pairs, then any bits at
// all (every NaN among them), then x and y of moderate size, where results are ordinary numbers.
inline std::vector<Arguments> hashed_arguments(std::size_t count) {
    std::vector<Arguments> arguments;
    const std::vector<double> special = special_numbers();
    for (const double x : special) {
        for (const double y : special) {
            arguments.push_back({x, y});
        }
    }
    for (std::uint64_t i = 0; i < count; ++i) {
        arguments.push_back({to_double(random_bits(1, i)), to_double(random_bits(2, i))});
    }
    const std::uint64_t sign = std::uint64_t{1} << 63;
    const std::uint64_t tiny = to_bits(0x1p-20);
    const std::uint64_t width = to_bits(0x1p10) - tiny;
    for (std::uint64_t i = 0; i < count; ++i) {
        const std::uint64_t x = random_bits(3, i);
        const std::uint64_t y = random_bits(4, i);
        const std::uint64_t magnitude = tiny + (x & ~sign) % width;
        // Half of the bases positive for pow; a third of the exponents small integers.
        const double exponent = i % 3 == 0 ? static_cast<double>(static_cast<int>(y % 101) - 50)
                                           : to_double((tiny + (y & ~sign) % width) | (y & sign));
        arguments.push_back({to_double(magnitude | (x & sign)), exponent});
    }
    return arguments;
}

} // namespace allora::check

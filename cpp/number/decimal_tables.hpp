// The constants of the decimal functions, computed by the compiler: ln 10 and 10^(i/300). Included
// once on the host, and beside the kernels.
#pragma once

#include "decimal_parts.hpp"
#include "host_device.hpp"
#include "wide.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace allora {

namespace fixed {

// A fraction of 320 bits below an integer of 64.
using Number = Wide<6>;

constexpr Number whole(std::uint64_t value) {
    return {{0, 0, 0, 0, 0, value}};
}

constexpr bool is_zero(const Number& x) {
    return compare(x, Number{}) == 0;
}

constexpr Number divided(Number x, std::uint64_t divisor) {
    std::uint64_t remainder = 0;
    for (int i = 5; i >= 0; --i) {
        const u128 head = (static_cast<u128>(remainder) << 64) | x.limb[i];
        x.limb[i] = static_cast<std::uint64_t>(head / divisor);
        remainder = static_cast<std::uint64_t>(head % divisor);
    }
    return x;
}

constexpr Number product(const Number& x, const Number& y) {
    const Wide<12> wide = multiply_low<12>(x, y);
    return {{wide.limb[5], wide.limb[6], wide.limb[7], wide.limb[8], wide.limb[9], wide.limb[10]}};
}

// factor * atanh(1/k)
constexpr Number inverse_tangent(std::uint64_t k, std::uint64_t factor) {
    Number power = divided(whole(factor), k);
    Number total = power;
    for (std::uint64_t n = 3; !is_zero(power); n += 2) {
        power = divided(power, k * k);
        add_to(total, divided(power, n));
    }
    return total;
}

constexpr Number make_ln10() {
    Number total = inverse_tangent(31, 46);
    add_to(total, inverse_tangent(49, 34));
    add_to(total, inverse_tangent(161, 20));
    return total;
}

inline constexpr Number ln10 = make_ln10();

// Half up, as 64 digits.
constexpr Wide<4> ln10_of_64_digits() {
    const Wide<10> scaled = multiply_low<10>(ln10, powers_of_ten[63]);
    Wide<4> digits{{scaled.limb[5], scaled.limb[6], scaled.limb[7], scaled.limb[8]}};
    add_to(digits, Wide<4>{{scaled.limb[4] >> 63}});
    return digits;
}

constexpr Number exponential(const Number& x) {
    Number term = whole(1);
    Number total = term;
    for (std::uint64_t n = 1; !is_zero(term); ++n) {
        term = divided(product(term, x), n);
        add_to(total, term);
    }
    return total;
}

// x as 36 digits, for 1 <= x < 10; far from a tie.
constexpr DecimalParts rounded(const Number& x) {
    const Wide<8> scaled = multiply_low<8>(x, powers_of_ten[35]);
    const u128 floor = (static_cast<u128>(scaled.limb[6]) << 64) | scaled.limb[5];
    return {floor + (scaled.limb[4] >> 63), -35, false};
}

// 10^(i/300) times e^(ln 10 (q - i/300)), q being i/300 as a 36-digit half-even quotient: q * 10^p
// differs from i * 10^p / 300 by less than half, and the square of that counts no more.
constexpr Number correct(const Number& power, int i) {
    const int places = i < 3 ? 38 : i < 30 ? 37 : 36;
    const u128 dividend = static_cast<u128>(i) * short_powers[places];
    const auto remainder = static_cast<std::uint64_t>(dividend % table_size);
    const bool up = 2 * remainder > table_size ||
                    (2 * remainder == table_size && (dividend / table_size & 1) != 0);
    const std::uint64_t distance = up ? table_size - remainder : remainder;
    Number change = divided(product(power, ln10), table_size);
    change = multiply_low<6>(change, Wide<1>{{distance}});
    change =
        divided(divided(change, powers_of_ten[19].limb[0]), powers_of_ten[places - 19].limb[0]);
    Number result = power;
    if (up) {
        add_to(result, change);
    } else {
        subtract_from(result, change);
    }
    return result;
}

constexpr std::array<DecimalParts, table_size> make_exp_table() {
    const Number step = exponential(divided(ln10, table_size));
    std::array<DecimalParts, table_size> table{};
    table[0] = {1, 0, false};
    Number power = whole(1);
    for (int i = 1; i < table_size; ++i) {
        power = product(power, step);
        table[static_cast<std::size_t>(i)] = rounded(correct(power, i));
    }
    return table;
}

inline constexpr auto exp_table = make_exp_table();

} // namespace fixed

} // namespace allora

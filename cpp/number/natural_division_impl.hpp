// Division of integers of any length, and the powers of ten that scale and cut coefficients.
#pragma once

#include "arena.hpp"
#include "natural.hpp"
#include "wide.hpp"

#include <bit>
#include <utility>
#include <vector>

namespace allora {

namespace {

// 10^308 is the largest power that needs no heap.
constexpr std::size_t largest_short_power = 308;
constexpr std::size_t largest_limb_power = 19;

ALLORA_HD std::uint64_t limb_power(std::size_t n) {
    return ten_to(static_cast<int>(n)).limb[0];
}

// 10^n for n <= largest_short_power.
ALLORA_HD Natural make_power(std::size_t n) {
    constexpr auto limbs = static_cast<int>(Natural::inline_capacity);
    Wide<limbs> power{{1}};
    while (n > 0) {
        const std::size_t step = n < largest_limb_power ? n : largest_limb_power;
        power = multiply_low<limbs>(power, Wide<1>{{limb_power(step)}});
        n -= step;
    }
    return Natural::from_limbs(power.limb, limbs);
}

#if defined(__CUDA_ARCH__)
ALLORA_HD Natural short_power(std::size_t n) {
    return make_power(n);
}
#else
const Natural& short_power(std::size_t n) {
    static const std::vector<Natural> powers = [] {
        std::vector<Natural> made;
        for (std::size_t at = 0; at <= largest_short_power; ++at) {
            made.push_back(make_power(at));
        }
        return made;
    }();
    return powers[n];
}
#endif

// One limb of the quotient: the guess from the two leading limbs of the divisor is at most one too
// large (Knuth, theorem B and exercise 20).
ALLORA_HD std::uint64_t guess_limb(const std::uint64_t* window, std::size_t size,
                                   const std::uint64_t* divisor) {
    const std::uint64_t high = divisor[size - 1];
    const std::uint64_t low = divisor[size - 2];
    const u128 head = (static_cast<u128>(window[size]) << 64) | window[size - 1];
    u128 guess = ~static_cast<std::uint64_t>(0);
    u128 rest = 0;
    if (window[size] >= high) {
        rest = head - guess * high;
    } else {
        std::uint64_t remainder = 0;
        guess = divide_128_by_64(head, high, remainder);
        rest = remainder;
    }
    while ((rest >> 64) == 0 && guess * low > ((rest << 64) | window[size - 2])) {
        guess -= 1;
        rest += high;
    }
    return static_cast<std::uint64_t>(guess);
}

// Less than 64 bits, into one limb more.
ALLORA_HD void shift_limbs_left(const std::uint64_t* limbs, std::size_t size, std::size_t bits,
                                std::uint64_t* out) {
    std::uint64_t carry = 0;
    for (std::size_t i = 0; i < size; ++i) {
        out[i] = (limbs[i] << bits) | carry;
        // Twice, because a shift by 64 is not defined where bits = 0.
        carry = (limbs[i] >> 1) >> (63 - bits);
    }
    out[size] = carry;
}

// window -= guess * divisor; adds the divisor back where the guess was one too large.
ALLORA_HD std::uint64_t subtract_multiple(std::uint64_t* window, std::size_t size,
                                          const std::uint64_t* divisor, std::uint64_t guess) {
    std::uint64_t carry = 0;
    for (std::size_t i = 0; i < size; ++i) {
        const u128 product = static_cast<u128>(guess) * divisor[i] + carry;
        const auto low = static_cast<std::uint64_t>(product);
        const std::uint64_t limb = window[i];
        window[i] = limb - low;
        carry = static_cast<std::uint64_t>(product >> 64) + static_cast<std::uint64_t>(limb < low);
    }
    const std::uint64_t top = window[size];
    window[size] = top - carry;
    if (top >= carry) {
        return guess;
    }
    std::uint64_t back = 0;
    for (std::size_t i = 0; i < size; ++i) {
        const u128 sum = static_cast<u128>(window[i]) + divisor[i] + back;
        window[i] = static_cast<std::uint64_t>(sum);
        back = static_cast<std::uint64_t>(sum >> 64);
    }
    window[size] += back;
    return guess - 1;
}

} // namespace

ALLORA_APART SmallQuotient div_small(const Natural& x, std::uint64_t divisor) {
    SmallQuotient result{{}, 0};
    std::uint64_t* out = result.quotient.prepare(x.size());
    const std::uint64_t* limbs = x.limbs();
    std::uint64_t remainder = 0;
    for (std::size_t i = x.size(); i-- > 0;) {
        const u128 head = (static_cast<u128>(remainder) << 64) | limbs[i];
        out[i] = divide_128_by_64(head, divisor, remainder);
    }
    result.quotient.trim();
    result.remainder = remainder;
    return result;
}

ALLORA_APART NaturalQuotient divmod(const Natural& x, const Natural& divisor) {
    if (compare(x, divisor) < 0) {
        return {{}, x};
    }
    if (divisor.fits_u64()) {
        SmallQuotient small = div_small(x, divisor.low_u64());
        return {std::move(small.quotient), Natural::from_u64(small.remainder)};
    }
    const std::size_t size = divisor.size();
    const auto shift = static_cast<std::size_t>(std::countl_zero(divisor.limbs()[size - 1]));
    const Natural normal = shift_left(divisor, shift);
    Natural rest;
    std::uint64_t* window = rest.prepare(x.size() + 1);
    shift_limbs_left(x.limbs(), x.size(), shift, window);
    NaturalQuotient result;
    const std::size_t steps = x.size() + 1 - size;
    std::uint64_t* out = result.quotient.prepare(steps);
    for (std::size_t i = steps; i-- > 0;) {
        const std::uint64_t guess = guess_limb(window + i, size, normal.limbs());
        out[i] = subtract_multiple(window + i, size, normal.limbs(), guess);
    }
    result.quotient.trim();
    rest.trim();
    result.remainder = shift_right(rest, shift);
    return result;
}

ALLORA_APART Natural power_of_ten(std::size_t n) {
    if (n <= largest_short_power) {
        return short_power(n);
    }
#if defined(__CUDA_ARCH__)
    leave(); // a device has no room for it
#else
    const Natural root = power_of_ten(n / 2);
    const Natural square = mul(root, root);
    return n % 2 == 0 ? square : mul_small(square, 10);
#endif
}

ALLORA_APART Natural mul_pow10(const Natural& x, std::size_t n) {
    if (n == 0 || x.is_zero()) {
        return x;
    }
    if (n <= largest_limb_power) {
        return mul_small(x, limb_power(n));
    }
    return n <= largest_short_power ? mul(x, short_power(n)) : mul(x, power_of_ten(n));
}

ALLORA_APART NaturalQuotient div_pow10(const Natural& x, std::size_t n) {
    if (n == 0) {
        return {x, {}};
    }
    if (n <= largest_limb_power) {
        SmallQuotient small = div_small(x, limb_power(n));
        return {std::move(small.quotient), Natural::from_u64(small.remainder)};
    }
    return n <= largest_short_power ? divmod(x, short_power(n)) : divmod(x, power_of_ten(n));
}

ALLORA_APART int compare_with_half(const Natural& remainder, const Natural& divisor) {
    return compare(shift_left(remainder, 1), divisor);
}

} // namespace allora

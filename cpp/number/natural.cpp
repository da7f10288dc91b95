// Integers of any length, and their texts.
#include "natural_impl.hpp"

#include <algorithm>
#include <utility>

namespace allora {

namespace {

constexpr std::uint64_t chunk = 10'000'000'000'000'000'000U; // 10^19, the largest power in a limb
constexpr std::size_t chunk_digits = 19;

} // namespace

Natural Natural::from_decimal_text(std::string_view digits) {
    Natural result;
    // Each chunk of 19 digits adds less than 64 bits.
    std::uint64_t* data = result.prepare(digits.size() / chunk_digits + 1);
    std::size_t size = 0;
    std::size_t position = 0;
    while (position < digits.size()) {
        const std::size_t rest = (digits.size() - position) % chunk_digits;
        const std::size_t length = rest == 0 ? chunk_digits : rest;
        std::uint64_t value = 0;
        for (std::size_t i = 0; i < length; ++i) {
            value = value * 10 + static_cast<std::uint64_t>(digits[position + i] - '0');
        }
        position += length;
        std::uint64_t carry = value;
        for (std::size_t i = 0; i < size; ++i) {
            const u128 step = static_cast<u128>(data[i]) * chunk + carry;
            data[i] = static_cast<std::uint64_t>(step);
            carry = static_cast<std::uint64_t>(step >> 64);
        }
        if (carry != 0) {
            data[size++] = carry;
        }
    }
    result.size_ = size;
    return result;
}

std::string Natural::to_decimal_text() const {
    std::string reversed;
    reversed.reserve(size_ * 20 + 1);
    Natural rest = *this;
    do {
        SmallQuotient step = div_small(rest, chunk);
        rest = std::move(step.quotient);
        for (std::size_t i = 0; i < chunk_digits; ++i) {
            reversed.push_back(static_cast<char>('0' + step.remainder % 10));
            step.remainder /= 10;
            if (rest.is_zero() && step.remainder == 0) {
                break;
            }
        }
    } while (!rest.is_zero());
    std::reverse(reversed.begin(), reversed.end());
    return reversed;
}

} // namespace allora

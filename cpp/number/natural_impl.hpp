// Storage, comparison, sums and products of integers of any length.
#pragma once

#include "arena.hpp"
#include "natural.hpp"

#include <bit>

namespace allora {

namespace {

// floor(bits * log10 2), with log10 2 to 64 fractional bits.
ALLORA_HD std::size_t least_digits(std::size_t bits) {
    constexpr std::uint64_t log10_of_2 = 5'553'023'288'523'357'132U;
    return static_cast<std::size_t>((static_cast<u128>(bits) * log10_of_2) >> 64);
}

// Returns the limb above the product.
ALLORA_HD std::uint64_t multiply_row(const std::uint64_t* limbs, std::size_t size,
                                     std::uint64_t factor, std::uint64_t* out) {
    std::uint64_t carry = 0;
    for (std::size_t i = 0; i < size; ++i) {
        const u128 step = static_cast<u128>(limbs[i]) * factor + carry;
        out[i] = static_cast<std::uint64_t>(step);
        carry = static_cast<std::uint64_t>(step >> 64);
    }
    return carry;
}

} // namespace

ALLORA_APART std::uint64_t* Natural::prepare(std::size_t size) {
    if (size > capacity_) {
        if (thread_arena() != nullptr) {
            leave(); // a device has no heap
        }
#if !defined(__CUDA_ARCH__)
        auto* larger = new std::uint64_t[size];
        give_back();
        heap_ = larger;
#endif
        capacity_ = size;
    }
    size_ = size;
    return heap_ != nullptr ? heap_ : inline_;
}

ALLORA_APART void Natural::trim() {
    const std::uint64_t* data = limbs();
    while (size_ != 0 && data[size_ - 1] == 0) {
        --size_;
    }
}

ALLORA_APART void Natural::assign(const std::uint64_t* limbs, std::size_t size) {
    std::uint64_t* own = prepare(size);
    for (std::size_t i = 0; i < size; ++i) {
        own[i] = limbs[i];
    }
}

ALLORA_APART void Natural::take(Natural& other) noexcept {
    if (other.heap_ != nullptr) {
        give_back();
        heap_ = other.heap_;
        other.heap_ = nullptr;
        capacity_ = other.capacity_;
        size_ = other.size_;
        other.capacity_ = inline_capacity;
    } else {
        // The bound is known to hold; it spares the compiler from fearing an overread.
        assign(other.inline_, other.size_ < inline_capacity ? other.size_ : inline_capacity);
    }
    other.size_ = 0;
}

ALLORA_APART Natural Natural::from_u64(std::uint64_t value) {
    Natural result;
    if (value != 0) {
        result.prepare(1)[0] = value;
    }
    return result;
}

ALLORA_APART Natural Natural::from_u128(u128 value) {
    Natural result;
    std::uint64_t* data = result.prepare(2);
    data[0] = static_cast<std::uint64_t>(value);
    data[1] = static_cast<std::uint64_t>(value >> 64);
    result.trim();
    return result;
}

ALLORA_APART Natural Natural::from_limbs(const std::uint64_t* limbs, std::size_t size) {
    Natural result;
    result.assign(limbs, size);
    result.trim();
    return result;
}

ALLORA_APART std::size_t Natural::bit_length() const {
    return size_ == 0 ? 0
                      : 64 * size_ - static_cast<std::size_t>(std::countl_zero(limbs()[size_ - 1]));
}

ALLORA_APART std::size_t Natural::digit_count() const {
    if (size_ == 0) {
        return 1;
    }
    const std::size_t bits = bit_length();
    const std::size_t least = least_digits(bits);
    // Every number of this length has `least` or `least` + 1 digits; most lengths leave no choice.
    if (least_digits(bits - 1) == least) {
        return least + 1;
    }
    return least + static_cast<std::size_t>(compare(*this, power_of_ten(least)) >= 0);
}

ALLORA_APART int compare(const Natural& x, const Natural& y) {
    if (x.size() != y.size()) {
        return x.size() < y.size() ? -1 : 1;
    }
    const std::uint64_t* left = x.limbs();
    const std::uint64_t* right = y.limbs();
    for (std::size_t i = x.size(); i-- > 0;) {
        if (left[i] != right[i]) {
            return left[i] < right[i] ? -1 : 1;
        }
    }
    return 0;
}

ALLORA_APART Natural add(const Natural& x, const Natural& y) {
    const Natural& longer = x.size() >= y.size() ? x : y;
    const Natural& shorter = x.size() >= y.size() ? y : x;
    Natural result;
    std::uint64_t* out = result.prepare(longer.size() + 1);
    const std::uint64_t* left = longer.limbs();
    const std::uint64_t* right = shorter.limbs();
    std::uint64_t carry = 0;
    for (std::size_t i = 0; i < shorter.size(); ++i) {
        const u128 sum = static_cast<u128>(left[i]) + right[i] + carry;
        out[i] = static_cast<std::uint64_t>(sum);
        carry = static_cast<std::uint64_t>(sum >> 64);
    }
    for (std::size_t i = shorter.size(); i < longer.size(); ++i) {
        out[i] = left[i] + carry;
        carry = static_cast<std::uint64_t>(out[i] < carry);
    }
    out[longer.size()] = carry;
    result.trim();
    return result;
}

ALLORA_APART Natural sub(const Natural& x, const Natural& y) {
    Natural result;
    std::uint64_t* out = result.prepare(x.size());
    const std::uint64_t* left = x.limbs();
    const std::uint64_t* right = y.limbs();
    std::uint64_t borrow = 0;
    for (std::size_t i = 0; i < y.size(); ++i) {
        const u128 difference = static_cast<u128>(left[i]) - right[i] - borrow;
        out[i] = static_cast<std::uint64_t>(difference);
        borrow = static_cast<std::uint64_t>(difference >> 64) & 1;
    }
    for (std::size_t i = y.size(); i < x.size(); ++i) {
        const std::uint64_t limb = left[i];
        out[i] = limb - borrow;
        borrow = static_cast<std::uint64_t>(limb < borrow);
    }
    result.trim();
    return result;
}

ALLORA_APART Natural mul(const Natural& x, const Natural& y) {
    Natural result;
    if (x.is_zero() || y.is_zero()) {
        return result;
    }
    std::uint64_t* out = result.prepare(x.size() + y.size());
    const std::uint64_t* left = x.limbs();
    const std::uint64_t* right = y.limbs();
    const std::size_t width = y.size();
    out[width] = multiply_row(right, width, left[0], out);
    for (std::size_t i = 1; i < x.size(); ++i) {
        const std::uint64_t factor = left[i];
        std::uint64_t* row = out + i;
        std::uint64_t carry = 0;
        for (std::size_t j = 0; j < width; ++j) {
            const u128 step = static_cast<u128>(factor) * right[j] + row[j] + carry;
            row[j] = static_cast<std::uint64_t>(step);
            carry = static_cast<std::uint64_t>(step >> 64);
        }
        row[width] = carry;
    }
    result.trim();
    return result;
}

ALLORA_APART Natural mul_small(const Natural& x, std::uint64_t factor) {
    Natural result;
    if (factor == 0) {
        return result;
    }
    std::uint64_t* out = result.prepare(x.size() + 1);
    out[x.size()] = multiply_row(x.limbs(), x.size(), factor, out);
    result.trim();
    return result;
}

ALLORA_APART Natural shift_left(const Natural& x, std::size_t bits) {
    Natural result;
    if (x.is_zero()) {
        return result;
    }
    const std::size_t limbs = bits / 64;
    const auto rest = static_cast<unsigned>(bits % 64);
    std::uint64_t* out = result.prepare(x.size() + limbs + 1);
    const std::uint64_t* left = x.limbs();
    for (std::size_t i = 0; i < limbs; ++i) {
        out[i] = 0;
    }
    std::uint64_t carry = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
        out[i + limbs] = (left[i] << rest) | carry;
        carry = rest == 0 ? 0 : left[i] >> (64 - rest);
    }
    out[x.size() + limbs] = carry;
    result.trim();
    return result;
}

ALLORA_APART Natural shift_right(const Natural& x, std::size_t bits) {
    const std::size_t limbs = bits / 64;
    const auto rest = static_cast<unsigned>(bits % 64);
    Natural result;
    if (limbs >= x.size()) {
        return result;
    }
    const std::size_t size = x.size() - limbs;
    std::uint64_t* out = result.prepare(size);
    const std::uint64_t* left = x.limbs() + limbs;
    for (std::size_t i = 0; i < size; ++i) {
        out[i] = left[i] >> rest;
        if (rest != 0 && i + 1 < size) {
            out[i] |= left[i + 1] << (64 - rest);
        }
    }
    result.trim();
    return result;
}

} // namespace allora

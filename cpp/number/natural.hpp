// Unsigned integers of any length: the coefficients of BigDecimal. Little-endian 64-bit limbs, no
// leading zero limbs; up to 1024 bits live inside the object, so ordinary sums, products and
// quotients never touch the heap.
#pragma once

#include "host_device.hpp"
#include "wide_int.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace allora {

class Natural {
public:
    static constexpr std::size_t inline_capacity = 16;

    ALLORA_HD Natural() {}
    ALLORA_HD Natural(const Natural& other) { assign(other.limbs(), other.size_); }
    ALLORA_HD Natural(Natural&& other) noexcept { take(other); }
    ALLORA_HD Natural& operator=(const Natural& other) {
        if (this != &other) {
            assign(other.limbs(), other.size_);
        }
        return *this;
    }
    ALLORA_HD Natural& operator=(Natural&& other) noexcept {
        if (this != &other) {
            take(other);
        }
        return *this;
    }
    ALLORA_HD ~Natural() { give_back(); }

    ALLORA_APART static Natural from_u64(std::uint64_t value);
    ALLORA_APART static Natural from_u128(u128 value);
    ALLORA_APART static Natural from_limbs(const std::uint64_t* limbs, std::size_t size);
    // Digits only; the caller has checked them. Leading zeros vanish.
    static Natural from_decimal_text(std::string_view digits);

    ALLORA_HD const std::uint64_t* limbs() const { return heap_ != nullptr ? heap_ : inline_; }
    ALLORA_HD std::size_t size() const { return size_; }
    ALLORA_HD bool is_zero() const { return size_ == 0; }
    ALLORA_HD bool is_odd() const { return size_ != 0 && (limbs()[0] & 1) != 0; }
    ALLORA_HD bool fits_u64() const { return size_ <= 1; }
    ALLORA_HD std::uint64_t low_u64() const { return size_ == 0 ? 0 : limbs()[0]; }
    ALLORA_APART std::size_t bit_length() const;
    // Of zero: 1.
    ALLORA_APART std::size_t digit_count() const;
    std::string to_decimal_text() const;

    // Room for `size` limbs of unspecified content; `trim` afterwards restores the normal size.
    ALLORA_APART std::uint64_t* prepare(std::size_t size);
    ALLORA_APART void trim();

private:
    ALLORA_APART void assign(const std::uint64_t* limbs, std::size_t size);
    ALLORA_APART void take(Natural& other) noexcept;

    // A device has no heap.
    ALLORA_HD void give_back() {
#if !defined(__CUDA_ARCH__)
        delete[] heap_;
#endif
    }

    std::uint64_t* heap_ = nullptr;
    std::size_t capacity_ = inline_capacity;
    std::size_t size_ = 0;
    std::uint64_t inline_[inline_capacity];
};

struct NaturalQuotient {
    Natural quotient;
    Natural remainder;
};

struct SmallQuotient {
    Natural quotient;
    std::uint64_t remainder;
};

ALLORA_APART int compare(const Natural& x, const Natural& y);
ALLORA_APART Natural add(const Natural& x, const Natural& y);
// x - y for x >= y.
ALLORA_APART Natural sub(const Natural& x, const Natural& y);
ALLORA_APART Natural mul(const Natural& x, const Natural& y);
ALLORA_APART Natural mul_small(const Natural& x, std::uint64_t factor);
ALLORA_APART Natural shift_left(const Natural& x, std::size_t bits);
ALLORA_APART Natural shift_right(const Natural& x, std::size_t bits);

// Knuth, algorithm D. The divisor is not zero.
ALLORA_APART NaturalQuotient divmod(const Natural& x, const Natural& divisor);
ALLORA_APART SmallQuotient div_small(const Natural& x, std::uint64_t divisor);

ALLORA_APART Natural power_of_ten(std::size_t n);
ALLORA_APART Natural mul_pow10(const Natural& x, std::size_t n);
ALLORA_APART NaturalQuotient div_pow10(const Natural& x, std::size_t n);
// The remainder of a division against half the divisor: -1 below, 0 exactly half, 1 above.
ALLORA_APART int compare_with_half(const Natural& remainder, const Natural& divisor);

} // namespace allora

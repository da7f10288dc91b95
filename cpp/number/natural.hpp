// Unsigned integers of any length: the coefficients of BigDecimal. Little-endian 64-bit limbs, no
// leading zero limbs; up to 1024 bits live inside the object, so ordinary sums, products and
// quotients never touch the heap.
#pragma once

#include "wide_int.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace allora {

class Natural {
public:
    static constexpr std::size_t inline_capacity = 16;

    Natural() {}
    Natural(const Natural& other) { assign(other.limbs(), other.size_); }
    Natural(Natural&& other) noexcept { take(other); }
    Natural& operator=(const Natural& other) {
        if (this != &other) {
            assign(other.limbs(), other.size_);
        }
        return *this;
    }
    Natural& operator=(Natural&& other) noexcept {
        if (this != &other) {
            take(other);
        }
        return *this;
    }
    ~Natural() = default;

    static Natural from_u64(std::uint64_t value);
    static Natural from_u128(u128 value);
    static Natural from_limbs(const std::uint64_t* limbs, std::size_t size);
    // Digits only; the caller has checked them. Leading zeros vanish.
    static Natural from_decimal_text(std::string_view digits);

    const std::uint64_t* limbs() const { return heap_ ? heap_.get() : inline_; }
    std::size_t size() const { return size_; }
    bool is_zero() const { return size_ == 0; }
    bool is_odd() const { return size_ != 0 && (limbs()[0] & 1) != 0; }
    bool fits_u64() const { return size_ <= 1; }
    std::uint64_t low_u64() const { return size_ == 0 ? 0 : limbs()[0]; }
    std::size_t bit_length() const;
    // Of zero: 1.
    std::size_t digit_count() const;
    std::string to_decimal_text() const;

    // Room for `size` limbs of unspecified content; `trim` afterwards restores the normal size.
    std::uint64_t* prepare(std::size_t size);
    void trim();

private:
    void assign(const std::uint64_t* limbs, std::size_t size);
    void take(Natural& other) noexcept;

    std::unique_ptr<std::uint64_t[]> heap_;
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

int compare(const Natural& x, const Natural& y);
Natural add(const Natural& x, const Natural& y);
// x - y for x >= y.
Natural sub(const Natural& x, const Natural& y);
Natural mul(const Natural& x, const Natural& y);
Natural mul_small(const Natural& x, std::uint64_t factor);
Natural shift_left(const Natural& x, std::size_t bits);
Natural shift_right(const Natural& x, std::size_t bits);

// Knuth, algorithm D. The divisor is not zero.
NaturalQuotient divmod(const Natural& x, const Natural& divisor);
SmallQuotient div_small(const Natural& x, std::uint64_t divisor);

Natural power_of_ten(std::size_t n);
Natural mul_pow10(const Natural& x, std::size_t n);
NaturalQuotient div_pow10(const Natural& x, std::size_t n);
// The remainder of a division against half the divisor: -1 below, 0 exactly half, 1 above.
int compare_with_half(const Natural& remainder, const Natural& divisor);

} // namespace allora

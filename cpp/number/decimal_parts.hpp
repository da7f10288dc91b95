// Numbers of at most 38 digits, written as their decimal text.
#pragma once

#include "wide.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace allora {

// A number of at most 38 digits, so that constants are written as their decimal text.
struct DecimalParts {
    u128 coefficient;
    std::int32_t exponent;
    bool negative;
};

consteval DecimalParts parts_of(std::string_view text) {
    DecimalParts parts{0, 0, false};
    bool after_point = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '-') {
            parts.negative = true;
        } else if (text[i] == '.') {
            after_point = true;
        } else if (text[i] == 'E') {
            std::int32_t written = 0;
            for (std::size_t j = i + 2; j < text.size(); ++j) {
                written = written * 10 + (text[j] - '0');
            }
            parts.exponent += text[i + 1] == '-' ? -written : written;
            break;
        } else {
            parts.coefficient = parts.coefficient * 10 + static_cast<u128>(text[i] - '0');
            parts.exponent -= after_point ? 1 : 0;
        }
    }
    return parts;
}

inline constexpr int table_size = 300;

// T[i] = H_36(10^q), q = i/300 as a 36-digit half-even quotient.
extern const std::array<DecimalParts, table_size> exp_table_parts;

} // namespace allora

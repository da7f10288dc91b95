// What a decimal holds when it is not simply a finite number.
#pragma once

#include <cstdint>

namespace allora {

enum class Form : std::uint8_t {
    finite,
    missing,
    nan,      // the chain's own NaN, a flag beside a hidden zero
    infinite, // only where the chain's arithmetic yields one without an error
    fault,
    wide, // the coefficient stands elsewhere because it is too long for the fixed width
};

} // namespace allora

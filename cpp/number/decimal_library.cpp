// The decimal library's functions, and their way to doubles and back.
#include "decimal_library_impl.hpp"

#include "decimal_text.hpp"

#include <charconv>
#include <string>

namespace allora::library {

double nearest_by_text(const BigDecimal& x) {
    const std::string text = to_stored(x);
    double value = 0.0;
    const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
    if (result.ec == std::errc::result_out_of_range) {
        return x.exponent + static_cast<std::int64_t>(x.coefficient.digit_count()) > 0 ? HUGE_VAL
                                                                                       : 0.0;
    }
    return value;
}

BigDecimal shortest_by_text(double value) {
    char text[40];
    const auto result =
        std::to_chars(text, text + sizeof text, value, std::chars_format::scientific);
    return parse(std::string_view(text, static_cast<std::size_t>(result.ptr - text)));
}

} // namespace allora::library

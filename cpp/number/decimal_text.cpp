// Parsing and printing decimals with the quirks of the chain's decimal library.
#include "decimal_text.hpp"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <utility>

namespace allora {

namespace {

bool is_digits(std::string_view text) {
    return !text.empty() &&
           std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool is_sign(char c) {
    return c == '+' || c == '-';
}

bool within(std::int64_t exponent) {
    return exponent <= exponent_limit && exponent >= -exponent_limit;
}

// The written exponent; false for no number. What leaves 32 bits leaves the limits too.
bool parse_exponent(std::string_view text, std::int64_t& exponent) {
    const bool negative = !text.empty() && text.front() == '-';
    if (!text.empty() && is_sign(text.front())) {
        text.remove_prefix(1);
    }
    if (!is_digits(text)) {
        return false;
    }
    std::int64_t value = 0;
    for (const char digit : text) {
        value = std::min<std::int64_t>(value * 10 + (digit - '0'), exponent_limit + 1);
    }
    exponent = negative ? -value : value;
    return true;
}

bool is_word(std::string_view text, std::string_view word) {
    return text.size() == word.size() &&
           std::equal(text.begin(), text.end(), word.begin(), [](char a, char b) {
               return std::tolower(static_cast<unsigned char>(a)) == b;
           });
}

const char* special_text(const BigDecimal& x) {
    switch (x.form) {
    case Form::nan:
        return "NaN";
    case Form::infinite:
        return x.negative ? "-Infinity" : "Infinity";
    default:
        return "";
    }
}

void append_plain(std::string& text, const std::string& digits, std::int64_t exponent) {
    if (exponent >= 0) {
        text.append(digits).append(static_cast<std::size_t>(exponent), '0');
        return;
    }
    const std::int64_t whole = static_cast<std::int64_t>(digits.size()) + exponent;
    if (whole <= 0) {
        text.append("0.").append(static_cast<std::size_t>(-whole), '0').append(digits);
        return;
    }
    const auto point = static_cast<std::size_t>(whole);
    text.append(digits, 0, point).append(1, '.').append(digits, point);
}

} // namespace

BigDecimal parse(std::string_view text) {
    if (text.empty()) {
        return BigDecimal::from_int(0);
    }
    const bool negative = text.front() == '-';
    if (is_sign(text.front())) {
        text.remove_prefix(1);
    }
    if (is_word(text, "inf") || is_word(text, "infinity")) {
        return BigDecimal::faulted(Cause::infinite);
    }
    std::int64_t written = 0;
    if (const std::size_t mark = text.find_first_of("eE"); mark != std::string_view::npos) {
        if (!parse_exponent(text.substr(mark + 1), written)) {
            return BigDecimal::faulted(Cause::parse);
        }
        text = text.substr(0, mark);
    }
    std::int64_t places = 0;
    std::string digits(text);
    if (const std::size_t point = text.find('.'); point != std::string_view::npos) {
        places = static_cast<std::int64_t>(text.size() - point - 1);
        digits.erase(point, 1);
        // A plus sign is accepted after a leading point, and counts as one of the places.
        if (point == 0 && !digits.empty() && digits.front() == '+') {
            digits.erase(0, 1);
        }
    }
    if (!is_digits(digits) || !within(written) || !within(places)) {
        return BigDecimal::faulted(Cause::parse);
    }
    Natural coefficient = Natural::from_decimal_text(digits);
    const std::int64_t exponent = written - places;
    const auto count = static_cast<std::int64_t>(coefficient.digit_count());
    if (!within(exponent) || !within(exponent + count - 1)) {
        return BigDecimal::faulted(Cause::parse);
    }
    return BigDecimal::from_parts(negative, std::move(coefficient),
                                  static_cast<std::int32_t>(exponent));
}

BigDecimal parse_stored(std::string_view text) {
    return text == "NaN" ? BigDecimal::not_a_number() : parse(text);
}

std::string to_plain(const BigDecimal& x) {
    if (!x.is_finite()) {
        return special_text(x);
    }
    std::string text(x.negative ? "-" : "");
    append_plain(text, x.coefficient.to_decimal_text(), x.exponent);
    return text;
}

std::string to_stored(const BigDecimal& x) {
    if (!x.is_finite()) {
        return special_text(x);
    }
    constexpr std::int64_t deepest_plain_zero = -2000;
    constexpr std::int64_t smallest_plain_adjusted = -6;
    const std::string digits = x.coefficient.to_decimal_text();
    std::string text(x.negative ? "-" : "");
    auto length = static_cast<std::int64_t>(digits.size());
    if (x.is_zero() && x.exponent < 0 && x.exponent >= deepest_plain_zero) {
        length = 1 - static_cast<std::int64_t>(x.exponent);
    }
    if (x.exponent <= 0 && x.exponent + length - 1 >= smallest_plain_adjusted) {
        append_plain(text, digits, x.exponent);
        return text;
    }
    const std::int64_t adjusted = x.exponent + static_cast<std::int64_t>(digits.size()) - 1;
    text.append(digits, 0, 1);
    if (digits.size() > 1) {
        text.append(1, '.').append(digits, 1);
    }
    text.append(adjusted < 0 ? "E-" : "E+").append(std::to_string(std::llabs(adjusted)));
    return text;
}

} // namespace allora

#include "written.hpp"

#include <charconv>

namespace allora::wire {

namespace {

constexpr Span base64_digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr Span hex_digits = "0123456789abcdef";

void append(std::vector<char>& out, Span text) {
    out.insert(out.end(), text.begin(), text.end());
}

void append_json_character(std::vector<char>& out, char character) {
    constexpr Span escaped = "\"\\\b\f\n\r\t";
    constexpr Span names = "\"\\bfnrt";
    const std::size_t at = escaped.find(character);
    if (at != Span::npos) {
        append(out, {"\\", 1});
        out.push_back(names[at]);
    } else if (static_cast<std::uint8_t>(character) < 0x20) {
        append(out, "\\u00");
        out.push_back(hex_digits[static_cast<std::uint8_t>(character) >> 4U]);
        out.push_back(hex_digits[static_cast<std::uint8_t>(character) & 15U]);
    } else {
        out.push_back(character);
    }
}

template <class Number>
void append_digits(std::vector<char>& out, Number value) {
    std::array<char, 24> digits{};
    const auto written = std::to_chars(digits.data(), digits.data() + digits.size(), value);
    out.insert(out.end(), digits.data(), written.ptr);
}

} // namespace

void append_base64(std::vector<char>& out, Span bytes) {
    for (std::size_t at = 0; at < bytes.size(); at += 3) {
        const std::size_t left = bytes.size() - at;
        const auto byte = [&](std::size_t i) {
            return i < left ? static_cast<std::uint32_t>(static_cast<std::uint8_t>(bytes[at + i]))
                            : 0U;
        };
        const std::uint32_t three = byte(0) << 16U | byte(1) << 8U | byte(2);
        out.push_back(base64_digits[three >> 18U]);
        out.push_back(base64_digits[three >> 12U & 63U]);
        out.push_back(left > 1 ? base64_digits[three >> 6U & 63U] : '=');
        out.push_back(left > 2 ? base64_digits[three & 63U] : '=');
    }
}

void append_json_list(std::vector<char>& out, const std::vector<Span>& texts) {
    out.push_back('[');
    for (std::size_t i = 0; i < texts.size(); ++i) {
        append(out, i == 0 ? "\"" : ",\"");
        for (const char character : texts[i]) {
            append_json_character(out, character);
        }
        out.push_back('"');
    }
    out.push_back(']');
}

void append_number(std::vector<char>& out, std::int64_t value) {
    append_digits(out, value);
}

void append_number(std::vector<char>& out, std::uint64_t value) {
    append_digits(out, value);
}

} // namespace allora::wire

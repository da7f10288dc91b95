// Protobuf's wire format, read in place: nothing is copied, nothing beyond the end is looked at.
// Format: protobuf.dev, "Encoding"; wire types 0, 1, 2 and 5, which are all that the chain writes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string_view>

namespace allora::wire {

// Why bytes could not be read.
enum class WireCause : std::uint8_t {
    none,
    truncated,
    overlong_varint,
    wrong_wire_type,
    invalid_field,
    invalid_utf8,
    out_of_range,
    too_deep,
    too_many,
    too_large,
};

inline constexpr std::array<const char*, 10> wire_cause_names = {
    "none",         "truncated",    "overlong_varint", "wrong_wire_type", "invalid_field",
    "invalid_utf8", "out_of_range", "too_deep",        "too_many",        "too_large",
};

// Bytes of a transaction: a text, a sub-message. Without data where the field was absent.
using Span = std::string_view;

// The first fault of a transaction and the byte it stands at.
struct Fault {
    WireCause cause = WireCause::none;
    const char* at = nullptr;

    bool set(WireCause why, const char* where) {
        if (cause == WireCause::none) {
            cause = why;
            at = where;
        }
        return false;
    }
};

enum class WireType : std::uint8_t { varint = 0, fixed64 = 1, bytes = 2, fixed32 = 5 };

// No overlong forms, no surrogates, nothing above U+10FFFF.
inline bool is_utf8(Span text) {
    const char* at = text.data();
    const char* const end = at + text.size();
    const auto byte = [&](int i) { return static_cast<std::uint8_t>(at[i]); };
    while (at != end) {
        std::uint64_t eight = 0;
        if (end - at >= 8) {
            std::memcpy(&eight, at, 8);
            if ((eight & 0x8080808080808080U) == 0) {
                at += 8;
                continue;
            }
        }
        const std::uint8_t lead = byte(0);
        if (lead < 0x80) {
            ++at;
            continue;
        }
        const int more = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : 1;
        if (lead < 0xC2 || lead > 0xF4 || end - at <= more) {
            return false;
        }
        const std::uint8_t least = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
        const std::uint8_t most = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
        if (byte(1) < least || byte(1) > most) {
            return false;
        }
        for (int i = 2; i <= more; ++i) {
            if ((byte(i) & 0xC0U) != 0x80) {
                return false;
            }
        }
        at += more + 1;
    }
    return true;
}

// The bytes of one message. Every read says whether it went well; the fault tells why it did not.
class Reader {
public:
    Reader(Span bytes, Fault& fault)
        : at_(bytes.data()), end_(bytes.data() + bytes.size()), start_(at_), fault_(&fault) {}

    // The next field's number and type; false at the end of the message or at a fault.
    bool next() {
        if (at_ == end_ || fault_->cause != WireCause::none) {
            return false;
        }
        start_ = at_;
        std::uint64_t tag = 0;
        if (!varint(tag)) {
            return false;
        }
        if ((tag >> 3) == 0 || (tag >> 3) > largest_field) {
            return refuse(WireCause::invalid_field);
        }
        field_ = static_cast<std::uint32_t>(tag >> 3);
        type_ = static_cast<WireType>(tag & 7U);
        return true;
    }

    std::uint32_t field() const { return field_; }
    WireType type() const { return type_; }
    bool failed() const { return fault_->cause != WireCause::none; }

    bool bits(std::uint64_t& value) { return expect(WireType::varint) && varint(value); }

    bool number(std::int64_t& value) {
        std::uint64_t read = 0;
        if (!bits(read)) {
            return false;
        }
        value = static_cast<std::int64_t>(read);
        return true;
    }

    // An unsigned number of 64 bits; columns hold signed ones.
    bool whole(std::int64_t& value) {
        std::uint64_t read = 0;
        if (!bits(read)) {
            return false;
        }
        if (read > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
            return refuse(WireCause::out_of_range);
        }
        value = static_cast<std::int64_t>(read);
        return true;
    }

    // Bytes of any content: sub-messages, signatures.
    bool bytes(Span& span) {
        std::uint64_t length = 0;
        if (!expect(WireType::bytes) || !varint(length)) {
            return false;
        }
        if (length > static_cast<std::uint64_t>(end_ - at_)) {
            return refuse(WireCause::truncated);
        }
        span = {at_, static_cast<std::size_t>(length)};
        at_ += length;
        return true;
    }

    // A string, which must be UTF-8.
    bool text(Span& span) {
        return bytes(span) && (is_utf8(span) || refuse(WireCause::invalid_utf8));
    }

    // The numbers of a repeated field, one by one, packed or not.
    template <class Take>
    bool numbers(Take&& take) {
        std::uint64_t value = 0;
        if (type_ != WireType::bytes) {
            return bits(value) && take(value);
        }
        Span packed;
        if (!bytes(packed)) {
            return false;
        }
        Reader inner(packed, *fault_);
        while (inner.at_ != inner.end_) {
            inner.start_ = inner.at_;
            if (!inner.varint(value) || !take(value)) {
                return false;
            }
        }
        return true;
    }

    bool skip() {
        std::uint64_t ignored = 0;
        Span span;
        switch (type_) {
        case WireType::varint:
            return varint(ignored);
        case WireType::bytes:
            return bytes(span);
        case WireType::fixed64:
            return advance(8);
        case WireType::fixed32:
            return advance(4);
        }
        return refuse(WireCause::wrong_wire_type);
    }

    Reader inside(Span span) const { return {span, *fault_}; }

    // The current field is at fault.
    bool refuse(WireCause cause) { return fault_->set(cause, start_); }

private:
    static constexpr std::uint64_t largest_field = (1U << 29U) - 1;

    bool expect(WireType type) { return type_ == type || refuse(WireCause::wrong_wire_type); }

    bool advance(std::ptrdiff_t count) {
        if (end_ - at_ < count) {
            return refuse(WireCause::truncated);
        }
        at_ += count;
        return true;
    }

    bool varint(std::uint64_t& value) {
        value = 0;
        for (unsigned shift = 0; shift < 70; shift += 7) {
            if (at_ == end_) {
                return refuse(WireCause::truncated);
            }
            const auto byte = static_cast<std::uint8_t>(*at_++);
            if (shift == 63 && byte > 1) {
                return refuse(WireCause::overlong_varint);
            }
            value |= static_cast<std::uint64_t>(byte & 0x7FU) << shift;
            if (byte < 0x80) {
                return true;
            }
        }
        return refuse(WireCause::overlong_varint);
    }

    const char* at_;
    const char* end_;
    const char* start_;
    Fault* fault_;
    std::uint32_t field_ = 0;
    WireType type_ = WireType::varint;
};

} // namespace allora::wire

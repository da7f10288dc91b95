// Texts that no transaction holds as such: base64, JSON, numbers, as the network's JSON has them.
#pragma once

#include "reader.hpp"

#include <vector>

namespace allora::wire {

inline std::size_t base64_size(Span bytes) {
    return (bytes.size() + 2) / 3 * 4;
}

void append_base64(std::vector<char>& out, Span bytes);

// A list of texts as JSON, without spaces.
void append_json_list(std::vector<char>& out, const std::vector<Span>& texts);

void append_number(std::vector<char>& out, std::int64_t value);
void append_number(std::vector<char>& out, std::uint64_t value);

} // namespace allora::wire

// Addresses as small integers: a batch of 100,000 topics names millions of actors, and comparing or
// hashing their texts each time would cost more than the formulas.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace allora {

// Identifiers live as long as the process and mean the same everywhere in it; saved states hold the
// texts. Safe to call from any thread.
std::uint32_t intern_address(std::string_view address);
bool is_address(std::uint32_t identifier);
// The identifier must exist; no lock is taken.
const std::string& address_text(std::uint32_t identifier);
// How many of these are strictly ascending by their texts, from the first one on.
std::int64_t ascending_addresses(const std::uint32_t* identifiers, std::int64_t count);

} // namespace allora

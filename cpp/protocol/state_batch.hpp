// States as values: one per topic, shared until changed, readable entry by entry and savable.
#pragma once

#include "state_store.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace allora {

// Decimal moves to BigDecimal while one of its values is too long for the fixed width.
using AnyState = std::variant<StoredState<double>, StoredState<Decimal>, StoredState<BigDecimal>>;

struct Shelf {
    std::uint64_t topic_id = 0;
    AnyState state;
};

using States = std::vector<std::shared_ptr<const Shelf>>;

// One stored value: the family is a field of the Python `State`; actors are empty where a family
// has none; the text is the stored form, or a count.
struct StateEntry {
    std::string family;
    std::string withheld;
    std::string actor;
    std::string text;
};

States new_states(bool is_float64, const std::vector<std::uint64_t>& topics);

// All entries in canonical order: by family, withheld address, address.
std::vector<StateEntry> state_entries(const Shelf& shelf);

// Replaces the topic's state by these entries; empty, or one sentence that says what is wrong.
std::string replace_state(std::shared_ptr<const Shelf>& shelf, bool is_float64,
                          const std::vector<StateEntry>& entries);

// To the fixed width where every value fits, else back as it is.
AnyState narrowed(StoredState<BigDecimal> state);
StoredState<BigDecimal> widened(const AnyState& state);

// Canonical bytes (state_bytes.cpp describes them): equal states give equal bytes.
std::string encode_states(bool is_float64, const States& states);
// Empty, or one sentence that says why the bytes are refused.
std::string decode_states(std::string_view bytes, std::string& number, States& states);

} // namespace allora

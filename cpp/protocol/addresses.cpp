// The process-wide table of addresses.
#include "addresses.hpp"

#include <array>
#include <atomic>
#include <compare>
#include <cstddef>
#include <mutex>
#include <shared_mutex>
#include <stdexcept>
#include <unordered_map>

namespace allora {

namespace {

inline constexpr std::uint32_t chunk_bits = 14;
inline constexpr std::uint32_t chunk_size = 1U << chunk_bits;

// The first 16 bytes as two numbers that order as they do, the rest being zeros: two addresses that
// differ there are told apart without a look at their texts.
struct Beginning {
    std::uint64_t high = 0;
    std::uint64_t low = 0;

    Beginning() = default;
    explicit Beginning(std::string_view text) {
        for (std::size_t i = 0; i < 16; ++i) {
            const std::uint64_t byte = i < text.size() ? static_cast<unsigned char>(text[i]) : 0;
            (i < 8 ? high : low) |= byte << (56 - 8 * (i % 8));
        }
    }
    bool operator==(const Beginning&) const = default;
    auto operator<=>(const Beginning&) const = default;
};

struct Entry {
    Beginning beginning;
    std::string text;
};

// Chunks never move, so that the engine reads texts without a lock.
struct Table {
    std::shared_mutex mutex;
    std::array<std::atomic<Entry*>, 1U << 16> chunks{};
    std::atomic<std::uint32_t> size = 0;
    std::unordered_map<std::string_view, std::uint32_t> identifiers;
};

Table& table() {
    static auto* const addresses = new Table; // outlives every thread that may still read it
    return *addresses;
}

const Entry& entry_of(std::uint32_t identifier) {
    return table().chunks[identifier >> chunk_bits].load()[identifier & (chunk_size - 1)];
}

} // namespace

std::uint32_t intern_address(std::string_view address) {
    Table& addresses = table();
    {
        const std::shared_lock lock(addresses.mutex);
        const auto found = addresses.identifiers.find(address);
        if (found != addresses.identifiers.end()) {
            return found->second;
        }
    }
    const std::unique_lock lock(addresses.mutex);
    const auto found = addresses.identifiers.find(address);
    if (found != addresses.identifiers.end()) {
        return found->second;
    }
    const std::uint32_t identifier = addresses.size;
    std::atomic<Entry*>& chunk = addresses.chunks.at(identifier >> chunk_bits);
    if (chunk.load() == nullptr) {
        chunk.store(new Entry[chunk_size]);
    }
    Entry& entry = chunk.load()[identifier & (chunk_size - 1)];
    entry = {Beginning(address), std::string(address)};
    addresses.identifiers.emplace(entry.text, identifier);
    addresses.size = identifier + 1;
    return identifier;
}

bool is_address(std::uint32_t identifier) {
    return identifier < table().size.load(std::memory_order_acquire);
}

const std::string& address_text(std::uint32_t identifier) {
    return entry_of(identifier).text;
}

std::int64_t ascending_addresses(const std::uint32_t* identifiers, std::int64_t count) {
    for (std::int64_t i = 1; i < count; ++i) {
        const Entry& before = entry_of(identifiers[i - 1]);
        const Entry& after = entry_of(identifiers[i]);
        const bool ascends = before.beginning == after.beginning
                                 ? before.text < after.text
                                 : before.beginning < after.beginning;
        if (!ascends) {
            return i;
        }
    }
    return count;
}

} // namespace allora

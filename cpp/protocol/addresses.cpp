// The process-wide table of addresses.
#include "addresses.hpp"

#include <array>
#include <atomic>
#include <mutex>
#include <shared_mutex>
#include <stdexcept>
#include <unordered_map>

namespace allora {

namespace {

inline constexpr std::uint32_t chunk_bits = 14;
inline constexpr std::uint32_t chunk_size = 1U << chunk_bits;

// Chunks never move, so that the engine reads texts without a lock.
struct Table {
    std::shared_mutex mutex;
    std::array<std::atomic<std::string*>, 1U << 16> chunks{};
    std::atomic<std::uint32_t> size = 0;
    std::unordered_map<std::string_view, std::uint32_t> identifiers;
};

Table& table() {
    static auto* const addresses = new Table; // outlives every thread that may still read it
    return *addresses;
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
    std::atomic<std::string*>& chunk = addresses.chunks.at(identifier >> chunk_bits);
    if (chunk.load() == nullptr) {
        chunk.store(new std::string[chunk_size]);
    }
    std::string& text = chunk.load()[identifier & (chunk_size - 1)];
    text = address;
    addresses.identifiers.emplace(text, identifier);
    addresses.size = identifier + 1;
    return identifier;
}

bool is_address(std::uint32_t identifier) {
    return identifier < table().size.load(std::memory_order_acquire);
}

const std::string& address_text(std::uint32_t identifier) {
    return table().chunks[identifier >> chunk_bits].load()[identifier & (chunk_size - 1)];
}

} // namespace allora

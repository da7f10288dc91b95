// What runs here is what a device runs: the same bodies over the same bytes, each topic in an arena
// of the room that its shape asks for, and once more in the largest where that does not suffice.
#include "emulated_memory.hpp"

#include <algorithm>
#include <cstring>
#include <limits>
#include <map>
#include <vector>

namespace allora {

namespace {

class EmulatedMemory final : public DeviceMemory {
public:
    EmulatedMemory(Device& device, std::size_t most_room, std::size_t memory)
        : device_(device),
          most_room_(most_room == 0 ? std::numeric_limits<std::size_t>::max() : most_room),
          free_(memory == 0 ? std::numeric_limits<std::size_t>::max() / 2 : memory) {}

    // What nobody wrote must not look like a number that somebody could use.
    std::byte* take(std::size_t bytes) override {
        std::vector<std::byte> room(std::max<std::size_t>(bytes, 1), std::byte{0xff});
        std::byte* taken = room.data();
        free_ -= room.size();
        taken_.emplace(taken, std::move(room));
        return taken;
    }
    void give(std::byte* taken) noexcept override {
        free_ += taken_.at(taken).size();
        taken_.erase(taken);
    }
    std::size_t free_bytes() override { return free_; }
    std::string stranger(const void*) override { return ""; }

    void begin(StreamHandle) override {}
    void follow(StreamHandle) override {}
    void fill(void* to, std::uint8_t value, std::size_t bytes) override {
        std::fill_n(static_cast<std::uint8_t*>(to), bytes, value);
    }
    void copy_in(void* to, const void* from, std::size_t bytes) override {
        const auto* begin = static_cast<const std::byte*>(from);
        std::copy(begin, begin + bytes, static_cast<std::byte*>(to));
    }
    void copy_out(void* to, const void* from, std::size_t bytes) override {
        copy_in(to, from, bytes);
    }

    void epoch(const Rules& rules, const ResidentWorld<double>& world,
               const ResidentRooms& rooms) override {
        verb<EpochVerb::infer>(rules, world, rooms.size);
        verb<EpochVerb::settle>(rules, world, rooms.size);
        verb<EpochVerb::reward>(rules, world, rooms.size);
        for (std::int64_t t = 0; t < world.roster.topics; ++t) {
            clear_resident(rules, world, t);
        }
    }
    StreamHandle stream() const override { return 0; }
    bool is_idle() override { return true; }
    void wait() override {}
    void end() noexcept override {}
    double milliseconds() override { return 0.0; }

private:
    template <EpochVerb which>
    void verb(const Rules& rules, const ResidentWorld<double>& world, std::size_t largest) {
        for (std::int64_t t = 0; t < world.roster.topics; ++t) {
            run<which>(rules, world, t, world.places[t].room[static_cast<int>(which)]);
            run<which>(rules, world, t, largest);
        }
    }

    template <EpochVerb which>
    void run(const Rules& rules, const ResidentWorld<double>& world, std::int64_t t,
             std::size_t wanted) {
        const std::size_t size = std::min(wanted, most_room_);
        room_.assign(size, std::byte{0xff});
        Arena arena{room_.data(), size, 0, 0};
        try {
            const HostArena mine(arena);
            run_resident<double, which>(rules, world, t, size);
        } catch (const NoRoom&) {
            arena.most = size;
        }
        device_.fullest =
            std::max(device_.fullest, static_cast<double>(arena.most) / static_cast<double>(size));
    }

    Device& device_;
    std::size_t most_room_;
    std::size_t free_;
    std::map<std::byte*, std::vector<std::byte>> taken_;
    std::vector<std::byte> room_;
};

} // namespace

std::unique_ptr<DeviceMemory> emulated_memory(Device& device, std::size_t most_room,
                                              std::size_t memory) {
    return std::make_unique<EmulatedMemory>(device, most_room, memory);
}

} // namespace allora

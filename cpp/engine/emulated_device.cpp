// The kernels' bodies on the host: what runs here is what a device runs, number by number, in an
// arena of the room that the topic's shape asks for.
#include "device.hpp"

#include <algorithm>

namespace allora {

namespace {

class EmulatedDevice final : public Device {
public:
    explicit EmulatedDevice(std::size_t most_room) : most_room_(most_room) {}

    void run(EpochVerb verb, const Rules& rules, TopicParcels& parcels) override {
        std::vector<std::byte> in;
        for (const std::vector<std::byte>& part : parcels.in) {
            in.insert(in.end(), part.begin(), part.end());
        }
        for (const TopicPlace& place : parcels.place) {
            if (place.in_size == 0) {
                continue;
            }
            // What nobody wrote must not look like a number that somebody could use.
            const std::size_t room =
                most_room_ == 0 ? place.room : std::min(place.room, most_room_);
            room_.assign(room, std::byte{0xff});
            Arena arena{room_.data(), room, 0, 0};
            try {
                const HostArena mine(arena);
                run_one(verb, rules, place, in.data(), parcels.out.data());
            } catch (const NoRoom&) {
                arena.most = room;
            }
            fullest =
                std::max(fullest, static_cast<double>(arena.most) / static_cast<double>(room));
        }
    }

private:
    static void run_one(EpochVerb verb, const Rules& rules, const TopicPlace& place, std::byte* in,
                        std::byte* out) {
        switch (verb) {
        case EpochVerb::infer:
            return run_topic<EpochVerb::infer>(rules, place, in, out);
        case EpochVerb::settle:
            return run_topic<EpochVerb::settle>(rules, place, in, out);
        case EpochVerb::reward:
            return run_topic<EpochVerb::reward>(rules, place, in, out);
        }
    }

    std::size_t most_room_;
    std::vector<std::byte> room_;
};

} // namespace

std::unique_ptr<Device> emulated_device(std::size_t most_room) {
    return std::make_unique<EmulatedDevice>(most_room);
}

} // namespace allora

// The kernels' bodies on the host: what runs here is what a device runs, number by number, in an
// arena of the room that the topic's shape asks for.
#include "device.hpp"
#include "emulated_memory.hpp"

#include <algorithm>

namespace allora {

namespace {

class EmulatedDevice final : public Device {
public:
    EmulatedDevice(std::size_t most_room, std::size_t memory)
        : most_room_(most_room), memory_(memory) {}

    std::unique_ptr<DeviceMemory> memory() override {
        return emulated_memory(*this, most_room_, memory_);
    }

    void run(NumberKind number, EpochVerb verb, const Rules& rules,
             TopicParcels& parcels) override {
        std::vector<std::byte> in;
        for (const std::vector<std::byte>& part : parcels.in) {
            in.insert(in.end(), part.begin(), part.end());
        }
        const Body body =
            number == NumberKind::decimal ? body_of<Decimal>(verb) : body_of<double>(verb);
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
                body(rules, place, in.data(), parcels.out.data());
            } catch (const NoRoom&) {
                arena.most = room;
            }
            fullest =
                std::max(fullest, static_cast<double>(arena.most) / static_cast<double>(room));
        }
    }

private:
    using Body = void (*)(const Rules&, const TopicPlace&, std::byte*, std::byte*);

    template <class Real>
    static Body body_of(EpochVerb verb) {
        switch (verb) {
        case EpochVerb::infer:
            return run_topic<Real, EpochVerb::infer>;
        case EpochVerb::settle:
            return run_topic<Real, EpochVerb::settle>;
        case EpochVerb::reward:
            break;
        }
        return run_topic<Real, EpochVerb::reward>;
    }

    std::size_t most_room_;
    std::size_t memory_;
    std::vector<std::byte> room_;
};

} // namespace

std::unique_ptr<Device> emulated_device(std::size_t most_room, std::size_t memory) {
    return std::make_unique<EmulatedDevice>(most_room, memory);
}

} // namespace allora

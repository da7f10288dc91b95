// A device beside the host's processors: it computes whole topics of a batch, and leaves to the
// host those that it does not finish.
#pragma once

#include "../protocol/rules.hpp"
#include "topic_task.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace allora {

// The topics of one call, packed. Parcels are written thread by thread of the host and lie one
// thread after the other; `place[t].in` counts from the first.
struct TopicParcels {
    std::vector<std::vector<std::byte>> in;
    std::vector<TopicPlace> place;
    std::vector<std::byte> out;

    TopicParcels(int threads, std::int64_t topics)
        : in(static_cast<std::size_t>(threads)), place(static_cast<std::size_t>(topics)) {}
};

class DeviceMemory;

class Device {
public:
    Device() = default;
    Device(const Device&) = delete;
    Device& operator=(const Device&) = delete;
    virtual ~Device() = default;

    // Fills `out` for the topics that have a parcel, of that number. Throws std::runtime_error with
    // a sentence that says why the device could not do it.
    virtual void run(NumberKind number, EpochVerb verb, const Rules& rules,
                     TopicParcels& parcels) = 0;

    // Memory of its own and the epochs of topics that live in it.
    virtual std::unique_ptr<DeviceMemory> memory() = 0;

    // Topics that the device finished, and that it left to the host, since it was opened.
    std::int64_t finished = 0;
    std::int64_t left = 0;
    // The largest part of its room that a topic used, where that is known; else 0.
    double fullest = 0.0;
    // Of the kernels of the last call, where they are timed; else 0.
    double milliseconds = 0.0;
};

// The kernels' bodies on the host, topic after topic, each in an arena of exactly its room; of
// `most_room` bytes at most, in `memory` bytes at most, where those are not 0.
std::unique_ptr<Device> emulated_device(std::size_t most_room, std::size_t memory);

} // namespace allora

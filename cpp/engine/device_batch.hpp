// A batch on a device: packed by the host's threads, computed, and taken apart by them again.
#pragma once

#include "device.hpp"
#include "device_room.hpp"
#include "host.hpp"
#include "workspace.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace allora {

// Adds a topic's parcel to those of its thread.
template <class Real, EpochVerb verb>
void pack_parcel(const Rules& rules, TopicTask<Real, verb>& task, std::vector<std::byte>& in,
                 TopicPlace& place) {
    Measure inputs;
    task.each_input(inputs);
    place.in = in.size();
    place.in_size = inputs.bytes();
    place.out_size = Arena::rounded(result_room(task));
    place.room = Arena::rounded(arena_room(task, rules));
    in.resize(in.size() + place.in_size);
    Writer writer(in.data() + place.in, place.in_size);
    task.each_input(writer);
}

// The parts of a thread's space that a verb's task is made of, and back.
template <class Real>
void exchange(TopicTask<Real, EpochVerb::infer>& task, Workspace<Real>& space) {
    std::swap(task.epoch, space.epoch);
    std::swap(task.state, space.state);
    std::swap(task.result, space.inference);
}
template <class Real>
void exchange(TopicTask<Real, EpochVerb::settle>& task, Workspace<Real>& space) {
    std::swap(task.epoch, space.epoch);
    std::swap(task.state, space.state);
    std::swap(task.result, space.settlement);
}
template <class Real>
void exchange(TopicTask<Real, EpochVerb::reward>& task, Workspace<Real>& space) {
    std::swap(task.epoch, space.epoch);
    std::swap(task.losses, space.settlement.network_losses);
    std::swap(task.state, space.reward_state);
    std::swap(task.result, space.reward);
}

template <EpochVerb verb, class Real>
void pack_space(const Rules& rules, Workspace<Real>& space, std::vector<std::byte>& in,
                TopicPlace& place) {
    TopicTask<Real, verb> task;
    exchange(task, space);
    pack_parcel(rules, task, in, place);
    exchange(task, space);
}

// finish() sees the space as if the topic had been computed in it.
template <EpochVerb verb, class Real, class Finish>
void with_results(Workspace<Real>& space, std::byte* in, std::byte* out, const Finish& finish) {
    TopicTask<Real, verb> task;
    Reader inputs(in);
    task.each_input(inputs);
    Reader results(out);
    task.each_result(results);
    exchange(task, space);
    finish();
    exchange(task, space);
}

// `batch` has pack(t, thread, in, place), which leaves place.in_size 0 for a topic that has failed
// and is false for one that is not for the device, unpack(t, thread, in, out) and topic(t, thread),
// which does all of it on the host.
template <class Real, EpochVerb verb, class Batch>
void run_on_device(Host& host, Device& device, const Rules& rules, std::int64_t topics,
                   Batch& batch) {
    std::atomic<std::int64_t> finished{0};
    std::atomic<std::int64_t> left{0};
    TopicParcels parcels(host.threads(), topics);
    std::vector<int> packer(static_cast<std::size_t>(topics));
    host.for_each(topics, [&](std::int64_t t, int thread) {
        packer[static_cast<std::size_t>(t)] = thread;
        if (!batch.pack(t, thread, parcels.in[static_cast<std::size_t>(thread)],
                        parcels.place[static_cast<std::size_t>(t)])) {
            ++left;
            batch.topic(t, thread);
        }
    });
    std::vector<std::size_t> begin(parcels.in.size(), 0);
    for (std::size_t thread = 1; thread < begin.size(); ++thread) {
        begin[thread] = begin[thread - 1] + parcels.in[thread - 1].size();
    }
    std::size_t out = 0;
    for (std::size_t t = 0; t < parcels.place.size(); ++t) {
        TopicPlace& place = parcels.place[t];
        place.in += begin[static_cast<std::size_t>(packer[t])];
        place.out = out;
        out += place.in_size == 0 ? 0 : place.out_size;
    }
    parcels.out.assign(out, std::byte{0});
    device.run(number_kind<Real>, verb, rules, parcels);
    host.for_each(topics, [&](std::int64_t t, int thread) {
        const TopicPlace& place = parcels.place[static_cast<std::size_t>(t)];
        if (place.in_size == 0) {
            return;
        }
        std::byte* result = parcels.out.data() + place.out;
        if (*reinterpret_cast<const std::uint64_t*>(result) == 1) {
            const auto from = static_cast<std::size_t>(packer[static_cast<std::size_t>(t)]);
            ++finished;
            batch.unpack(t, thread, parcels.in[from].data() + (place.in - begin[from]),
                         result + done_size);
        } else {
            ++left;
            batch.topic(t, thread);
        }
    });
    device.finished += finished;
    device.left += left;
}

} // namespace allora

// A CUDA device as the engine's: parcels to the device, a launch for its small topics and one or
// more for its large ones, results back.
#include "device.hpp"
#include "launch.hpp"
#include "resident.hpp"

#include <algorithm>
#include <string>
#include <vector>

namespace allora::cuda {

template <>
void launch<EpochVerb::infer>(const Stream&, const Rules&, const Work&);
template <>
void launch<EpochVerb::settle>(const Stream&, const Rules&, const Work&);
template <>
void launch<EpochVerb::reward>(const Stream&, const Rules&, const Work&);

namespace {

struct Verb {
    void (*launch)(const Stream&, const Rules&, const Work&);
    std::size_t local_room;
};

Verb of(EpochVerb verb) {
    switch (verb) {
    case EpochVerb::infer:
        return {launch<EpochVerb::infer>, local_room<EpochVerb::infer>};
    case EpochVerb::settle:
        return {launch<EpochVerb::settle>, local_room<EpochVerb::settle>};
    case EpochVerb::reward:
        break;
    }
    return {launch<EpochVerb::reward>, local_room<EpochVerb::reward>};
}

// Large topics with arenas in global memory, as many at a time as half of the free memory holds.
class Rooms {
public:
    // Largest first. Topics of which not even one has room stay with the host.
    explicit Rooms(std::vector<TopicPlace>& large) {
        std::sort(large.begin(), large.end(),
                  [](const TopicPlace& x, const TopicPlace& y) { return x.room > y.room; });
        std::size_t free = 0;
        std::size_t total = 0;
        check(cudaMemGetInfo(&free, &total), "asking for free memory");
        const auto fits = [&](const TopicPlace& place) { return place.room <= free / 2; };
        large.erase(large.begin(), std::find_if(large.begin(), large.end(), fits));
        for (std::size_t first = 0; first < large.size(); first += counts_.back()) {
            const std::size_t most = free / 2 / large[first].room;
            counts_.push_back(std::min(most, large.size() - first));
            bytes_ = std::max(bytes_, counts_.back() * large[first].room);
        }
    }
    const std::vector<std::size_t>& counts() const { return counts_; }
    std::size_t bytes() const { return bytes_; }

private:
    std::vector<std::size_t> counts_; // of the launches
    std::size_t bytes_ = 0;
};

class CudaDevice final : public allora::Device {
public:
    explicit CudaDevice(int ordinal) : ordinal_(ordinal) {
        const Current current(ordinal_);
        check(cudaFree(nullptr), "opening the device");
    }

    std::unique_ptr<DeviceMemory> memory() override { return device_memory(ordinal_); }

    void run(NumberKind number, EpochVerb verb, const Rules& rules,
             TopicParcels& parcels) override {
        const Current current(ordinal_);
        if (number == NumberKind::decimal) {
            throw std::runtime_error("decimals have no kernels for CUDA yet");
        }
        const Verb how = of(verb);
        std::vector<TopicPlace> small;
        std::vector<TopicPlace> large;
        std::size_t in_size = 0;
        for (const TopicPlace& place : parcels.place) {
            if (place.in_size != 0) {
                (place.room <= how.local_room ? small : large).push_back(place);
                in_size += place.in_size;
            }
        }
        const std::size_t topics = small.size() + large.size();
        if (topics == 0) {
            return;
        }
        const std::size_t needed = in_size + parcels.out.size() + topics * sizeof(TopicPlace);
        require(needed, topics);
        const Stream stream;
        const Array<std::byte> in(in_size);
        const Array<std::byte> out(parcels.out.size());
        std::size_t at = 0;
        for (const std::vector<std::byte>& part : parcels.in) {
            copy_in(in.data() + at, part.data(), part.size(), stream);
            at += part.size();
        }
        check(cudaMemsetAsync(out.data(), 0, out.bytes(), stream.get()), "clearing the results");
        const Rooms sizes(large);
        const Array<TopicPlace> places(topics);
        copy_in(places.data(), small.data(), small.size(), stream);
        copy_in(places.data() + small.size(), large.data(), large.size(), stream);
        const Array<std::byte> rooms(sizes.bytes());
        Event start;
        Event end;
        start.record(stream);
        if (!small.empty()) {
            how.launch(stream, rules,
                       {places.data(), small.size(), in.data(), out.data(), nullptr, 0});
        }
        std::size_t first = 0;
        for (const std::size_t count : sizes.counts()) {
            how.launch(stream, rules,
                       {places.data() + small.size() + first, count, in.data(), out.data(),
                        rooms.data(), large[first].room});
            first += count;
        }
        end.record(stream);
        out.to_host(parcels.out.data(), stream.get());
        stream.wait();
        milliseconds = end.milliseconds_since(start);
    }

private:
    template <class Value>
    static void copy_in(Value* to, const Value* from, std::size_t count, const Stream& stream) {
        if (count != 0) {
            check(cudaMemcpyAsync(to, from, count * sizeof(Value), cudaMemcpyHostToDevice,
                                  stream.get()),
                  "copying to the device");
        }
    }

    static void require(std::size_t needed, std::size_t topics) {
        std::size_t free = 0;
        std::size_t total = 0;
        check(cudaMemGetInfo(&free, &total), "asking for free memory");
        if (needed > free) {
            throw OutOfDeviceMemory(topics, needed, free);
        }
    }

    int ordinal_;
};

} // namespace

std::unique_ptr<allora::Device> open_device(int device) {
    return std::make_unique<CudaDevice>(device);
}

} // namespace allora::cuda

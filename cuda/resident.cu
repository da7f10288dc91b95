// Memory and order on a CUDA device for topics that live there.
#include "resident.hpp"

#include "resident_launch.hpp"

#include <optional>

namespace allora::cuda {

template <>
void launch_residents<EpochVerb::infer>(cudaStream_t, const Rules&, const World&,
                                        const ResidentRooms&);
template <>
void launch_residents<EpochVerb::settle>(cudaStream_t, const Rules&, const World&,
                                         const ResidentRooms&);
template <>
void launch_residents<EpochVerb::reward>(cudaStream_t, const Rules&, const World&,
                                         const ResidentRooms&);

namespace {

cudaStream_t stream_of(StreamHandle handle) {
    return reinterpret_cast<cudaStream_t>(handle); // 1 and 2 are the runtime's own names, too
}

// Of verbs that never ended.
__global__ void clear_residents(const __grid_constant__ Rules rules,
                                const __grid_constant__ World world) {
    const std::int64_t t = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
    if (t < world.roster.topics) {
        clear_resident(rules, world, t);
    }
}

class CudaMemory final : public DeviceMemory {
public:
    explicit CudaMemory(int ordinal) : ordinal_(ordinal) {
        const Current current(ordinal_);
        own_.emplace();
        now_ = own_->stream.get();
    }
    ~CudaMemory() override {
        const Current current(ordinal_);
        own_.reset();
    }

    std::byte* take(std::size_t bytes) override {
        const Current current(ordinal_);
        void* taken = nullptr;
        check(cudaMalloc(&taken, bytes == 0 ? 1 : bytes), "allocating device memory");
        return static_cast<std::byte*>(taken);
    }
    void give(std::byte* taken) noexcept override { static_cast<void>(cudaFree(taken)); }
    std::size_t free_bytes() override {
        const Current current(ordinal_);
        std::size_t free = 0;
        std::size_t total = 0;
        check(cudaMemGetInfo(&free, &total), "asking for free memory");
        return free;
    }
    std::string stranger(const void* data) override {
        const Current current(ordinal_);
        cudaPointerAttributes attributes{};
        check(cudaPointerGetAttributes(&attributes, data), "asking where an array is");
        const std::string here = "cuda:" + std::to_string(ordinal_);
        if (attributes.type != cudaMemoryTypeDevice && attributes.type != cudaMemoryTypeManaged) {
            return "is in the host's memory, not on " + here;
        }
        return attributes.device == ordinal_
                   ? ""
                   : "is on cuda:" + std::to_string(attributes.device) + ", not on " + here;
    }

    void begin(StreamHandle stream) override {
        const Current current(ordinal_);
        now_ = stream == 0 ? own_->stream.get() : stream_of(stream);
        after_last(now_);
    }
    void follow(StreamHandle stream) override {
        const Current current(ordinal_);
        own_->before.record(stream_of(stream));
        check(cudaStreamWaitEvent(now_, own_->before.get(), 0), "ordering two streams");
    }
    void fill(void* to, std::uint8_t value, std::size_t bytes) override {
        const Current current(ordinal_);
        check(cudaMemsetAsync(to, value, bytes, now_), "filling device memory");
    }
    void copy_in(void* to, const void* from, std::size_t bytes) override {
        const Current current(ordinal_);
        copy(to, from, bytes, cudaMemcpyHostToDevice, now_);
    }
    // Not on the caller's stream, which may be gone.
    void copy_out(void* to, const void* from, std::size_t bytes) override {
        const Current current(ordinal_);
        after_last(own_->stream.get());
        copy(to, from, bytes, cudaMemcpyDeviceToHost, own_->stream.get());
    }

    void epoch(const Rules& rules, const ResidentWorld<double>& world,
               const ResidentRooms& rooms) override {
        if (world.roster.topics == 0) {
            return;
        }
        const Current current(ordinal_);
        own_->start.record(now_);
        launch_residents<EpochVerb::infer>(now_, rules, world, rooms);
        launch_residents<EpochVerb::settle>(now_, rules, world, rooms);
        launch_residents<EpochVerb::reward>(now_, rules, world, rooms);
        const auto blocks = (world.roster.topics + arena_threads - 1) / arena_threads;
        clear_residents<<<static_cast<unsigned>(blocks), arena_threads, 0, now_>>>(rules, world);
        check(cudaGetLastError(), "launching on the device");
        own_->end.record(now_);
        is_timed_ = true;
    }
    StreamHandle stream() const override { return reinterpret_cast<StreamHandle>(now_); }

    bool is_idle() override {
        const Current current(ordinal_);
        const cudaError_t state = is_timed_ ? cudaEventQuery(own_->end.get()) : cudaSuccess;
        if (state == cudaErrorNotReady) {
            static_cast<void>(cudaGetLastError());
            return false;
        }
        check(state, "computing on the device");
        return true;
    }
    void wait() override {
        const Current current(ordinal_);
        after_last(own_->stream.get());
        own_->stream.wait();
    }
    void end() noexcept override { static_cast<void>(cudaEventSynchronize(own_->end.get())); }
    double milliseconds() override {
        const Current current(ordinal_);
        wait();
        return is_timed_ ? own_->end.milliseconds_since(own_->start) : 0.0;
    }

private:
    // Made and ended where the device is the current one.
    struct Own {
        Stream stream;
        Event start, end, before;
    };

    static void copy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind,
                     cudaStream_t stream) {
        if (bytes != 0) {
            check(cudaMemcpyAsync(to, from, bytes, kind, stream), kind == cudaMemcpyHostToDevice
                                                                      ? "copying to the device"
                                                                      : "copying from the device");
        }
    }
    void after_last(cudaStream_t stream) {
        if (is_timed_) {
            check(cudaStreamWaitEvent(stream, own_->end.get(), 0), "ordering two streams");
        }
    }

    int ordinal_;
    std::optional<Own> own_;
    cudaStream_t now_ = nullptr;
    bool is_timed_ = false;
};

} // namespace

std::unique_ptr<DeviceMemory> device_memory(int ordinal) {
    return std::make_unique<CudaMemory>(ordinal);
}

} // namespace allora::cuda

// The CUDA runtime's errors, memory, streams and events as C++ values. No arithmetic.
#pragma once

#include <cstddef>
#include <cuda_runtime_api.h>
#include <stdexcept>
#include <string>

namespace allora::cuda {

// The runtime's words, except where they mislead.
inline std::string error_text(cudaError_t error) {
    if (error == cudaErrorInsufficientDriver) {
        return "no NVIDIA driver found, or older than 580";
    }
    if (error == cudaErrorNoDevice) {
        return "an NVIDIA driver is there, but no device that this process may use";
    }
    if (error == cudaErrorNoKernelImageForDevice) {
        return "the device is older than compute capability 7.5, or this build has no code for it";
    }
    return std::string(cudaGetErrorString(error)) + " (CUDA error " +
           std::to_string(static_cast<int>(error)) + ")";
}

inline void check(cudaError_t error, const char* what) {
    if (error != cudaSuccess) {
        throw std::runtime_error(std::string(what) + ": " + error_text(error));
    }
}

// Makes a device current and, at the end, the one that was.
class Current {
public:
    explicit Current(int device) {
        check(cudaGetDevice(&before_), "asking for the current device");
        check(cudaSetDevice(device), "choosing the device");
    }
    Current(const Current&) = delete;
    Current& operator=(const Current&) = delete;
    ~Current() { static_cast<void>(cudaSetDevice(before_)); }

private:
    int before_ = 0;
};

// An array on the current device.
template <class Value>
class Array {
public:
    explicit Array(std::size_t size) : size_(size) {
        const cudaError_t error = cudaMalloc(&data_, size == 0 ? 1 : bytes());
        if (error == cudaErrorMemoryAllocation) {
            static_cast<void>(cudaGetLastError());
            std::size_t free = 0;
            std::size_t total = 0;
            check(cudaMemGetInfo(&free, &total), "asking for free memory");
            throw std::runtime_error(
                "out of device memory: an array of " + std::to_string(bytes()) +
                " bytes is needed, " + std::to_string(free) + " of " + std::to_string(total) +
                " are free; " + std::to_string(free / sizeof(Value)) + " entries would fit");
        }
        check(error, "allocating device memory");
    }
    Array(const Array&) = delete;
    Array& operator=(const Array&) = delete;
    ~Array() { static_cast<void>(cudaFree(data_)); }

    Value* data() const { return data_; }
    std::size_t bytes() const { return size_ * sizeof(Value); }

    void from_host(const Value* host, cudaStream_t stream) {
        check(cudaMemcpyAsync(data_, host, bytes(), cudaMemcpyHostToDevice, stream),
              "copying to the device");
    }
    void to_host(Value* host, cudaStream_t stream) const {
        check(cudaMemcpyAsync(host, data_, bytes(), cudaMemcpyDeviceToHost, stream),
              "copying from the device");
    }

private:
    std::size_t size_;
    Value* data_ = nullptr;
};

class Stream {
public:
    Stream() {
        check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "making a stream");
    }
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;
    ~Stream() { static_cast<void>(cudaStreamDestroy(stream_)); }

    cudaStream_t get() const { return stream_; }
    // Faults of kernels show up here.
    void wait() const { check(cudaStreamSynchronize(stream_), "computing on the device"); }

private:
    cudaStream_t stream_ = nullptr;
};

class Event {
public:
    Event() { check(cudaEventCreate(&event_), "making an event"); }
    Event(const Event&) = delete;
    Event& operator=(const Event&) = delete;
    ~Event() { static_cast<void>(cudaEventDestroy(event_)); }

    cudaEvent_t get() const { return event_; }
    void record(const Stream& stream) { record(stream.get()); }
    void record(cudaStream_t stream) {
        check(cudaEventRecord(event_, stream), "recording an event");
    }
    double milliseconds_since(const Event& start) const {
        float milliseconds = 0.0F;
        check(cudaEventElapsedTime(&milliseconds, start.event_, event_), "reading an event");
        return static_cast<double>(milliseconds);
    }

private:
    cudaEvent_t event_ = nullptr;
};

} // namespace allora::cuda

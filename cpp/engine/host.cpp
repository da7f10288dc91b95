// The thread pool behind Host.
#include "host.hpp"

#include <charconv>
#include <cstdlib>
#include <cstring>
#include <sched.h>
#include <unistd.h>

namespace allora {

namespace {

int default_threads() {
    if (const char* text = std::getenv("ALLORA_CORE_THREADS")) {
        int threads = 0;
        const auto end = text + std::strlen(text);
        const auto parsed = std::from_chars(text, end, threads);
        if (parsed.ec == std::errc{} && parsed.ptr == end && threads > 0) {
            return threads;
        }
    }
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0) {
        return CPU_COUNT(&set);
    }
    return 1;
}

} // namespace

Host::Host(int threads) : owner_(getpid()) {
    const int wanted = threads > 0 ? threads : default_threads();
    for (int thread = 1; thread < wanted; ++thread) {
        workers_.emplace_back([this, thread] { work(thread); });
    }
}

Host::~Host() {
    if (owner_ != getpid()) {
        // The threads stayed with the parent process: there is nothing to join here.
        for (std::thread& worker : workers_) {
            worker.detach();
        }
        return;
    }
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_all();
    for (std::thread& worker : workers_) {
        worker.join();
    }
}

void Host::drain(int thread) {
    for (std::int64_t index = next_++; index < count_; index = next_++) {
        (*kernel_)(index, thread);
    }
}

void Host::work(int thread) {
    std::uint64_t seen = 0;
    for (;;) {
        {
            std::unique_lock lock(mutex_);
            wake_.wait(lock, [&] { return stopping_ || round_ != seen; });
            if (stopping_) {
                return;
            }
            seen = round_;
        }
        drain(thread);
        const std::lock_guard lock(mutex_);
        if (--busy_ == 0) {
            done_.notify_one();
        }
    }
}

void Host::for_each(std::int64_t count, const std::function<void(std::int64_t, int)>& kernel) {
    if (workers_.empty() || count <= 1 || owner_ != getpid()) {
        for (std::int64_t index = 0; index < count; ++index) {
            kernel(index, 0);
        }
        return;
    }
    const std::lock_guard call(call_);
    {
        const std::lock_guard lock(mutex_);
        kernel_ = &kernel;
        count_ = count;
        next_ = 0;
        busy_ = static_cast<int>(workers_.size());
        ++round_;
    }
    wake_.notify_all();
    drain(0);
    std::unique_lock lock(mutex_);
    done_.wait(lock, [&] { return busy_ == 0; });
}

} // namespace allora

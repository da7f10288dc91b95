// The host's one verb: run a kernel over indices on all threads. Which thread takes which index
// never shows in a result, so the order is free.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace allora {

// Threads wait between calls; the caller works too, so a pool of one thread owns none. A child made
// by fork() has no threads of its parent: it finds that out and works alone.
class Host {
public:
    // 0: ALLORA_CORE_THREADS, else the processors this process may use.
    explicit Host(int threads);
    ~Host();
    Host(const Host&) = delete;
    Host& operator=(const Host&) = delete;

    int threads() const { return static_cast<int>(workers_.size()) + 1; }

    // kernel(index, thread): every index below count once. One call at a time.
    void for_each(std::int64_t count, const std::function<void(std::int64_t, int)>& kernel);

private:
    void work(int thread);
    void drain(int thread);

    std::vector<std::thread> workers_;
    std::mutex call_;
    std::mutex mutex_;
    std::condition_variable wake_;
    std::condition_variable done_;
    const std::function<void(std::int64_t, int)>* kernel_ = nullptr;
    std::atomic<std::int64_t> next_{0};
    std::int64_t count_ = 0;
    std::uint64_t round_ = 0;
    int busy_ = 0;
    bool stopping_ = false;
    long owner_ = 0;
};

} // namespace allora

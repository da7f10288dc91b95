// The list of the formulas: it grows on the heap as std::vector does, and on a device, or where the
// host stands in for one, in the arena of the thread.
#pragma once

#include "arena.hpp"
#include "host_device.hpp"

#include <algorithm>
#include <cstddef>
#include <new>
#include <type_traits>
#include <utility>

namespace allora {

// No algorithm of the standard library may construct or assign entries here: an implicit member
// function of theirs that nobody else calls would be compiled for the host alone.
template <class T>
class List {
public:
    using value_type = T;

    ALLORA_HD List() {}
    ALLORA_HD explicit List(std::size_t size) { resize(size); }
    ALLORA_HD List(std::size_t size, const T& value) { assign(size, value); }
    ALLORA_HD List(const List& other) { assign(other.begin(), other.end()); }
    ALLORA_HD List(List&& other) noexcept { swap(other); }
    ALLORA_HD List& operator=(const List& other) {
        if (this != &other) {
            assign(other.begin(), other.end());
        }
        return *this;
    }
    ALLORA_HD List& operator=(List&& other) noexcept {
        swap(other);
        return *this;
    }
    ALLORA_HD ~List() {
        clear();
        give_back();
    }

    // A list in room that someone else owns; it moves to room of its own when it outgrows it.
    ALLORA_HD void borrow(T* room, std::size_t size, std::size_t capacity) {
        clear();
        give_back();
        data_ = room;
        size_ = size;
        capacity_ = capacity;
        owns_ = false;
    }

    ALLORA_HD std::size_t size() const { return size_; }
    ALLORA_HD bool empty() const { return size_ == 0; }
    ALLORA_HD T* data() { return data_; }
    ALLORA_HD const T* data() const { return data_; }
    ALLORA_HD T* begin() { return data_; }
    ALLORA_HD const T* begin() const { return data_; }
    ALLORA_HD T* end() { return data_ + size_; }
    ALLORA_HD const T* end() const { return data_ + size_; }
    ALLORA_HD T& operator[](std::size_t at) { return data_[at]; }
    ALLORA_HD const T& operator[](std::size_t at) const { return data_[at]; }
    ALLORA_HD T& back() { return data_[size_ - 1]; }

    ALLORA_HD void clear() { shrink(0); }
    ALLORA_HD void reserve(std::size_t capacity) {
        if (capacity > capacity_) {
            move_to_room_for(capacity);
        }
    }
    ALLORA_HD void resize(std::size_t size) {
        shrink(size);
        reserve(size);
        if constexpr (is_plain) {
            for (std::size_t at = size_; at < size; ++at) {
                ::new (static_cast<void*>(data_ + at)) T();
            }
            size_ = size > size_ ? size : size_;
        } else {
            for (; size_ < size; ++size_) {
                ::new (static_cast<void*>(data_ + size_)) T();
            }
        }
    }
    ALLORA_HD void assign(std::size_t size, const T& value) {
        const T copy = value;
        shrink(size);
        for (std::size_t at = 0; at < size_; ++at) {
            data_[at] = copy;
        }
        reserve(size);
        for (; size_ < size; ++size_) {
            ::new (static_cast<void*>(data_ + size_)) T(copy);
        }
    }
    // Of no part of this list.
    template <class From>
    ALLORA_HD void assign(From first, From last) {
        const auto size = static_cast<std::size_t>(last - first);
        shrink(is_plain ? 0 : size);
        reserve(size);
        for (std::size_t at = 0; at < size_; ++at, ++first) {
            data_[at] = *first;
        }
        append(first, last);
    }
    template <class From>
    ALLORA_HD void append(From first, From last) {
        const auto count = static_cast<std::size_t>(last - first);
        reserve(size_ + count);
        if constexpr (is_plain && std::is_convertible_v<From, const T*>) {
            if (count > 0) {
                __builtin_memcpy(static_cast<void*>(data_ + size_), first, count * sizeof(T));
            }
            size_ += count;
        } else {
            for (; first != last; ++first, ++size_) {
                ::new (static_cast<void*>(data_ + size_)) T(*first);
            }
        }
    }
    ALLORA_HD void push_back(const T& value) { emplace_back(value); }
    ALLORA_HD void push_back(T&& value) { emplace_back(std::move(value)); }
    template <class... Arguments>
    ALLORA_HD void emplace_back(Arguments&&... arguments) {
        if (size_ == capacity_) {
            T value(std::forward<Arguments>(arguments)...);
            move_to_room_for(capacity_ == 0 ? first_capacity : 2 * capacity_);
            ::new (static_cast<void*>(data_ + size_)) T(std::move(value));
        } else {
            ::new (static_cast<void*>(data_ + size_)) T(std::forward<Arguments>(arguments)...);
        }
        ++size_;
    }

private:
    static constexpr std::size_t first_capacity = 4;
#if defined(__CUDA_ARCH__)
    static constexpr bool is_plain = false; // a thread that copies byte by byte gains nothing
#else
    static constexpr bool is_plain = std::is_trivially_copyable_v<T>;
#endif

    ALLORA_HD void swap(List& other) noexcept {
        std::swap(data_, other.data_);
        std::swap(size_, other.size_);
        std::swap(capacity_, other.capacity_);
        std::swap(owns_, other.owns_);
    }
    ALLORA_HD void shrink(std::size_t size) {
        if constexpr (!std::is_trivially_destructible_v<T>) {
            for (std::size_t at = size; at < size_; ++at) {
                data_[at].~T();
            }
        }
        size_ = size < size_ ? size : size_;
    }
    ALLORA_HD void give_back() {
#if !defined(__CUDA_ARCH__)
        if (owns_) {
            ::operator delete(data_);
            return;
        }
#endif
        if (Arena* arena = thread_arena(); arena != nullptr && data_ != nullptr) {
            arena->retract(data_, capacity_ * sizeof(T));
        }
    }
    ALLORA_HD void move_to_room_for(std::size_t capacity) {
        static_assert(alignof(T) <= Arena::alignment);
        Arena* arena = thread_arena();
        if (arena != nullptr && data_ != nullptr && !owns_ &&
            arena->extend(data_, capacity_ * sizeof(T), capacity * sizeof(T))) {
            capacity_ = capacity;
            return;
        }
        T* room = nullptr;
        if (arena != nullptr) {
            room = static_cast<T*>(arena->take(capacity * sizeof(T)));
#if !defined(__CUDA_ARCH__)
        } else {
            room = static_cast<T*>(::operator new(capacity * sizeof(T)));
#endif
        }
        for (std::size_t at = 0; at < size_; ++at) {
            ::new (static_cast<void*>(room + at)) T(std::move(data_[at]));
            data_[at].~T();
        }
        give_back();
        data_ = room;
        capacity_ = capacity;
        owns_ = arena == nullptr;
    }

    T* data_ = nullptr;
    std::size_t size_ = 0;
    std::size_t capacity_ = 0;
    bool owns_ = false; // of the heap
};

// std::copy, for a device too: nvcc 13 makes nothing at all of libstdc++'s, without a word.
template <class From, class To>
ALLORA_HD void copy_entries(From first, From last, To to) {
#if defined(__CUDA_ARCH__)
    for (; first != last; ++first, ++to) {
        *to = *first;
    }
#else
    std::copy(first, last, to);
#endif
}

template <class T>
ALLORA_HD bool operator==(const List<T>& x, const List<T>& y) {
    if (x.size() != y.size()) {
        return false;
    }
    for (std::size_t at = 0; at < x.size(); ++at) {
        if (!(x[at] == y[at])) {
            return false;
        }
    }
    return true;
}

} // namespace allora

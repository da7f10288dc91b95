// A stable sort in place, without allocation, over indices: insertion sort in blocks of 20, then
// rotations (Kim and Kutzner, SymMerge). The block length and the order of comparisons are those of
// the chain's own stable sort: its quantile compares in a way that never reports equality, so the
// order of equal values is part of the result.
#pragma once

#include <algorithm>
#include <cstddef>

namespace allora {

template <class Before, class Swap>
class StableSort {
public:
    StableSort(Before before, Swap swap) : before_(before), swap_(swap) {}

    void operator()(std::size_t count) const {
        constexpr std::size_t first_block = 20;
        for (std::size_t start = 0; start < count; start += first_block) {
            insertion(start, std::min(start + first_block, count));
        }
        for (std::size_t block = first_block; block < count; block *= 2) {
            for (std::size_t start = 0; start + block < count; start += 2 * block) {
                merge(start, start + block, std::min(start + 2 * block, count));
            }
        }
    }

private:
    void insertion(std::size_t start, std::size_t end) const {
        for (std::size_t i = start + 1; i < end; ++i) {
            for (std::size_t j = i; j > start && before_(j, j - 1); --j) {
                swap_(j, j - 1);
            }
        }
    }

    // The first index of [start, end) for which `stop` holds; it then holds for all that follow.
    template <class Stop>
    static std::size_t find(std::size_t start, std::size_t end, Stop stop) {
        while (start < end) {
            const std::size_t half = (start + end) / 2;
            if (stop(half)) {
                end = half;
            } else {
                start = half + 1;
            }
        }
        return start;
    }

    void merge(std::size_t start, std::size_t middle, std::size_t end) const {
        if (middle - start == 1) {
            const std::size_t place =
                find(middle, end, [&](std::size_t i) { return !before_(i, start); });
            for (std::size_t i = start; i + 1 < place; ++i) {
                swap_(i, i + 1);
            }
            return;
        }
        if (end - middle == 1) {
            const std::size_t place =
                find(start, middle, [&](std::size_t i) { return before_(middle, i); });
            for (std::size_t i = middle; i > place; --i) {
                swap_(i, i - 1);
            }
            return;
        }
        const std::size_t half = (start + end) / 2;
        const std::size_t total = half + middle;
        const bool right = middle > half;
        const std::size_t cut = find(right ? total - end : start, right ? half : middle,
                                     [&](std::size_t i) { return before_(total - 1 - i, i); });
        const std::size_t mirrored = total - cut;
        if (cut < middle && middle < mirrored) {
            rotate(cut, middle, mirrored);
        }
        if (start < cut && cut < half) {
            merge(start, cut, half);
        }
        if (half < mirrored && mirrored < end) {
            merge(half, mirrored, end);
        }
    }

    void reverse(std::size_t start, std::size_t end) const {
        for (; start + 1 < end; ++start, --end) {
            swap_(start, end - 1);
        }
    }

    void rotate(std::size_t start, std::size_t middle, std::size_t end) const {
        reverse(start, middle);
        reverse(middle, end);
        reverse(start, end);
    }

    Before before_;
    Swap swap_;
};

} // namespace allora

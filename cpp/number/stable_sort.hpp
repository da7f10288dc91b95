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
    ALLORA_HD StableSort(Before before, Swap swap) : before_(before), swap_(swap) {}

    ALLORA_HD void operator()(std::size_t count) const {
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
    ALLORA_HD void insertion(std::size_t start, std::size_t end) const {
        for (std::size_t i = start + 1; i < end; ++i) {
            for (std::size_t j = i; j > start && before_(j, j - 1); --j) {
                swap_(j, j - 1);
            }
        }
    }

    // The first index of [start, end) for which `stop` holds; it then holds for all that follow.
    template <class Stop>
    ALLORA_HD static std::size_t find(std::size_t start, std::size_t end, Stop stop) {
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

    struct Part {
        std::size_t start;
        std::size_t middle;
        std::size_t end;
    };

    // Parts halve, so that few are pending at a time; a device has little room for recursion.
    ALLORA_HD void merge(std::size_t start, std::size_t middle, std::size_t end) const {
        Part pending[8 * sizeof(std::size_t) + 1];
        std::size_t count = 0;
        pending[count++] = {start, middle, end};
        while (count > 0) {
            const Part part = pending[--count];
            if (!merge_single(part)) {
                count += divide(part, pending + count);
            }
        }
    }

    // One element on either side: it moves to its place.
    ALLORA_HD bool merge_single(const Part& part) const {
        const auto [start, middle, end] = part;
        if (middle - start == 1) {
            const std::size_t first = start;
            const std::size_t place =
                find(middle, end, [&](std::size_t i) { return !before_(i, first); });
            for (std::size_t i = start; i + 1 < place; ++i) {
                swap_(i, i + 1);
            }
            return true;
        }
        if (end - middle == 1) {
            const std::size_t last = middle;
            const std::size_t place =
                find(start, middle, [&](std::size_t i) { return before_(last, i); });
            for (std::size_t i = middle; i > place; --i) {
                swap_(i, i - 1);
            }
            return true;
        }
        return false;
    }

    // Rotates what lies on the wrong side; how many parts are left to merge.
    ALLORA_HD std::size_t divide(const Part& part, Part* left) const {
        const auto [start, middle, end] = part;
        const std::size_t half = (start + end) / 2;
        const std::size_t total = half + middle;
        const bool right = middle > half;
        const std::size_t cut = find(right ? total - end : start, right ? half : middle,
                                     [&](std::size_t i) { return before_(total - 1 - i, i); });
        const std::size_t mirrored = total - cut;
        if (cut < middle && middle < mirrored) {
            rotate(cut, middle, mirrored);
        }
        std::size_t count = 0;
        if (half < mirrored && mirrored < end) {
            left[count++] = {half, mirrored, end};
        }
        if (start < cut && cut < half) {
            left[count++] = {start, cut, half};
        }
        return count;
    }

    ALLORA_HD void reverse(std::size_t start, std::size_t end) const {
        for (; start + 1 < end; ++start, --end) {
            swap_(start, end - 1);
        }
    }

    ALLORA_HD void rotate(std::size_t start, std::size_t middle, std::size_t end) const {
        reverse(start, middle);
        reverse(middle, end);
        reverse(start, end);
    }

    Before before_;
    Swap swap_;
};

} // namespace allora

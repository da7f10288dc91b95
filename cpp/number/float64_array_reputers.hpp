// Part of float64_array.cpp, compiled with it once per variant: what reputers are scored by.
#pragma once

#include "float64_array.hpp"
#include "float64_array_eights.hpp"

namespace allora::float64::ALLORA_VARIANT {
namespace {

// In a loop over rows of eight: g++ 12 would rather make its vectors of several rows, which it has
// to turn around first.
#define ALLORA_ROW_BY_ROW __asm__ volatile("")

// Rows of sums from `first` on, several at a time, so that enough additions are under way.
template <std::size_t most>
inline void square_sums_of(const double* table, std::size_t columns, std::size_t stride,
                           double* sums, std::size_t first, std::size_t rows) {
    for (std::size_t begin = 0; begin < stride; begin += lanes) {
        double sum[most][lanes] = {};
        for (std::size_t column = 0; column < columns; ++column) {
            const double* entries = table + column * stride;
            for (std::size_t row = 0; row < most; ++row) {
                const double own = entries[first + row];
                for (std::size_t lane = 0; lane < lanes; ++lane) {
                    const double apart = own - entries[begin + lane];
                    sum[row][lane] += apart * apart;
                }
            }
        }
        for (std::size_t row = 0; row < most && first + row < rows; ++row) {
            for (std::size_t lane = 0; lane < lanes; ++lane) {
                sums[(first + row) * stride + begin + lane] = sum[row][lane];
            }
        }
    }
}

void square_sums(const double* table, std::size_t columns, std::size_t stride, double* sums,
                 std::size_t rows) {
    std::size_t first = 0;
    for (; first + 2 < rows; first += 4) {
        square_sums_of<4>(table, columns, stride, sums, first, rows);
    }
    if (first < rows) {
        square_sums_of<2>(table, columns, stride, sums, first, rows);
    }
}

// Whether any of the lists cannot be scored, lane by lane.
struct Refused {
    Bits mask[lanes] = {};

    bool any() const {
        Bits all = 0;
        for (std::size_t lane = 0; lane < lanes; ++lane) {
            all |= mask[lane];
        }
        return all != 0;
    }
};

ALLORA_INLINE Mask mask_if_fault(double x) {
    return mask_if_equal(bits_of(x) & infinity_bits, infinity_bits);
}
// NaN stays.
ALLORA_INLINE double at_least_zero(double x) {
    return select(mask_if_negative(x) & ~mask_if_nan(x), 0.0, x);
}

// min(((R a_m) S_m) / sum_i a_i S_i, 1); none may be below 0.
ALLORA_KERNEL void adjust_lists(const ReputerScores& given, const double* coefficients,
                                double* adjusted, Refused& refused) {
    const auto count = static_cast<double>(given.reputers);
    double listened[lanes] = {};
    for (std::size_t m = 0; m < given.reputers; ++m) {
        ALLORA_ROW_BY_ROW;
        const Eight own = Eight::load(coefficients + m * lanes, AllLanes{}, 0.0);
        for (std::size_t lane = 0; lane < lanes; ++lane) {
            listened[lane] += own.entry[lane] * given.stakes[m];
        }
    }
    for (std::size_t m = 0; m < given.reputers; ++m) {
        ALLORA_ROW_BY_ROW;
        const double stake = given.stakes[m];
        Eight own = Eight::load(coefficients + m * lanes, AllLanes{}, 0.0);
        for (std::size_t lane = 0; lane < lanes; ++lane) {
            const double share = count * own.entry[lane] * stake / listened[lane];
            const Mask zero = mask_if_zero(share);
            refused.mask[lane] |= mask_if_fault(share) | (mask_if_negative(share) & ~zero);
            const Mask below = mask_if_less(bits_of(share), bits_of(1.0));
            own.entry[lane] = select(below | zero, share, 1.0);
        }
        own.store(adjusted + m * lanes, AllLanes{});
    }
}

// The weights of a group's reporters: their parts of its adjusted stake, which is not 0.
ALLORA_KERNEL void weigh_reporters(const ReputerScores& given, std::size_t group,
                                   const double* adjusted, double* weights, Refused& refused) {
    const std::uint8_t* reported = given.reported + group * given.reputers;
    double total[lanes] = {};
    for (std::size_t m = 0; m < given.reputers; ++m) {
        ALLORA_ROW_BY_ROW;
        const Mask kept = reported[m] != 0 ? ~Mask{0} : Mask{0};
        const Eight own = Eight::load(adjusted + m * lanes, AllLanes{}, 0.0);
        for (std::size_t lane = 0; lane < lanes; ++lane) {
            total[lane] += select(kept, own.entry[lane], 0.0);
        }
    }
    for (std::size_t lane = 0; lane < lanes; ++lane) {
        refused.mask[lane] |= mask_if_fault(total[lane]) | mask_if_zero(total[lane]);
    }
    for (std::size_t m = 0; m < given.reputers; ++m) {
        ALLORA_ROW_BY_ROW;
        const Mask kept = reported[m] != 0 ? ~Mask{0} : Mask{0};
        Eight own = Eight::load(adjusted + m * lanes, AllLanes{}, 0.0);
        for (std::size_t lane = 0; lane < lanes; ++lane) {
            own.entry[lane] = select(kept, own.entry[lane] / total[lane], 0.0);
        }
        own.store(weights + m * lanes, AllLanes{});
    }
}

ALLORA_KERNEL void add_group(const ReputerScores& given, std::size_t group, const double* weights,
                             double* spread, double* norm, double* distance) {
    const std::size_t stride = given.stride;
    const double* sums = given.square_sums + group * given.reputers * stride;
    double length[lanes] = {};
    double twice[lanes] = {};
    for (std::size_t m = 0; m < given.reputers; ++m) {
        double sum[lanes] = {};
        for (std::size_t i = 0; i < given.reputers; ++i) {
            const double apart = sums[m * stride + i];
            for (std::size_t lane = 0; lane < lanes; ++lane) {
                sum[lane] += weights[i * lanes + lane] * apart;
            }
        }
        const double own = sums[m * stride + given.reputers];
        for (std::size_t lane = 0; lane < lanes; ++lane) {
            const double weight = weights[m * lanes + lane];
            spread[m * lanes + lane] = sum[lane];
            twice[lane] += weight * sum[lane];
            length[lane] += weight * own;
        }
    }
    for (std::size_t lane = 0; lane < lanes; ++lane) {
        const double half = twice[lane] * 0.5;
        norm[lane] += at_least_zero(length[lane] - half);
        twice[lane] = half;
    }
    for (std::size_t m = 0; m < given.reputers; ++m) {
        for (std::size_t lane = 0; lane < lanes; ++lane) {
            distance[m * lanes + lane] += at_least_zero(spread[m * lanes + lane] - twice[lane]);
        }
    }
}

bool score_lists(const ReputerScores& given, const double* coefficients, double* scores,
                 double* totals) {
    const std::size_t entries = given.reputers * lanes;
    double* adjusted = given.scratch;
    double* weights = adjusted + entries;
    double* spread = weights + entries;
    double* distance = spread + entries;
    Refused refused;
    adjust_lists(given, coefficients, adjusted, refused);
    double norm[lanes] = {};
    for (std::size_t i = 0; i < entries; ++i) {
        distance[i] = 0.0;
    }
    for (std::size_t group = 0; group < given.groups; ++group) {
        weigh_reporters(given, group, adjusted, weights, refused);
        add_group(given, group, weights, spread, norm, distance);
    }
    for (std::size_t lane = 0; lane < lanes; ++lane) {
        const double root = sqrt(norm[lane]);
        norm[lane] = select(mask_if_zero(root), given.epsilon_safe_div, root);
        totals[lane] = 0.0;
    }
    for (std::size_t m = 0; m < given.reputers; ++m) {
        for (std::size_t lane = 0; lane < lanes; ++lane) {
            const double away = sqrt(distance[m * lanes + lane]) / norm[lane];
            const double score = 1.0 / (away + given.epsilon_reputer);
            refused.mask[lane] |= mask_if_fault(score);
            scores[m * lanes + lane] = score;
            totals[lane] += score * given.stakes[m];
        }
    }
    return !refused.any();
}

} // namespace
} // namespace allora::float64::ALLORA_VARIANT

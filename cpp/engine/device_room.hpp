// How much room a topic needs on a device, told from its shape: for its results, and for what it
// computes with. Too little would only send the topic to the host; tests see that none is.
#pragma once

#include "topic_task.hpp"

#include <algorithm>
#include <cstddef>

namespace allora {

struct TopicShape {
    std::size_t inferers;
    std::size_t forecasters;
    std::size_t reputers;
    std::size_t labels;
    std::size_t elements;
    std::size_t width;

    template <class Real>
    explicit TopicShape(const TopicEpoch<Real>& epoch)
        : inferers(static_cast<std::size_t>(epoch.inferers)),
          forecasters(static_cast<std::size_t>(epoch.forecasters)),
          reputers(static_cast<std::size_t>(epoch.reputers)),
          labels(static_cast<std::size_t>(epoch.labels)), elements(epoch.element_losses.size()),
          width(static_cast<std::size_t>(BundleLayout{epoch.inferers, epoch.forecasters}.width())) {
    }

    std::size_t workers() const { return inferers + forecasters; }
    std::size_t actors() const { return workers() + reputers; }
    // Numbers of one bundle with its weights, and of the lists that a pass works with.
    std::size_t inference() const { return width * labels + 3 * workers() + elements + 32; }
};

inline constexpr std::size_t small_change = 1024; // lengths, single numbers, rounding

template <class Real>
std::size_t result_room(TopicTask<Real, EpochVerb::infer>& task) {
    return done_size + small_change + 2 * sizeof(Real) * TopicShape(task.epoch).inference();
}

template <class Real>
std::size_t result_room(TopicTask<Real, EpochVerb::settle>& task) {
    Measure state;
    each_member(task.state, state);
    return done_size + small_change + state.bytes() + sizeof(Real) * TopicShape(task.epoch).width;
}

template <class Real>
std::size_t result_room(TopicTask<Real, EpochVerb::reward>& task) {
    Measure state;
    each_member(task.state, state);
    return done_size + small_change + state.bytes() +
           sizeof(Real) * 12 * TopicShape(task.epoch).actors();
}

// Elements of the longest forecast.
template <class Real>
std::size_t longest_forecast(const TopicEpoch<Real>& epoch) {
    std::int32_t longest = 0;
    for (std::size_t k = 0; k + 1 < epoch.element_offsets.size(); ++k) {
        longest = std::max(longest, epoch.element_offsets[k + 1] - epoch.element_offsets[k]);
    }
    return static_cast<std::size_t>(longest);
}

// Lists that grow entry by entry leave up to as much behind as they hold.
template <class Real>
std::size_t arena_room(TopicTask<Real, EpochVerb::infer>& task, const Rules& rules) {
    const TopicShape shape(task.epoch);
    const std::size_t implied = shape.forecasters * shape.labels;
    const std::size_t prepared = shape.inferers * shape.labels + implied * (1 + 2 * shape.inferers);
    std::size_t numbers = shape.inference() + prepared + 20 * shape.workers() +
                          (20 + 4 * shape.labels) * longest_forecast(task.epoch) +
                          20 * shape.labels;
    if (rules.outlier_resistant != OutlierResistant::absent) {
        Measure inputs;
        task.each_input(inputs);
        numbers += 2 * shape.inference() + shape.width + 4 * shape.inferers +
                   inputs.bytes() / sizeof(Real);
    }
    return 2 * small_change + sizeof(Real) * numbers;
}

template <class Real>
std::size_t arena_room(TopicTask<Real, EpochVerb::settle>& task, const Rules&) {
    const TopicShape shape(task.epoch);
    return small_change + sizeof(Real) * (shape.width + 20 * shape.workers() + 2 * shape.reputers);
}

// Slots of the bundle that not all reputers report; at most so many groups of columns differ.
template <class Real>
std::size_t incomplete_slots(const TopicEpoch<Real>& epoch, std::size_t width) {
    std::size_t missing = 0;
    for (const Real& report : epoch.reports) {
        missing += Number<Real>::is_missing(report) ? 1 : 0;
    }
    return std::min(missing, width);
}

template <class Real>
std::size_t arena_room(TopicTask<Real, EpochVerb::reward>& task, const Rules&) {
    const TopicShape shape(task.epoch);
    const std::size_t groups = 2 + incomplete_slots(task.epoch, shape.width);
    const std::size_t stride = 8 * (shape.reputers / 8 + 1); // of the losses' columns
    const std::size_t matrix = shape.width * stride;
    const std::size_t pairs =
        std::min(groups * shape.reputers, shape.width) * stride + groups * shape.reputers;
    const std::size_t past =
        task.state.inferers.past_scores.size() + task.state.forecasters.past_scores.size();
    const std::size_t bytes_of_groups =
        groups * (4 * sizeof(ColumnGroup) + 3 * shape.reputers + 24);
    // Per reputer a sum and two shares, and of each loss what these know of it.
    const std::size_t shared =
        shape.reputers * (sizeof(LongSum<Real>) + 2 * sizeof(SharedShare<Real>)) +
        2 * matrix * sizeof(typename SharedShare<Real>::Operand);
    return small_change + bytes_of_groups + shared +
           sizeof(Real) * (matrix + 2 * shape.width + pairs + 2 * past + 32 * shape.actors());
}

} // namespace allora

// One topic out of the batch's columns: checked, and dense.
#pragma once

#include "../number/float64_array.hpp"
#include "../protocol/addresses.hpp"
#include "columns.hpp"
#include "engine.hpp"
#include "submission.hpp"

#include <algorithm>
#include <limits>
#include <span>
#include <string>
#include <vector>

namespace allora {

// Index of an address among a topic's inferers; one table per thread, emptied after each topic.
class ActorIndex {
public:
    void insert(std::uint32_t identifier, std::int32_t index) {
        if (identifier >= index_.size()) {
            index_.resize(identifier + 1024, -1);
        }
        index_[identifier] = index;
    }
    std::int32_t find(std::uint32_t identifier) const {
        return identifier < index_.size() ? index_[identifier] : -1;
    }
    void erase(const std::uint32_t* identifiers, std::int64_t count) {
        for (std::int64_t i = 0; i < count; ++i) {
            index_[identifiers[i]] = -1;
        }
    }

private:
    std::vector<std::int32_t> index_;
};

inline TopicStatus fault_of(Cause cause, const char* field, std::uint32_t actor) {
    return {cause, field, address_text(actor)};
}

// A status whose actor is one of these.
inline TopicStatus fault_of(const Status& status, const std::uint32_t* actors) {
    if (status.ok()) {
        return {};
    }
    return {status.cause, status.field,
            status.actor < 0 ? std::string() : address_text(actors[status.actor])};
}

// Strictly ascending addresses: the chain's order, and no actor twice.
inline TopicStatus check_order(const std::uint32_t* actors, std::int64_t count, const char* field) {
    const std::int64_t at = ascending_addresses(actors, count);
    if (at >= count) {
        return {};
    }
    const bool twice = address_text(actors[at - 1]) == address_text(actors[at]);
    return fault_of(twice ? Cause::duplicate_address : Cause::unsorted_address, field, actors[at]);
}

// Whether all are missing or may be submitted, where that can be told at once.
template <class Real>
bool all_submissible(const Rules&, std::span<const Real>) {
    return false;
}

inline bool all_submissible(const Rules& rules, std::span<const double> values) {
    const bool bounded = rules.submitted_numbers == SubmittedNumbers::bounded;
    const double least = bounded ? SubmissionBounds<double>::least() : 0.0;
    const double greatest =
        bounded ? SubmissionBounds<double>::greatest() : std::numeric_limits<double>::max();
    return float64::array_kernels().all_within(values.data(), least, greatest,
                                               Number<double>::missing_bits, values.size());
}

template <class Real, class Stored>
void load_list(const Column<Stored>& column, std::int64_t begin, std::int64_t count,
               List<Real>& values) {
    values.resize(static_cast<std::size_t>(count));
    for (std::int64_t i = 0; i < count; ++i) {
        load(column, begin + i, values[static_cast<std::size_t>(i)]);
    }
}

inline void load_list(const Column<double>& column, std::int64_t begin, std::int64_t count,
                      List<double>& values) {
    const double* first = column.data + begin;
    values.assign(first, first + count);
}

// One or more submitted numbers of each actor; missing ones are left to the formulas.
template <class Real, class Stored>
TopicStatus load_submitted(const Rules& rules, const Column<Stored>& column, std::int64_t begin,
                           std::int64_t count, const char* field, const std::uint32_t* actors,
                           std::int64_t numbers_per_actor, List<Real>& values) {
    load_list(column, begin, count, values);
    if (all_submissible(rules, std::span<const Real>(values))) {
        return {};
    }
    return fault_of(submitted_fault(rules, values, numbers_per_actor, field, ""), actors);
}

template <class Real, class Stored>
TopicStatus load_params(const EpochColumns<Stored>& columns, std::int64_t t, Params<Real>& params) {
    auto at = static_cast<std::int64_t>(param_count) * t;
    for (const ParamField<Real>& field : param_fields<Real>) {
        Real& value = params.*field.member;
        load(columns.params, at++, value);
        if (const Cause cause = Number<Real>::fault(value); cause != Cause::none) {
            return {cause, std::string("params.") + field.name, ""};
        }
    }
    return {};
}

template <class Real, class Stored>
TopicStatus pack_inferers(const Rules& rules, const EpochColumns<Stored>& columns, std::int64_t t,
                          TopicEpoch<Real>& epoch) {
    const std::uint32_t* inferer = columns.inferer + columns.inferer_offsets[t];
    epoch.labels = columns.labels[t];
    epoch.inferers =
        static_cast<std::int32_t>(columns.inferer_offsets[t + 1] - columns.inferer_offsets[t]);
    TopicStatus status = check_order(inferer, epoch.inferers, "inferer");
    if (status.cause != Cause::none) {
        return status;
    }
    const std::int64_t begin = columns.value_offsets[t];
    return load_submitted(rules, columns.inferences, begin, columns.value_offsets[t + 1] - begin,
                          "inference", inferer, epoch.labels, epoch.inferences);
}

template <class Real, class Stored>
TopicStatus pack_forecasts(const Rules& rules, const EpochColumns<Stored>& columns, std::int64_t t,
                           const ActorIndex& index, TopicEpoch<Real>& epoch) {
    const std::int64_t first = columns.forecaster_offsets[t];
    const std::uint32_t* forecaster = columns.forecaster + first;
    epoch.forecasters = static_cast<std::int32_t>(columns.forecaster_offsets[t + 1] - first);
    TopicStatus status = check_order(forecaster, epoch.forecasters, "forecaster");
    if (status.cause != Cause::none) {
        return status;
    }
    const auto count = static_cast<std::size_t>(epoch.forecasters);
    const std::int64_t begin = columns.element_offsets[first];
    epoch.shared.resize(count);
    epoch.element_offsets.resize(count + 1);
    epoch.element_offsets[0] = 0;
    for (std::size_t k = 0; k < count; ++k) {
        epoch.shared[k] = index.find(forecaster[k]);
        epoch.element_offsets[k + 1] = static_cast<std::int32_t>(
            columns.element_offsets[first + static_cast<std::int64_t>(k) + 1] - begin);
    }
    const auto elements = static_cast<std::size_t>(epoch.element_offsets[count]);
    epoch.element_inferers.resize(elements);
    epoch.element_losses.resize(elements);
    for (std::size_t e = 0; e < elements; ++e) {
        const std::int64_t at = begin + static_cast<std::int64_t>(e);
        epoch.element_inferers[e] = index.find(columns.element_inferer[at]);
        load(columns.element_losses, at, epoch.element_losses[e]);
    }
    return fault_of(forecast_fault(rules, epoch), forecaster);
}

template <class Real, class Stored>
void load_amounts(const Column<Stored>& column, std::int64_t first, List<Real>& amounts) {
    for (std::size_t i = 0; i < amounts.size(); ++i) {
        load(column, first + static_cast<std::int64_t>(i), amounts[i]);
    }
}

template <class Real, class Stored>
TopicStatus pack_reports(const Rules& rules, const EpochColumns<Stored>& columns, std::int64_t t,
                         TopicEpoch<Real>& epoch) {
    const std::int64_t first = columns.reputer_offsets[t];
    const std::uint32_t* reputer = columns.reputer + first;
    epoch.reputers = static_cast<std::int32_t>(columns.reputer_offsets[t + 1] - first);
    TopicStatus status = check_order(reputer, epoch.reputers, "reputer");
    if (status.cause != Cause::none) {
        return status;
    }
    epoch.stakes.resize(static_cast<std::size_t>(epoch.reputers));
    load_amounts(columns.stakes, first, epoch.stakes);
    status = fault_of(amount_fault(epoch.stakes, "stake", Cause::negative_stake), reputer);
    if (status.cause != Cause::none) {
        return status;
    }
    const std::int64_t begin = columns.report_offsets[t];
    const BundleLayout layout{epoch.inferers, epoch.forecasters};
    return load_submitted(rules, columns.reports, begin, columns.report_offsets[t + 1] - begin,
                          "loss", reputer, layout.width(), epoch.reports);
}

// `with_reports`: settle needs them, infer does not.
template <class Real, class Stored>
TopicStatus pack_topic(const Rules& rules, const EpochColumns<Stored>& columns, std::int64_t t,
                       bool with_reports, ActorIndex& index, TopicEpoch<Real>& epoch) {
    TopicStatus status = load_params(columns, t, epoch.params);
    if (status.cause == Cause::none) {
        status = pack_inferers(rules, columns, t, epoch);
    }
    if (status.cause != Cause::none) {
        return status;
    }
    const std::uint32_t* inferer = columns.inferer + columns.inferer_offsets[t];
    for (std::int32_t j = 0; j < epoch.inferers; ++j) {
        index.insert(inferer[j], j);
    }
    status = pack_forecasts(rules, columns, t, index, epoch);
    index.erase(inferer, epoch.inferers);
    if (status.cause == Cause::none && with_reports) {
        status = pack_reports(rules, columns, t, epoch);
    }
    return status;
}

// What scores and rewards need besides.
template <class Real, class Stored>
TopicStatus pack_reward(const EpochColumns<Stored>& columns, std::int64_t t,
                        TopicEpoch<Real>& epoch) {
    const std::int64_t first = columns.reputer_offsets[t];
    epoch.delegated.resize(epoch.stakes.size());
    load_amounts(columns.delegated, first, epoch.delegated);
    epoch.nonce = columns.nonce[t];
    load(columns.reward, t, epoch.reward);
    return fault_of(reward_fault(epoch), columns.reputer + first);
}

} // namespace allora

// The columns that an inference of a batch fills, and which part of each is a topic's.
#pragma once

#include "../protocol/topic.hpp"

#include <cstdint>

namespace allora {

// Every pointer spans the whole batch.
template <class Stored>
struct InferenceColumns {
    Stored* values = nullptr; // rows of BundleLayout::width x labels
    Stored* inferer_weight = nullptr;
    Stored* forecaster_weight = nullptr;
    Stored* inferer_regret_used = nullptr;
    Stored* forecaster_regret_used = nullptr;
    Stored* element_weight = nullptr;
    Stored* normalized_inferer_weight = nullptr;
    Stored* normalized_forecaster_weight = nullptr;
    Stored* confidence_interval = nullptr; // topics x 5
    Stored* regret_scale = nullptr;
    std::uint8_t* branch = nullptr;
    std::uint8_t* all_inferers_are_new = nullptr;
};

// Columns of numbers, in the order of the members of InferenceColumns; the last is one per topic.
inline constexpr int inference_columns = 10;
inline constexpr const char* inference_column_names[inference_columns] = {
    "values",
    "inferer_weight",
    "forecaster_weight",
    "inferer_regret_used",
    "forecaster_regret_used",
    "element_weight",
    "normalized_inferer_weight",
    "normalized_forecaster_weight",
    "confidence_interval",
    "regret_scale"};

struct ColumnPart {
    std::int64_t begin;
    std::int64_t count;
};

// A topic's parts of a batch's columns.
struct TopicParts {
    ColumnPart topic;
    ColumnPart inferers;
    ColumnPart forecasters;
    ColumnPart reputers;
    ColumnPart elements;
    ColumnPart values; // of inferences
    ColumnPart losses; // of network losses
};

// visit(index, column, part, list of the result) for each column that has a list.
template <class Stored, class Real, class Visit>
ALLORA_HD void each_inference_column(const InferenceColumns<Stored>& columns,
                                     const TopicParts& parts, const TopicInference<Real>& result,
                                     const Visit& visit) {
    visit(0, columns.values, parts.values, result.values);
    visit(1, columns.inferer_weight, parts.inferers, result.inferer_weight);
    visit(2, columns.forecaster_weight, parts.forecasters, result.forecaster_weight);
    visit(3, columns.inferer_regret_used, parts.inferers, result.inferer_regret_used);
    visit(4, columns.forecaster_regret_used, parts.forecasters, result.forecaster_regret_used);
    visit(5, columns.element_weight, parts.elements, result.element_weight);
    visit(6, columns.normalized_inferer_weight, parts.inferers, result.normalized_inferer_weight);
    visit(7, columns.normalized_forecaster_weight, parts.forecasters,
          result.normalized_forecaster_weight);
    const ColumnPart interval{5 * parts.topic.begin, 5};
    visit(8, columns.confidence_interval, interval, result.confidence_interval);
}

} // namespace allora

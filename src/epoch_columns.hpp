// The columns of a batch at the doors of infer, settle and reward: checked once, then read in
// place.
#pragma once

#include "registers.hpp"

#include "../cpp/engine/device.hpp"
#include "../cpp/engine/engine.hpp"
#include "../cpp/protocol/rules.hpp"
#include "arrays.hpp"

#include <pybind11/stl.h>

namespace allora::door {

inline Rules rules_from(const py::dict& fields) {
    Rules rules = rules_at("v0.17").value();
    for (const auto& [name, value] : fields) {
        const auto problem =
            set_rule(rules, py::cast<std::string>(name), py::cast<std::string>(value));
        if (!problem.empty()) {
            throw py::value_error(problem);
        }
    }
    return rules;
}

// The columns of a batch and the arrays that own them.
template <class Stored>
struct HeldEpochs {
    py::array_t<std::uint64_t> topic_id;
    py::array_t<std::int64_t> nonce;
    py::array_t<std::int32_t> labels;
    py::array_t<std::int64_t> inferer_offsets, value_offsets, forecaster_offsets, element_offsets;
    py::array_t<std::int64_t> reputer_offsets, report_offsets, inference_row_offsets;
    py::array_t<std::int64_t> loss_row_offsets;
    py::array_t<std::uint32_t> inferer, forecaster, element_inferer, reputer;
    Held<Stored> inferences, element_losses, stakes, reports, params, initial_regret;
    Held<Stored> delegated, reward;
    EpochColumns<Stored> columns;
};

inline void check_actors(const py::array_t<std::uint32_t>& actors, const char* name) {
    for (py::ssize_t i = 0; i < actors.size(); ++i) {
        if (!is_address(actors.data()[i])) {
            throw py::value_error(std::string("the column '") + name +
                                  "' holds an identifier that no address has");
        }
    }
}

template <class Stored>
void take_columns(const py::dict& columns, HeldEpochs<Stored>& held) {
    held.topic_id = contiguous<std::uint64_t>(columns, "topic_id");
    held.nonce = contiguous<std::int64_t>(columns, "nonce");
    held.labels = contiguous<std::int32_t>(columns, "labels");
    held.inferer_offsets = contiguous<std::int64_t>(columns, "inferer_offsets");
    held.inferer = contiguous<std::uint32_t>(columns, "inferer");
    held.value_offsets = contiguous<std::int64_t>(columns, "value_offsets");
    held.forecaster_offsets = contiguous<std::int64_t>(columns, "forecaster_offsets");
    held.forecaster = contiguous<std::uint32_t>(columns, "forecaster");
    held.element_offsets = contiguous<std::int64_t>(columns, "element_offsets");
    held.element_inferer = contiguous<std::uint32_t>(columns, "element_inferer");
    held.reputer_offsets = contiguous<std::int64_t>(columns, "reputer_offsets");
    held.reputer = contiguous<std::uint32_t>(columns, "reputer");
    held.report_offsets = contiguous<std::int64_t>(columns, "report_offsets");
    held.inference_row_offsets = contiguous<std::int64_t>(columns, "inference_row_offsets");
    held.loss_row_offsets = contiguous<std::int64_t>(columns, "loss_row_offsets");
    hold(columns, "inferences", held.inferences);
    hold(columns, "element_losses", held.element_losses);
    hold(columns, "stakes", held.stakes);
    hold(columns, "reports", held.reports);
    hold(columns, "params", held.params);
    hold(columns, "initial_regret", held.initial_regret);
    hold(columns, "delegated", held.delegated);
    hold(columns, "reward", held.reward);
}

template <class Stored>
void check_columns(const HeldEpochs<Stored>& held) {
    const std::int64_t topics = held.topic_id.size();
    const auto params = topics * static_cast<std::int64_t>(param_count);
    if (held.nonce.size() != topics || held.labels.size() != topics ||
        held.params.column.size != params || held.initial_regret.column.size != topics ||
        held.reward.column.size != topics) {
        throw py::value_error("topic_id, nonce, labels, initial_regret, reward and params (one per "
                              "field of Params) must have one entry per topic");
    }
    check_offsets(held.inferer_offsets, topics, held.inferer.size(), "inferer_offsets");
    check_offsets(held.value_offsets, topics, held.inferences.column.size, "value_offsets");
    check_offsets(held.forecaster_offsets, topics, held.forecaster.size(), "forecaster_offsets");
    check_offsets(held.element_offsets, held.forecaster.size(), held.element_inferer.size(),
                  "element_offsets");
    check_offsets(held.reputer_offsets, topics, held.reputer.size(), "reputer_offsets");
    check_offsets(held.report_offsets, topics, held.reports.column.size, "report_offsets");
    if (held.element_losses.column.size != held.element_inferer.size() ||
        held.stakes.column.size != held.reputer.size() ||
        held.delegated.column.size != held.reputer.size()) {
        throw py::value_error("element_losses and element_inferer, stakes, delegated and reputer "
                              "must be of equal length");
    }
    check_actors(held.inferer, "inferer");
    check_actors(held.forecaster, "forecaster");
    check_actors(held.element_inferer, "element_inferer");
    check_actors(held.reputer, "reputer");
    const auto count = [](const auto& offsets, std::int64_t t) {
        return offsets.data()[t + 1] - offsets.data()[t];
    };
    std::int64_t rows = 0;
    std::int64_t losses = 0;
    for (std::int64_t t = 0; t < topics; ++t) {
        const std::int64_t inferers = count(held.inferer_offsets, t);
        const BundleLayout layout{inferers, count(held.forecaster_offsets, t)};
        const std::int64_t labels = held.labels.data()[t];
        if (labels < 1 || count(held.value_offsets, t) != inferers * labels ||
            count(held.report_offsets, t) != count(held.reputer_offsets, t) * layout.width()) {
            throw py::value_error("topic " + std::to_string(held.topic_id.data()[t]) +
                                  ": inferences must be inferers x labels, and reports reputers x "
                                  "(2 + 2I + 3F + F*I)");
        }
        if (held.inference_row_offsets.size() != topics + 1 ||
            held.loss_row_offsets.size() != topics + 1 ||
            held.inference_row_offsets.data()[t] != rows ||
            held.loss_row_offsets.data()[t] != losses) {
            throw py::value_error("inference_row_offsets and loss_row_offsets must be the running "
                                  "sums of the bundles' widths");
        }
        rows += layout.width() * labels;
        losses += layout.width();
    }
    if (held.inference_row_offsets.data()[topics] != rows ||
        held.loss_row_offsets.data()[topics] != losses) {
        throw py::value_error("inference_row_offsets and loss_row_offsets must be the running sums "
                              "of the bundles' widths");
    }
}

template <class Stored>
void hold_epochs(const py::dict& columns, HeldEpochs<Stored>& held) {
    take_columns(columns, held);
    check_columns(held);
    held.columns = {
        held.topic_id.size(),       held.topic_id.data(),        held.nonce.data(),
        held.labels.data(),         held.inferer_offsets.data(), held.inferer.data(),
        held.value_offsets.data(),  held.inferences.column,      held.forecaster_offsets.data(),
        held.forecaster.data(),     held.element_offsets.data(), held.element_inferer.data(),
        held.element_losses.column, held.reputer_offsets.data(), held.reputer.data(),
        held.stakes.column,         held.report_offsets.data(),  held.reports.column,
        held.params.column,         held.initial_regret.column,  held.delegated.column,
        held.reward.column};
}

inline const char* number_name(double) {
    return "float64";
}
inline const char* number_name(const Decimal&) {
    return "decimal";
}

inline py::list status_list(const std::vector<TopicStatus>& status) {
    py::list list;
    for (const TopicStatus& topic : status) {
        if (topic.cause == Cause::none) {
            list.append(py::none());
        } else {
            list.append(py::make_tuple(topic.actor, topic.field, cause_name(topic.cause)));
        }
    }
    return list;
}

inline void check_states(const States& states, std::int64_t topics) {
    if (static_cast<std::int64_t>(states.size()) != topics) {
        throw py::value_error("there must be one state per topic");
    }
}

} // namespace allora::door

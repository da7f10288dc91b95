#include "tables.hpp"

#include <algorithm>

namespace allora::wire {

namespace {

constexpr auto number = ColumnType::number;
constexpr auto flag = ColumnType::flag;
constexpr auto text = ColumnType::text;

constexpr ColumnForm transaction = {"transaction", number};
constexpr ColumnForm message = {"message", number};
constexpr ColumnForm inner = {"inner", number};

constexpr std::array messages = std::to_array<ColumnForm>({
    transaction,
    message,
    inner,
    {"type_url", text},
    {"name", text},
    {"api_version", text},
    {"sender", text},
    {"is_decoded", flag},
});
constexpr std::array inferences = std::to_array<ColumnForm>({
    transaction,
    message,
    inner,
    {"topic_id", number},
    {"nonce", number},
    {"inferer", text},
    {"label", text},
    {"extra_data", text},
    {"value", text},
});
constexpr std::array forecasts = std::to_array<ColumnForm>({
    transaction,
    message,
    inner,
    {"topic_id", number},
    {"nonce", number},
    {"forecaster", text},
    {"inferer", text},
    {"extra_data", text},
    {"value", text},
});
constexpr std::array reputer_losses = std::to_array<ColumnForm>({
    transaction,
    message,
    inner,
    {"topic_id", number},
    {"nonce", number},
    {"reputer", text},
    {"kind", text},
    {"inferer", text},
    {"forecaster", text},
    {"value", text},
});
constexpr std::array stake_moves = std::to_array<ColumnForm>({
    transaction,
    message,
    inner,
    {"topic_id", number},
    {"reputer", text},
    {"delegator", text},
    {"reason", text},
    {"amount", text},
});
constexpr std::array stake_removals = std::to_array<ColumnForm>({
    transaction,
    message,
    inner,
    {"topic_id", number},
    {"reputer", text},
    {"delegator", text},
    {"is_cancelled", flag},
    {"amount", text},
});
constexpr std::array delegate_rewards = std::to_array<ColumnForm>({
    transaction,
    message,
    inner,
    {"topic_id", number},
    {"reputer", text},
    {"delegator", text},
    {"reason", text},
});
constexpr std::array registrations = std::to_array<ColumnForm>({
    transaction,
    message,
    inner,
    {"topic_id", number},
    {"address", text},
    {"is_reputer", flag},
    {"owner", text},
    {"is_registered", flag},
});
constexpr std::array owners = std::to_array<ColumnForm>({
    transaction,
    message,
    inner,
    {"address", text},
    {"is_reputer", flag},
    {"new_owner", text},
});
constexpr std::array funding = std::to_array<ColumnForm>({
    transaction,
    message,
    inner,
    {"topic_id", number},
    {"funder", text},
    {"reason", text},
    {"amount", text},
});
constexpr std::array topics = std::to_array<ColumnForm>({
    transaction,
    message,
    inner,
    {"topic_id", number},
    {"creator", text},
    {"metadata", text},
    {"loss_method", text},
    {"epoch_length", number},
    {"ground_truth_lag", number},
    {"worker_submission_window", number},
    {"allow_negative", text},
    {"topic_type", text},
    {"output_arity", text},
    {"require_unity", text},
    {"max_labels_per_submission", text},
    {"label_whitelist", text},
    {"label_case_sensitive", text},
    {"enable_worker_whitelist", text},
    {"enable_reputer_whitelist", text},
    {"p_norm", text},
    {"c_norm", text},
    {"alpha_regret", text},
    {"epsilon", text},
    {"merit_sortition_alpha", text},
    {"active_inferer_quantile", text},
    {"active_forecaster_quantile", text},
    {"active_reputer_quantile", text},
    {"unity_tolerance", text},
    {"label_default_value", text},
});
constexpr std::array params = std::to_array<ColumnForm>({
    transaction,
    message,
    inner,
    {"module", text},
    {"name", text},
    {"value", text},
});
constexpr std::array whitelists = std::to_array<ColumnForm>({
    transaction,
    message,
    inner,
    {"topic_id", number},
    {"whitelist", text},
    {"change", text},
    {"address", text},
});
constexpr std::array faults = std::to_array<ColumnForm>({
    transaction,
    message,
    {"offset", number},
    {"cause", text},
});

constexpr std::array<TableForm, table_count> forms = {{
    {"messages", messages},
    {"inferences", inferences},
    {"forecasts", forecasts},
    {"reputer_losses", reputer_losses},
    {"stake_moves", stake_moves},
    {"stake_removals", stake_removals},
    {"delegate_rewards", delegate_rewards},
    {"registrations", registrations},
    {"owners", owners},
    {"funding", funding},
    {"topics", topics},
    {"params", params},
    {"whitelists", whitelists},
    {"faults", faults},
}};

} // namespace

const TableForm& form_of(TableName name) {
    return forms[static_cast<std::size_t>(name)];
}

void Column::add(std::int64_t value, std::int64_t rows) {
    const auto count = static_cast<std::size_t>(rows);
    numbers.insert(numbers.end(), count, value);
    present.insert(present.end(), count, 1);
}

void Column::add(Span added, std::int64_t rows) {
    for (std::int64_t row = 0; row < rows; ++row) {
        data.insert(data.end(), added.begin(), added.end());
        ends.push_back(static_cast<std::int32_t>(data.size()));
        present.push_back(1);
    }
}

void Column::add_null(ColumnType type, std::int64_t rows) {
    const auto count = static_cast<std::size_t>(rows);
    if (type == ColumnType::text) {
        ends.insert(ends.end(), count, static_cast<std::int32_t>(data.size()));
    } else {
        numbers.insert(numbers.end(), count, 0);
    }
    present.insert(present.end(), count, 0);
    nulls += rows;
}

void Column::cut(std::size_t rows) {
    nulls -= std::count(present.begin() + static_cast<std::ptrdiff_t>(rows), present.end(), 0);
    present.resize(rows);
    if (numbers.size() > rows) {
        numbers.resize(rows);
    }
    if (ends.size() > rows) {
        ends.resize(rows);
        data.resize(rows == 0 ? 0 : static_cast<std::size_t>(ends[rows - 1]));
    }
}

void Table::cut(std::size_t rows) {
    for (Column& column : columns) {
        column.cut(rows);
    }
}

Tables empty_tables() {
    Tables tables;
    for (std::size_t i = 0; i < table_count; ++i) {
        tables[i].form = &forms[i];
        tables[i].columns.resize(forms[i].columns.size());
    }
    return tables;
}

void add_origin(Table& table, const Origin& origin, std::int64_t rows) {
    table[0].add(origin.transaction, rows);
    table[1].add(origin.message, rows);
    if (origin.inner < 0) {
        table[2].add_null(ColumnType::number, rows);
    } else {
        table[2].add(origin.inner, rows);
    }
}

} // namespace allora::wire

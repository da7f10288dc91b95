// The tables that transactions become, in columns as Arrow lays them out. Names of tables and
// columns are those of the archive (python/allora_core/archive/schema.py).
#pragma once

#include "reader.hpp"

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace allora::wire {

enum class ColumnType : std::uint8_t { number, flag, text };

struct ColumnForm {
    const char* name;
    ColumnType type;
};

enum class TableName : std::uint8_t {
    messages,
    inferences,
    forecasts,
    reputer_losses,
    stake_moves,
    stake_removals,
    delegate_rewards,
    registrations,
    owners,
    funding,
    topics,
    params,
    whitelists,
    faults,
};
inline constexpr std::size_t table_count = 14;

struct TableForm {
    const char* name;
    std::span<const ColumnForm> columns;
};

const TableForm& form_of(TableName name);

// One column. Texts lie one behind the other, row i from ends[i - 1] to ends[i].
struct Column {
    std::vector<std::int64_t> numbers; // flags as 0 and 1; empty for texts
    std::vector<std::int32_t> ends;    // empty for numbers
    std::vector<char> data;
    std::vector<std::uint8_t> present; // one a row
    std::int64_t nulls = 0;

    void add(std::int64_t value, std::int64_t rows = 1);
    void add(Span added, std::int64_t rows = 1);
    void add_null(ColumnType type, std::int64_t rows = 1);
    void cut(std::size_t rows);
};

struct Table {
    const TableForm* form = nullptr;
    std::vector<Column> columns;

    std::size_t rows() const { return columns[0].present.size(); }
    Column& operator[](std::size_t index) { return columns[index]; }
    void cut(std::size_t rows);
};

using Tables = std::array<Table, table_count>;

Tables empty_tables();

// The message that rows come from: the first three columns of every table but faults.
struct Origin {
    std::int64_t transaction = 0;
    std::int64_t message = 0;
    std::int64_t inner = -1; // -1: not within a MsgExec
};
inline constexpr std::size_t origin_columns = 3;

void add_origin(Table& table, const Origin& origin, std::int64_t rows);

} // namespace allora::wire

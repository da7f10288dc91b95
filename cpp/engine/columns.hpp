// A batch at the door: ragged between topics (offsets), dense within a topic. Numbers are float64
// or Decimal; a decimal too long for its fixed width stands in a pool beside the column.
#pragma once

#include "../number/decimal_real.hpp"
#include "../number/float64_real.hpp"
#include "../protocol/topic.hpp"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace allora {

using LongDecimals = std::vector<BigDecimal>;

// Form::wide: limb 0 of the coefficient is the index into the pool.
template <class Stored>
struct Column {
    const Stored* data = nullptr;
    std::int64_t size = 0;
    const LongDecimals* pool = nullptr;
};

inline void load(const Column<double>& column, std::int64_t i, double& value) {
    value = column.data[i];
}

inline void load(const Column<Decimal>& column, std::int64_t i, Decimal& value) {
    value = column.data[i];
}

inline void load(const Column<Decimal>& column, std::int64_t i, BigDecimal& value) {
    const Decimal& stored = column.data[i];
    value = stored.form == Form::wide ? (*column.pool)[stored.coefficient.limb[0]] : to_big(stored);
}

// Long results of one topic, with their place in the column, until all topics are done.
using Overflow = std::vector<std::pair<std::int64_t, BigDecimal>>;

inline void store(double* column, std::int64_t i, double value, Overflow&) {
    column[i] = value;
}

inline void store(Decimal* column, std::int64_t i, const Decimal& value, Overflow&) {
    column[i] = value;
}

inline void store(Decimal* column, std::int64_t i, const BigDecimal& value, Overflow& overflow) {
    column[i] = from_big(value);
    if (value.is_finite() && !column[i].is_finite()) {
        overflow.emplace_back(i, value);
    }
}

// All topics of one call. Address identifiers come from `Addresses`; offsets have topics + 1
// entries.
template <class Stored>
struct EpochColumns {
    std::int64_t topics = 0;
    const std::uint64_t* topic_id = nullptr;
    const std::int64_t* nonce = nullptr;
    const std::int32_t* labels = nullptr;
    const std::int64_t* inferer_offsets = nullptr;
    const std::uint32_t* inferer = nullptr;
    const std::int64_t* value_offsets = nullptr; // of inferences, in numbers
    Column<Stored> inferences;
    const std::int64_t* forecaster_offsets = nullptr;
    const std::uint32_t* forecaster = nullptr;
    const std::int64_t* element_offsets = nullptr; // one per forecaster, plus one
    const std::uint32_t* element_inferer = nullptr;
    Column<Stored> element_losses;
    const std::int64_t* reputer_offsets = nullptr;
    const std::uint32_t* reputer = nullptr;
    Column<Stored> stakes;
    const std::int64_t* report_offsets = nullptr; // of reports, in numbers
    Column<Stored> reports;
    Column<Stored> params;         // topics x param_count, in the order of Params
    Column<Stored> initial_regret; // one per topic; missing: the state's own
    Column<Stored> delegated;      // of the stakes
    Column<Stored> reward;         // one per topic
};

} // namespace allora

// Losses of a batch: for every part (a topic, say) its method, its truths and the values judged.
#pragma once

#include "../formula/loss_function.hpp"
#include "columns.hpp"
#include "host.hpp"

namespace allora {

struct LossKind {
    LossMethod method;
    LossScale scale;
};

// Numbers stand row after row, one per label. A part has one truth for all its rows, or one per
// row. Offsets have one entry more than there are parts.
template <class Stored>
struct LossColumns {
    std::int64_t parts = 0;
    const LossKind* kinds = nullptr;
    Column<Stored> params; // parts x the fields of LossParams
    const std::int32_t* labels = nullptr;
    const std::int64_t* truth_offsets = nullptr; // in numbers
    Column<Stored> truths;
    const std::int64_t* value_offsets = nullptr; // in numbers
    Column<Stored> values;
    const std::int64_t* loss_offsets = nullptr; // in rows
};

// `losses` and `causes` are written row by row. A row with a missing value has a missing loss and
// no cause; a loss of +infinity is an infinity with the cause `infinite`.
template <class Stored>
struct LossResults {
    Stored* losses = nullptr;
    std::uint16_t* causes = nullptr;
    std::vector<Overflow> overflow;
};

template <class Stored>
void loss_batch(DecimalFunctions functions, Host& host, const LossColumns<Stored>& columns,
                LossResults<Stored>& results);

} // namespace allora

// Rows of an archive's payloads on their way to a replay: texts become codes, numbers the engine's,
// and rows of one payload that follow each other one run.
#pragma once

#include "../number/decimal_real.hpp"
#include "../number/float64_real.hpp"
#include "arrow.hpp"

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace allora::wire {

// The columns of every batch, in this order; the names that values have follow.
enum class PayloadColumn : std::int64_t {
    topic,
    nonce,
    height,
    transaction,
    message,
    value,
    actor,
    source,
    names,
};

// One run: its rows are those from begin to end.
struct PayloadRun {
    std::int64_t topic;
    std::int64_t nonce;
    std::int64_t height;
    std::int64_t transaction; // 0 where there is none, as is the message
    std::int64_t message;
    std::int64_t begin;
    std::int64_t end;
    std::int32_t actor;
    bool event;
};

// What the entries of a column's dictionary mean: a code each. Null is -1.
using Codes = std::span<const std::int32_t>;

// A number of the chain that is too long for its place, by its row.
using LongValues = std::vector<std::pair<std::int64_t, BigDecimal>>;

template <class Stored>
class PayloadRows {
public:
    explicit PayloadRows(std::int64_t names) : coded(static_cast<std::size_t>(names)) {}

    // Adds a batch's rows from the first to the last height. Those of each source make runs of
    // their own, whatever stands between them. `tables` holds the codes of actor, source (1 for an
    // event, else 0) and names. Returns the rows of the batch whose value is no number of the
    // chain; they are missing.
    std::vector<std::int64_t> take(const ArrowSchema& schema, const ArrowArray& batch,
                                   std::span<const Codes> tables, std::int64_t first,
                                   std::int64_t last);

    // Makes every run one payload, in the order of topic, chain, address and nonce: what a
    // transaction and its event both tell counts once, and rows of one payload that stand apart are
    // put together. `ranks` holds the place of each actor's code in address order.
    void settle(std::span<const std::int64_t> ranks);

    std::vector<PayloadRun> runs;
    std::vector<Stored> values;
    LongValues long_values;
    std::vector<std::vector<std::int32_t>> coded; // by name

private:
    void gather();
};

extern template class PayloadRows<double>;
extern template class PayloadRows<Decimal>;

} // namespace allora::wire

// Transactions to columns. A transaction that cannot be read leaves its fault and no rows, as the
// chain refuses it as a whole. TxRaw, TxBody, Any and MsgExec: cosmos-sdk.
#pragma once

#include "tables.hpp"

namespace allora::wire {

struct Limits {
    std::int64_t transaction_bytes = 4LL << 20;
    std::int64_t messages = 4096; // of one transaction, those within MsgExec included
    int depth = 8;                // of MsgExec within MsgExec
};

// Reads transactions from `first` on until all are read or the columns could outgrow what their
// offsets address, and returns the first that was not read.
std::size_t decode_transactions(std::span<const Span> transactions, std::size_t first,
                                const Limits& limits, Tables& tables);

} // namespace allora::wire

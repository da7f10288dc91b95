// The payloads of workers and reputers, whose lists make up nearly all of a transaction's values.
// Field numbers: allora-chain, x/emissions/proto/emissions, v3 to v10; no number ever changed.
#pragma once

#include "tables.hpp"

#include <optional>

namespace allora::wire {

// What texts of one transaction may grow to in the columns, where an address is repeated in every
// row: without a bound a small transaction could ask for any amount of memory.
class Budget {
public:
    explicit Budget(std::int64_t bytes) : left_(bytes) {}

    bool spend(std::uint64_t rows, std::uint64_t bytes_each) {
        const std::uint64_t asked = rows * (bytes_each + 1);
        if (asked > static_cast<std::uint64_t>(left_)) {
            return false;
        }
        left_ -= static_cast<std::int64_t>(asked);
        return true;
    }

private:
    std::int64_t left_;
};

// A worker, or a pair of forecaster and inferer, and the decimal given for it.
struct ValueOf {
    Span address;
    Span value;
    Span forecaster; // of one_out_inferer_forecaster alone
};

// One InsertWorkerPayload. A sub-message that comes in parts is read into the same object.
struct WorkerPayload {
    struct Inference {
        Span inferer;
        Span value;
        Span extra_data;
        std::vector<ValueOf> labels; // address is the label
    };
    struct Forecast {
        Span forecaster;
        Span extra_data;
        std::vector<ValueOf> elements;
    };

    Span sender;
    std::int64_t topic_id = 0;
    std::optional<std::int64_t> nonce;
    bool has_inference = false;
    bool has_forecast = false;
    Inference inference;
    Forecast forecast;

    void clear();
    bool read(Reader reader);
    bool write(Tables& tables, const Origin& origin, Budget& budget) const;
};

// One InsertReputerPayload.
struct ReputerPayload {
    static constexpr std::size_t lists = 6;

    Span sender;
    bool has_bundle = false;
    std::int64_t topic_id = 0;
    std::optional<std::int64_t> nonce;
    Span reputer;
    Span combined;
    Span naive;
    std::array<std::vector<ValueOf>, lists> values; // by kind, as `kind_names` from the third on

    void clear();
    bool read(Reader reader);
    bool write(Tables& tables, const Origin& origin, Budget& budget) const;
};

// The vocabulary of `kind`.
inline constexpr std::array<Span, ReputerPayload::lists + 2> kind_names = {
    "combined",          "naive",
    "inferer",           "forecaster",
    "one_out_inferer",   "one_out_forecaster",
    "one_in_forecaster", "one_out_inferer_forecaster",
};

} // namespace allora::wire

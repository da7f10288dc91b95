// Why a number or a topic could not be computed. Faults travel as values, never as exceptions.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace allora {

enum class Cause : std::uint16_t {
    none,
    nan,
    range,
    div_zero,
    div_undefined,
    div_impossible,
    invalid,
    overflow,
    underflow,
    fractional,
    int64_overflow,
    non_integral,
    parse,
    infinite,
    rounded,
    domain,
    infinite_arg,
    out_of_range,
    length,
    negative_places,
    // Not a fault of the chain: the value needs more digits than the stored width holds.
    does_not_fit,
    no_inference,
    no_usable_participant,
    no_regret,
    no_report,
    wrong_nonce,
    zero_stake,
    zero_weight,
    missing_value,
    several_labels,
    duplicate_address,
    unsorted_address,
    negative_stake,
    unknown_topic,
    no_score,
    negative_amount,
    delegated_exceeds_stake,
};

inline constexpr std::array<const char*, 37> cause_names = {
    "none",
    "nan",
    "range",
    "div_zero",
    "div_undefined",
    "div_impossible",
    "invalid",
    "overflow",
    "underflow",
    "fractional",
    "int64_overflow",
    "non_integral",
    "parse",
    "infinite",
    "rounded",
    "domain",
    "infinite_arg",
    "out_of_range",
    "length",
    "negative_places",
    "does_not_fit",
    "no_inference",
    "no_usable_participant",
    "no_regret",
    "no_report",
    "wrong_nonce",
    "zero_stake",
    "zero_weight",
    "missing_value",
    "several_labels",
    "duplicate_address",
    "unsorted_address",
    "negative_stake",
    "unknown_topic",
    "no_score",
    "negative_amount",
    "delegated_exceeds_stake",
};

inline constexpr const char* cause_name(Cause cause) {
    return cause_names[static_cast<std::size_t>(cause)];
}

} // namespace allora

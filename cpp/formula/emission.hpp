// The emission: how much is minted each block, and for whom. Once a month
// target = (f_e (T / N_s)) (N_c / max supply), cap = yield / ((1 - v) r + v),
// e = alpha min(target, cap) + (1 - alpha) e_before; a block emits trunc(e N_s) / blocks per month.
// allora-chain v0.6, x/mint/keeper/emissions.go, x/mint/module/abci.go.
#pragma once

#include "../number/fixed18.hpp"
#include "../protocol/rules.hpp"
#include "../protocol/topic.hpp"

#include <algorithm>
#include <cstdint>

namespace allora {

struct MintParams {
    Integer max_supply;
    BigDecimal f_emission;
    BigDecimal one_month_smoothing_degree;
    BigDecimal maximum_monthly_percentage_yield;
    BigDecimal ecosystem_treasury_percent_of_total_supply;
    BigDecimal foundation_treasury_percent_of_total_supply;
    BigDecimal investors_percent_of_total_supply;
    BigDecimal investors_preseed_percent_of_total_supply;
    BigDecimal team_percent_of_total_supply;
    BigDecimal foundation_locked_share;
    BigDecimal validators_vs_allora_percent_reward;
    std::int64_t blocks_per_month = 0;
};

struct EmissionState {
    BigDecimal emission_per_unit_staked_token;
    Integer block_emission;
    Integer ecosystem_minted;
    BigDecimal reputers_percentage;
    Integer month_reputers;
    Integer month_everyone;
};

struct EmissionBlock {
    std::int64_t height = 0;
    std::int64_t emission_start = 0;
    std::int64_t months_unlocked = 0;
    bool emission_enabled = true;
    Integer ecosystem_balance;
    Integer staked;
};

struct MintedBlock {
    Integer minted;
    Integer emission;
    Integer validators;
    Integer rewards;
    EmissionState state;
};

inline Fixed18 fixed_of(const BigDecimal& value) {
    return Fixed18::from_decimal(value, false);
}

inline std::int64_t emission_height(const Rules& rules, const EmissionBlock& block) {
    return rules.emission_height == EmissionHeight::since_start
               ? block.height - block.emission_start
               : block.height;
}

// Whole months gone; since v0.13 at least those given, and 0 to 84.
inline std::int64_t unlocked_months(const Rules& rules, const MintParams& params,
                                    std::int64_t height, std::int64_t months_given) {
    const std::int64_t months = height / params.blocks_per_month;
    if (rules.vesting == Vesting::rounded_quotient) {
        return months;
    }
    return std::clamp<std::int64_t>(std::max(months, months_given), 0, 84);
}

// trunc(share * max supply).
inline Integer share_of_supply(const MintParams& params, const BigDecimal& share) {
    return (fixed_of(share) * Fixed18::from_integer(params.max_supply)).truncated();
}

// All before month 12, then the share (36 - m) / 36.
inline Integer vesting_part(const Rules& rules, const Integer& full, std::int64_t months) {
    constexpr std::int64_t cliff = 12;
    constexpr std::int64_t vested = 36;
    if (months < cliff || full.cause != Cause::none) {
        return full;
    }
    if (months >= vested) {
        return Integer::from_int(0);
    }
    const std::int64_t left = vested - months;
    if (rules.vesting == Vesting::whole_months) {
        return scale(full, static_cast<std::uint64_t>(left), vested);
    }
    const Fixed18 share = Fixed18::from_integer(Integer::from_int(left)) /
                          Fixed18::from_integer(Integer::from_int(vested));
    return (share * Fixed18::from_integer(full)).truncated();
}

// Preseed, investors and team; since v0.13 the foundation's locked part falls over 24 months.
inline Integer locked_tokens(const Rules& rules, const MintParams& params, std::int64_t months) {
    constexpr std::int64_t foundation_vested = 24;
    Integer locked = Integer::from_int(0);
    for (const BigDecimal* share :
         {&params.investors_preseed_percent_of_total_supply,
          &params.investors_percent_of_total_supply, &params.team_percent_of_total_supply}) {
        locked = add(locked, vesting_part(rules, share_of_supply(params, *share), months));
    }
    if (rules.vesting == Vesting::whole_months && months < foundation_vested) {
        const Integer full =
            share_of_supply(params, params.foundation_treasury_percent_of_total_supply);
        const Integer part =
            rules.foundation_lock == FoundationLock::whole
                ? full
                : (fixed_of(params.foundation_locked_share) * Fixed18::from_integer(full))
                      .truncated();
        const auto left = static_cast<std::uint64_t>(foundation_vested - months);
        locked = add(locked, scale(part, left, foundation_vested));
    }
    return locked;
}

// What the ecosystem may still mint.
inline Integer ecosystem_remaining(const MintParams& params, const Integer& minted) {
    return sub(share_of_supply(params, params.ecosystem_treasury_percent_of_total_supply), minted);
}

// No stake, or a negative result, is a fault.
inline Fixed18 emission_target(const MintParams& params, const Integer& ecosystem,
                               const Integer& staked, const Integer& circulating) {
    const Fixed18 f_emission = fixed_of(params.f_emission);
    const Fixed18 of_supply =
        Fixed18::from_integer(circulating) / Fixed18::from_integer(params.max_supply);
    const Fixed18 of_stake = Fixed18::from_integer(ecosystem) / Fixed18::from_integer(staked);
    const Fixed18 target = (f_emission * of_stake) * of_supply;
    return target.negative ? Fixed18::faulted(Cause::out_of_range) : target;
}

inline Fixed18 emission_cap(const MintParams& params, const Fixed18& reputers) {
    const Fixed18 one = Fixed18::from_integer(Integer::from_int(1));
    const Fixed18 validators = fixed_of(params.validators_vs_allora_percent_reward);
    const Fixed18 stakers = (one - validators) * reputers + validators;
    return fixed_of(params.maximum_monthly_percentage_yield) / stakers;
}

// Without a shortcut for equal values.
inline Fixed18 emission_average(const Fixed18& alpha, const Fixed18& target,
                                const Fixed18& previous) {
    const Fixed18 one = Fixed18::from_integer(Integer::from_int(1));
    return alpha * target + (one - alpha) * previous;
}

inline Status require_amount(const Integer& amount, const char* field) {
    const Cause cause = amount.negative ? Cause::out_of_range : amount.cause;
    return {cause, field};
}

// Amounts that no account can hold, and parameters that no network has.
inline Status require_amounts(const EmissionBlock& block, const EmissionState& state,
                              const MintParams& params) {
    if (block.height < 0) {
        return {Cause::out_of_range, "height"};
    }
    if (params.blocks_per_month < 1) {
        return {Cause::out_of_range, "params.blocks_per_month"};
    }
    if (params.max_supply.cause == Cause::none && params.max_supply.is_zero()) {
        return {Cause::out_of_range, "params.max_supply"};
    }
    Status status;
    const auto require = [&status](const Integer& amount, const char* field) {
        status = status.ok() ? require_amount(amount, field) : status;
    };
    require(params.max_supply, "params.max_supply");
    require(block.ecosystem_balance, "ecosystem_balance");
    require(block.staked, "staked");
    require(state.block_emission, "block_emission");
    require(state.ecosystem_minted, "ecosystem_minted");
    require(state.month_reputers, "month_reputers");
    require(state.month_everyone, "month_everyone");
    return status;
}

// The new month's emission, once a month.
inline Status renew_emission(const Rules& rules, const EmissionBlock& block,
                             const MintParams& params, EmissionState& state) {
    const std::int64_t height = emission_height(rules, block);
    const std::int64_t months = unlocked_months(rules, params, height, block.months_unlocked);
    const Integer ecosystem =
        add(block.ecosystem_balance, ecosystem_remaining(params, state.ecosystem_minted));
    const Integer circulating =
        sub(sub(params.max_supply, locked_tokens(rules, params, months)), ecosystem);
    if (circulating.cause != Cause::none || circulating.negative) {
        return {circulating.negative ? Cause::out_of_range : circulating.cause,
                "circulating_supply"};
    }
    Fixed18 target = emission_target(params, ecosystem, block.staked, circulating);
    if (target.cause != Cause::none) {
        return {target.cause, "emission_target"};
    }
    const bool cuts = rules.decimal_functions == DecimalFunctions::programs;
    const Fixed18 cap =
        emission_cap(params, Fixed18::from_decimal(state.reputers_percentage, cuts));
    if (cap.cause != Cause::none) {
        return {cap.cause, "reputers_percentage"};
    }
    target = compare(cap, target) < 0 ? cap : target;
    const Fixed18 previous =
        height >= params.blocks_per_month ? fixed_of(state.emission_per_unit_staked_token) : target;
    const Fixed18 average =
        emission_average(fixed_of(params.one_month_smoothing_degree), target, previous);
    const Integer month = mul(average, block.staked).truncated();
    if (month.cause != Cause::none || month.negative) {
        return {month.negative ? Cause::out_of_range : month.cause,
                "emission_per_unit_staked_token"};
    }
    state.emission_per_unit_staked_token = average.to_decimal();
    state.block_emission = scale(month, 1, static_cast<std::uint64_t>(params.blocks_per_month));
    return {};
}

// Coins that already lie in the ecosystem account are spent before anything is minted.
inline Status mint_block(const Rules& rules, const EmissionBlock& block, const MintParams& params,
                         MintedBlock& result) {
    result.emission = result.state.block_emission;
    if (compare(result.emission, block.ecosystem_balance) > 0) {
        const Integer lacking = sub(result.emission, block.ecosystem_balance);
        const Integer left = ecosystem_remaining(params, result.state.ecosystem_minted);
        result.minted = compare(left, lacking) < 0 ? left : lacking;
        if (left.cause != Cause::none || result.minted.negative) {
            return {left.cause != Cause::none ? left.cause : Cause::out_of_range,
                    "ecosystem_minted"};
        }
        if (compare(result.minted, lacking) < 0 && rules.supply_cap == SupplyCap::limited) {
            result.emission = add(block.ecosystem_balance, result.minted);
        }
    }
    const Fixed18 share = fixed_of(params.validators_vs_allora_percent_reward);
    result.validators = (share * Fixed18::from_integer(result.emission)).truncated();
    if (result.validators.cause != Cause::none) {
        return {result.validators.cause, "validators_vs_allora_percent_reward"};
    }
    // A negative share leaves more than the emission, which no integer of the chain may hold.
    result.rewards = sub(result.emission, result.validators);
    if (result.rewards.cause != Cause::none) {
        return {result.rewards.cause, "validators_vs_allora_percent_reward"};
    }
    result.state.ecosystem_minted = add(result.state.ecosystem_minted, result.minted);
    return {result.state.ecosystem_minted.cause, "ecosystem_minted"};
}

// reputers / everyone of a month's counters; 0 of nothing.
inline BigDecimal reputers_percentage(const Integer& reputers, const Integer& everyone) {
    if (everyone.is_zero()) {
        return BigDecimal::from_int(0);
    }
    return BigDecimal::from_parts(false, reputers.magnitude, 0) /
           BigDecimal::from_parts(false, everyone.magnitude, 0);
}

// The begin of a block.
inline Status begin_block(const Rules& rules, const EmissionBlock& block, const MintParams& params,
                          const EmissionState& state, MintedBlock& result) {
    result = {Integer::from_int(0), Integer::from_int(0), Integer::from_int(0),
              Integer::from_int(0), state};
    if (const Status status = require_amounts(block, state, params); !status.ok()) {
        return status;
    }
    const std::int64_t height = emission_height(rules, block);
    const bool new_month = height > 0 && height % params.blocks_per_month == 1;
    if (new_month && rules.reputers_percentage == ReputersPercentage::monthly) {
        result.state.reputers_percentage =
            reputers_percentage(state.month_reputers, state.month_everyone);
        result.state.month_reputers = Integer::from_int(0);
        result.state.month_everyone = Integer::from_int(0);
    }
    if (!block.emission_enabled) {
        return {};
    }
    if (new_month) {
        if (const Status status = renew_emission(rules, block, params, result.state);
            !status.ok()) {
            return status;
        }
    }
    return mint_block(rules, block, params, result);
}

} // namespace allora

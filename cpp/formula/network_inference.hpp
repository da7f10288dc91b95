// The network inference bundle: combined, naive, one-out, one-in.
// allora-chain v0.17, x/emissions/keeper/inference_synthesis/network_inference_builder.go.
#pragma once

#include "preparation.hpp"
#include "weighted_mean.hpp"

#include <algorithm>
#include <span>
#include <utility>

namespace allora {

// What one pass weighs: who is withheld, and which forecasters take part.
struct Pass {
    enum class Kind : std::uint8_t { combined, naive, one_out_inferer, one_out_forecaster, one_in };
    Kind kind;
    std::int32_t actor;
};

template <class Real>
ALLORA_HD std::int64_t pass_count(const Prepared<Real>& prepared) {
    return 2 + static_cast<std::int64_t>(prepared.inferers) + 2 * prepared.forecasters;
}

template <class Real>
ALLORA_HD Pass pass_at(const Prepared<Real>& prepared, std::int64_t pass) {
    if (pass < 2) {
        return {pass == 0 ? Pass::Kind::combined : Pass::Kind::naive, -1};
    }
    const auto rest = static_cast<std::int32_t>(pass - 2);
    if (rest < prepared.inferers) {
        return {Pass::Kind::one_out_inferer, rest};
    }
    const std::int32_t q = rest - prepared.inferers;
    if (q < prepared.forecasters) {
        return {Pass::Kind::one_out_forecaster, q};
    }
    return {Pass::Kind::one_in, q - prepared.forecasters};
}

template <class Real>
ALLORA_HD const Real& regret_or_initial(const TopicState<Real>& state, const Real& regret) {
    return Number<Real>::is_missing(regret) ? state.initial_regret : regret;
}

template <class Real>
ALLORA_HD void regrets_or_initial(const TopicState<Real>& state, std::span<const Real> regrets,
                                  Real* used) {
    for (std::size_t j = 0; j < regrets.size(); ++j) {
        used[j] = regret_or_initial(state, regrets[j]);
    }
}

ALLORA_HD inline void regrets_or_initial(const TopicState<double>& state,
                                         std::span<const double> regrets, double* used) {
    if (one_at_a_time()) {
        return regrets_or_initial<double>(state, regrets, used);
    }
    float64::array_kernels().fill_missing(regrets.data(), state.initial_regret,
                                          Number<double>::missing_bits, used, regrets.size());
}

// Which forecasters enter a pass.
template <class Real>
struct Partakers {
    const List<std::uint8_t>& has_implied;
    std::int32_t withheld; // -1: nobody
    std::int32_t alone;    // -1: not one in particular

    ALLORA_HD Partakers(const Prepared<Real>& prepared, const Pass& pass)
        : has_implied(prepared.has_implied),
          withheld(pass.kind == Pass::Kind::one_out_forecaster ? pass.actor : -1),
          alone(pass.kind == Pass::Kind::one_in  ? pass.actor
                : pass.kind == Pass::Kind::naive ? prepared.forecasters
                                                 : -1) {}

    ALLORA_HD bool operator()(std::int32_t k) const {
        return has_implied[static_cast<std::size_t>(k)] != 0 && k != withheld &&
               (alone < 0 || k == alone);
    }
};

template <class Real>
struct RegretRow {
    const Real* inferers;
    const Real* forecasters;
};

// The family of stored regrets that feeds a pass.
template <class Real>
ALLORA_HD RegretRow<Real> regrets_of(const TopicState<Real>& state, const TopicEpoch<Real>& epoch,
                                     const Pass& pass) {
    const auto i = static_cast<std::ptrdiff_t>(epoch.inferers);
    const auto f = static_cast<std::ptrdiff_t>(epoch.forecasters);
    const auto actor = static_cast<std::ptrdiff_t>(pass.actor);
    switch (pass.kind) {
    case Pass::Kind::combined:
        return {state.inferer_regret.data(), state.forecaster_regret.data()};
    case Pass::Kind::naive:
        return {state.naive_inferer_regret.data(), nullptr};
    case Pass::Kind::one_out_inferer:
        return {state.one_out_inferer_inferer_regret.data() + actor * i,
                state.one_out_inferer_forecaster_regret.data() + actor * f};
    case Pass::Kind::one_out_forecaster:
        return {state.one_out_forecaster_inferer_regret.data() + actor * i,
                state.one_out_forecaster_forecaster_regret.data() + actor * f};
    case Pass::Kind::one_in:
        break;
    }
    return {state.one_in_forecaster_regret.data() + actor * (i + 1), nullptr};
}

// The regret of forecaster k in the pass. In a one-in pass the forecaster's own entry is the row's
// last column, or the one it shares with itself as an inferer.
template <class Real>
ALLORA_HD const Real& forecaster_regret(const TopicEpoch<Real>& epoch, const RegretRow<Real>& row,
                                        const Pass& pass, std::int32_t k) {
    if (pass.kind != Pass::Kind::one_in) {
        return row.forecasters[k];
    }
    const std::int32_t shared = epoch.shared[static_cast<std::size_t>(k)];
    return row.inferers[shared >= 0 ? shared : epoch.inferers];
}

// Everyone who may be weighed.
template <class Real>
ALLORA_HD std::size_t width_of(const Prepared<Real>& prepared) {
    return static_cast<std::size_t>(prepared.inferers) +
           static_cast<std::size_t>(prepared.forecasters);
}

// Regrets of the pass, inferers first, missing for whoever takes no part.
template <class Real>
ALLORA_HD void gather_regrets(const TopicEpoch<Real>& epoch, const TopicState<Real>& state,
                              const Prepared<Real>& prepared, const Pass& pass, Real* regrets) {
    const auto inferers = static_cast<std::size_t>(epoch.inferers);
    const RegretRow<Real> row = regrets_of(state, epoch, pass);
    regrets_or_initial(state, std::span<const Real>(row.inferers, inferers), regrets);
    if (pass.kind == Pass::Kind::one_out_inferer) {
        regrets[static_cast<std::size_t>(pass.actor)] = Number<Real>::missing();
    }
    const Partakers partakes(prepared, pass);
    for (std::int32_t k = 0; k < prepared.forecasters; ++k) {
        regrets[inferers + static_cast<std::size_t>(k)] =
            partakes(k) ? regret_or_initial(state, forecaster_regret(epoch, row, pass, k))
                        : Number<Real>::missing();
    }
}

// Values of one label in the order of the regrets; missing where a forecaster has none.
template <class Real>
ALLORA_HD void gather_values(const Prepared<Real>& prepared, const Pass& pass, std::int32_t l,
                             Real* values) {
    const auto inferers = static_cast<std::size_t>(prepared.inferers);
    if (prepared.labels == 1) {
        copy_entries(prepared.inferences.begin(), prepared.inferences.end(), values);
    }
    for (std::int32_t j = 0; prepared.labels > 1 && j < prepared.inferers; ++j) {
        values[static_cast<std::size_t>(j)] = prepared.inference(j, l);
    }
    const Partakers partakes(prepared, pass);
    const bool withholds = pass.kind == Pass::Kind::one_out_inferer;
    for (std::int32_t k = 0; k < prepared.forecasters; ++k) {
        const Real* implied =
            withholds ? prepared.withheld_value(k, pass.actor) : prepared.implied_value(k);
        values[inferers + static_cast<std::size_t>(k)] =
            partakes(k) ? implied[l] : Number<Real>::missing();
    }
}

// All inferers new: the plain mean of the inferers that take part.
template <class Real>
ALLORA_HD Real plain_mean(const Prepared<Real>& prepared, const Pass& pass, std::int32_t l) {
    const bool withholds = pass.kind == Pass::Kind::one_out_inferer;
    WeightedSums<Real> sums;
    for (std::int32_t j = 0; j < prepared.inferers; ++j) {
        if (!withholds || j != pass.actor) {
            sums.add_plain(static_cast<std::size_t>(j), prepared.inference(j, l));
        }
    }
    return sums.quotient();
}

// The mean of one label, or why there is none.
template <class Real, class Sums>
ALLORA_HD Cause mean_of_sums(const Rules& rules, const TopicEpoch<Real>& epoch, const Sums& sums,
                             Real& value) {
    if (sums.terms == 0 && rules.no_usable_participant == NoUsableParticipant::fault) {
        return Cause::no_usable_participant;
    }
    const Real& floor = epoch.params.epsilon_safe_div;
    value = sums.below(floor) ? sums.quotient(floor) : sums.quotient();
    return Number<Real>::fault(value);
}

// The value of one label, or why there is none.
template <class Real>
ALLORA_HD Cause pass_value(const Rules& rules, const TopicEpoch<Real>& epoch,
                           const Prepared<Real>& prepared, const Pass& pass, std::int32_t l,
                           PassScratch<Real>& scratch, Real& value) {
    if (prepared.all_inferers_are_new) {
        value = plain_mean(prepared, pass, l);
        return Number<Real>::fault(value);
    }
    scratch.values.resize(scratch.weights.size());
    gather_values(prepared, pass, l, scratch.values.data());
    return mean_of_sums(rules, epoch,
                        weighted_sums(std::span<const Real>(scratch.weights),
                                      std::span<const Real>(scratch.values)),
                        value);
}

ALLORA_HD inline const char* field_of(const Pass& pass) {
    constexpr const char* names[] = {"combined", "naive", "one_out_inferer", "one_out_forecaster",
                                     "one_in_forecaster"};
    return names[static_cast<std::size_t>(pass.kind)];
}

ALLORA_HD inline const char* role_of(const Pass& pass) {
    if (pass.actor < 0) {
        return "";
    }
    return pass.kind == Pass::Kind::one_out_inferer ? "inferer" : "forecaster";
}

ALLORA_HD inline std::int64_t slot_of(const BundleLayout& layout, const Pass& pass) {
    switch (pass.kind) {
    case Pass::Kind::combined:
        return BundleLayout::combined();
    case Pass::Kind::naive:
        return BundleLayout::naive();
    case Pass::Kind::one_out_inferer:
        return layout.one_out_inferer(pass.actor);
    case Pass::Kind::one_out_forecaster:
        return layout.one_out_forecaster(pass.actor);
    case Pass::Kind::one_in:
        break;
    }
    return layout.one_in_forecaster(pass.actor);
}

// Regrets, weights and scale of the combined call are part of the result.
template <class Real>
ALLORA_HD void keep_combined(const Prepared<Real>& prepared, const PassScratch<Real>& scratch,
                             const Real& scale, TopicInference<Real>& out) {
    const auto inferers = static_cast<std::size_t>(prepared.inferers);
    out.regret_scale = scale;
    for (std::size_t j = 0; j < inferers; ++j) {
        out.inferer_regret_used[j] = scratch.regrets[j];
        out.inferer_weight[j] = scratch.weights[j];
    }
    for (std::size_t k = 0; k < static_cast<std::size_t>(prepared.forecasters); ++k) {
        out.forecaster_regret_used[k] = scratch.regrets[inferers + k];
        out.forecaster_weight[k] = scratch.weights[inferers + k];
    }
}

// With one forecaster there is nothing to leave out or to bring in alone.
template <class Real>
ALLORA_HD bool is_listed(const Prepared<Real>& prepared, const Pass& pass) {
    if (pass.kind == Pass::Kind::one_out_forecaster || pass.kind == Pass::Kind::one_in) {
        return prepared.implied_count > 1 &&
               prepared.has_implied[static_cast<std::size_t>(pass.actor)] != 0;
    }
    return true;
}

// One pass of the bundle; it writes its own slots only.
template <class Real>
ALLORA_HD Cause run_pass(const Rules& rules, const TopicEpoch<Real>& epoch,
                         const TopicState<Real>& state, const Prepared<Real>& prepared,
                         const Pass& pass, PassScratch<Real>& scratch, TopicInference<Real>& out) {
    if (!is_listed(prepared, pass)) {
        return Cause::none;
    }
    // Weights come first even where all inferers are new and the value is a plain mean: a fault
    // among them ends the epoch on the chain too.
    scratch.regrets.resize(width_of(prepared));
    gather_regrets(epoch, state, prepared, pass, scratch.regrets.data());
    const BundleLayout layout{epoch.inferers, epoch.forecasters};
    Real* values = out.values.data() + slot_of(layout, pass) * epoch.labels;
    scratch.weights.resize(scratch.regrets.size());
    const Real scale =
        weights_of_call(rules, epoch.params, std::span<const Real>(scratch.regrets),
                        state.regret_scale, scratch.weight, std::span<Real>(scratch.weights));
    for (std::size_t i = 0; i < scratch.weights.size(); ++i) {
        const Cause cause = Number<Real>::fault(scratch.weights[i]);
        if (cause != Cause::none && !Number<Real>::is_missing(scratch.regrets[i])) {
            return cause;
        }
    }
    if (pass.kind == Pass::Kind::combined) {
        keep_combined(prepared, scratch, scale, out);
    }
    for (std::int32_t l = 0; l < epoch.labels; ++l) {
        Real value = Number<Real>::missing();
        const Cause cause = pass_value(rules, epoch, prepared, pass, l, scratch, value);
        if (cause != Cause::none) {
            return cause;
        }
        values[l] = value;
    }
    return Cause::none;
}

// Passes from `first` on, one after the other.
template <class Real>
ALLORA_HD void run_passes(const Rules& rules, const TopicEpoch<Real>& epoch,
                          const TopicState<Real>& state, const Prepared<Real>& prepared,
                          std::int64_t first, std::span<Cause> causes, PassScratch<Real>& scratch,
                          TopicInference<Real>& out) {
    for (Cause& cause : causes) {
        cause = run_pass(rules, epoch, state, prepared, pass_at(prepared, first++), scratch, out);
    }
}

// How many passes one call should take.
template <class Real>
inline constexpr std::int64_t passes_at_once = 1;
template <>
inline constexpr std::int64_t passes_at_once<double> = float64::most_rows;

// Whether the passes but the combined one, whose weights are part of the result, need no more of
// their rows than the one mean.
ALLORA_HD inline bool need_means_only(const Rules& rules, const TopicEpoch<double>& epoch,
                                      const TopicState<double>& state,
                                      const Prepared<double>& prepared) {
    return is_vector_scale(state.regret_scale) && epoch.labels == 1 &&
           !prepared.all_inferers_are_new && rules.weight_function == WeightFunction::ratio &&
           rules.scale_storage == ScaleStorage::stored;
}

// The same bits, the rows of up to `most_rows` passes weighed in one call.
ALLORA_HD inline void run_passes(const Rules& rules, const TopicEpoch<double>& epoch,
                                 const TopicState<double>& state, const Prepared<double>& prepared,
                                 std::int64_t first, std::span<Cause> causes,
                                 PassScratch<double>& scratch, TopicInference<double>& out) {
    if (!need_means_only(rules, epoch, state, prepared)) {
        return run_passes<double>(rules, epoch, state, prepared, first, causes, scratch, out);
    }
    const BundleLayout layout{epoch.inferers, epoch.forecasters};
    const std::size_t width = width_of(prepared);
    Pass passes[float64::most_rows];
    float64::RowSums sums[float64::most_rows];
    std::size_t rows = 0;
    scratch.regrets.resize(causes.size() * width);
    scratch.values.resize(causes.size() * width);
    scratch.weights.resize(width);
    for (std::size_t i = 0; i < causes.size(); ++i) {
        const Pass pass = passes[i] = pass_at(prepared, first + static_cast<std::int64_t>(i));
        if (pass.kind != Pass::Kind::combined && is_listed(prepared, pass)) {
            gather_regrets(epoch, state, prepared, pass, scratch.regrets.data() + rows * width);
            gather_values(prepared, pass, 0, scratch.values.data() + rows * width);
            ++rows;
        }
    }
    const unsigned sound = float64::array_kernels().weigh_rows(
        {state.regret_scale, epoch.params.p_norm, epoch.params.c_norm,
         Number<double>::missing_bits},
        {scratch.regrets.data(), scratch.values.data(), width, width, rows, scratch.weights.data()},
        sums);
    std::size_t row = 0;
    for (std::size_t i = 0; i < causes.size(); ++i) {
        const Pass& pass = passes[i];
        const bool listed = is_listed(prepared, pass);
        if (pass.kind == Pass::Kind::combined || (listed && (sound >> row++ & 1U) == 0)) {
            causes[i] = run_pass(rules, epoch, state, prepared, pass, scratch, out);
        } else if (listed) {
            double& value = out.values[static_cast<std::size_t>(slot_of(layout, pass))];
            double mean = 0.0;
            causes[i] = mean_of_sums(rules, epoch, WeighedRow{sums[row - 1]}, mean);
            value = causes[i] == Cause::none ? mean : value;
        } else {
            causes[i] = Cause::none;
        }
    }
}

} // namespace allora

// What the versions of the protocol decide differently, one field per choice. Formulas read these
// fields and never a version; points that no source settles are fields too, the likeliest value as
// the default of its version.
#pragma once

#include "../number/decimal_functions.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace allora {

enum class ScaleMeasure : std::uint8_t { standard_deviation, median_absolute_deviation };
enum class ScaleStorage : std::uint8_t { per_call, stored };
enum class ScaleFilter : std::uint8_t { all, previous_weight };
enum class WeightFunction : std::uint8_t { bounded_gradient, ratio };
enum class WeightRounding : std::uint8_t { each_step, once };
enum class NoPreviousLoss : std::uint8_t { median, inferers_only };
enum class WithheldForecast : std::uint8_t { kept_without_weight, stripped };
enum class Presence : std::uint8_t { absent, present };
enum class NoUsableParticipant : std::uint8_t { zero, fault };
enum class InitialRegret : std::uint8_t { any_experienced, minimum_experienced, held };
enum class InitialRegretC : std::uint8_t { c_norm, fixed };
enum class MissingOneOutPair : std::uint8_t { zero, untouched };
enum class OutlierResistant : std::uint8_t { absent, present, single_label };
enum class Labels : std::uint8_t { scalar, vector };
enum class WrongNonceReport : std::uint8_t { fault, skip };
enum class SubmittedNumbers : std::uint8_t { unbounded, bounded };
enum class ZeroListeningCoefficients : std::uint8_t { fault, raised };
enum class FirstScore : std::uint8_t { whole, averaged };
enum class ScoreQuantile : std::uint8_t { scores, averages };
enum class ScoreSamples : std::uint8_t { fixed, per_seat };
enum class InitialScoreRefresh : std::uint8_t { every_epoch, full_set };
enum class InitialScorePlace : std::uint8_t { with_averages, after_scores };
enum class LivenessPenaltySteps : std::uint8_t { at_once, one_by_one };
enum class RecordedLowest : std::uint8_t { kept_across_epochs, per_epoch };
enum class FirstReputerScore : std::uint8_t { zero, initial };
enum class TopicWeightRevenue : std::uint8_t { per_block, whole };
enum class TopicWeightSmoothing : std::uint8_t { per_epoch, per_week };
enum class TopicWeightStorage : std::uint8_t { before_rewards, after_rewards };
enum class UnrewardedTopic : std::uint8_t { kept, refunded };
enum class RefundTruncation : std::uint8_t { per_topic, per_block };
enum class ReputersPercentage : std::uint8_t { last_block, monthly };
enum class MonthCounters : std::uint8_t { paid, task_rewards };
enum class SupplyCap : std::uint8_t { overpaid, limited };
enum class EmissionHeight : std::uint8_t { chain, since_start };
enum class Vesting : std::uint8_t { rounded_quotient, whole_months };
enum class FoundationLock : std::uint8_t { share, whole };
enum class BlockEndOrder : std::uint8_t { rewards_first, windows_first };

struct Rules {
    DecimalFunctions decimal_functions = DecimalFunctions::library;
    ScaleMeasure scale_measure = ScaleMeasure::standard_deviation;
    ScaleStorage scale_storage = ScaleStorage::per_call;
    ScaleFilter scale_filter = ScaleFilter::all;
    WeightFunction weight_function = WeightFunction::bounded_gradient;
    WeightRounding weight_rounding = WeightRounding::each_step;
    NoPreviousLoss no_previous_loss = NoPreviousLoss::median;
    WithheldForecast withheld_forecast = WithheldForecast::kept_without_weight;
    Presence one_out_inferer_forecaster = Presence::absent;
    NoUsableParticipant no_usable_participant = NoUsableParticipant::zero;
    InitialRegret initial_regret = InitialRegret::any_experienced;
    InitialRegretC initial_regret_c = InitialRegretC::c_norm;
    ScaleMeasure initial_regret_deviation = ScaleMeasure::standard_deviation;
    Presence stored_weights = Presence::absent;
    MissingOneOutPair missing_one_out_pair = MissingOneOutPair::zero;
    OutlierResistant outlier_resistant = OutlierResistant::absent;
    Labels labels = Labels::scalar;
    WrongNonceReport wrong_nonce_report = WrongNonceReport::fault;
    SubmittedNumbers submitted_numbers = SubmittedNumbers::unbounded;
    ZeroListeningCoefficients zero_listening_coefficients = ZeroListeningCoefficients::fault;
    FirstScore first_score = FirstScore::whole;
    ScoreQuantile score_quantile = ScoreQuantile::scores;
    ScoreSamples score_samples = ScoreSamples::fixed;
    Presence initial_score = Presence::absent;
    InitialScoreRefresh initial_score_refresh = InitialScoreRefresh::every_epoch;
    InitialScorePlace initial_score_place = InitialScorePlace::with_averages;
    Presence liveness_penalty = Presence::absent;
    LivenessPenaltySteps liveness_penalty_steps = LivenessPenaltySteps::at_once;
    RecordedLowest recorded_lowest = RecordedLowest::kept_across_epochs;
    FirstReputerScore first_reputer_score = FirstReputerScore::zero;
    TopicWeightRevenue topic_weight_revenue = TopicWeightRevenue::per_block;
    TopicWeightSmoothing topic_weight_smoothing = TopicWeightSmoothing::per_epoch;
    TopicWeightStorage topic_weight_storage = TopicWeightStorage::before_rewards;
    UnrewardedTopic unrewarded_topic = UnrewardedTopic::kept;
    RefundTruncation refund_truncation = RefundTruncation::per_topic;
    ReputersPercentage reputers_percentage = ReputersPercentage::last_block;
    MonthCounters month_counters = MonthCounters::paid;
    SupplyCap supply_cap = SupplyCap::overpaid;
    EmissionHeight emission_height = EmissionHeight::chain;
    Vesting vesting = Vesting::rounded_quotient;
    FoundationLock foundation_lock = FoundationLock::share;
    BlockEndOrder block_end_order = BlockEndOrder::rewards_first;
};

// "v0.6" to "v0.17"; nothing for a version that is not known.
std::optional<Rules> rules_at(std::string_view version);

// Sets a field by the names of field and value; empty, or one sentence that says what is wrong.
std::string set_rule(Rules& rules, std::string_view field, std::string_view value);

// Every field with its value, by name.
std::vector<std::pair<std::string, std::string>> rule_values(const Rules& rules);

} // namespace allora

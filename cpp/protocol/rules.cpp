// The history of the protocol as overlays, and the fields by name.
#include "rules.hpp"

#include <span>

namespace allora {

namespace {

using Names = std::span<const char* const>;

struct Field {
    const char* name;
    Names values;
    std::uint8_t (*get)(const Rules&);
    void (*set)(Rules&, std::uint8_t);
};

template <auto Member>
std::uint8_t get_field(const Rules& rules) {
    return static_cast<std::uint8_t>(rules.*Member);
}

template <auto Member>
void set_field(Rules& rules, std::uint8_t value) {
    using Value = std::remove_reference_t<decltype(rules.*Member)>;
    rules.*Member = static_cast<Value>(value);
}

template <auto Member>
constexpr Field field(const char* name, Names values) {
    return {name, values, &get_field<Member>, &set_field<Member>};
}

constexpr const char* functions[] = {"library", "programs"};
constexpr const char* measures[] = {"standard_deviation", "median_absolute_deviation"};
constexpr const char* storages[] = {"per_call", "stored"};
constexpr const char* filters[] = {"all", "previous_weight"};
constexpr const char* weights[] = {"bounded_gradient", "ratio"};
constexpr const char* roundings[] = {"each_step", "once"};
constexpr const char* no_losses[] = {"median", "inferers_only"};
constexpr const char* withheld[] = {"kept_without_weight", "stripped"};
constexpr const char* presences[] = {"absent", "present"};
constexpr const char* no_participants[] = {"zero", "fault"};
constexpr const char* initial_regrets[] = {"any_experienced", "minimum_experienced", "held"};
constexpr const char* initial_cs[] = {"c_norm", "fixed"};
constexpr const char* pairs[] = {"zero", "untouched"};
constexpr const char* resistants[] = {"absent", "present", "single_label"};
constexpr const char* label_kinds[] = {"scalar", "vector"};
constexpr const char* nonces[] = {"fault", "skip"};
constexpr const char* sizes[] = {"unbounded", "bounded"};
constexpr const char* zero_listening_coefficients_values[] = {"fault", "raised"};
constexpr const char* first_score_values[] = {"whole", "averaged"};
constexpr const char* score_quantile_values[] = {"scores", "averages"};
constexpr const char* score_samples_values[] = {"fixed", "per_seat"};
constexpr const char* initial_score_refresh_values[] = {"every_epoch", "full_set"};
constexpr const char* initial_score_place_values[] = {"with_averages", "after_scores"};
constexpr const char* liveness_penalty_steps_values[] = {"at_once", "one_by_one"};
constexpr const char* recorded_lowest_values[] = {"kept_across_epochs", "per_epoch"};
constexpr const char* first_reputer_score_values[] = {"zero", "initial"};
constexpr const char* topic_weight_revenue_values[] = {"per_block", "whole"};
constexpr const char* topic_weight_smoothing_values[] = {"per_epoch", "per_week"};
constexpr const char* topic_weight_storage_values[] = {"before_rewards", "after_rewards"};
constexpr const char* unrewarded_topic_values[] = {"kept", "refunded"};
constexpr const char* refund_truncation_values[] = {"per_topic", "per_block"};
constexpr const char* reputers_percentage_values[] = {"last_block", "monthly"};
constexpr const char* month_counters_values[] = {"paid", "task_rewards"};
constexpr const char* supply_cap_values[] = {"overpaid", "limited"};
constexpr const char* emission_height_values[] = {"chain", "since_start"};
constexpr const char* vesting_values[] = {"rounded_quotient", "whole_months"};
constexpr const char* foundation_lock_values[] = {"share", "whole"};
constexpr const char* block_end_order_values[] = {"rewards_first", "windows_first"};

const std::array<Field, 42>& fields() {
    static const std::array<Field, 42> all = {
        field<&Rules::decimal_functions>("decimal_functions", functions),
        field<&Rules::scale_measure>("scale_measure", measures),
        field<&Rules::scale_storage>("scale_storage", storages),
        field<&Rules::scale_filter>("scale_filter", filters),
        field<&Rules::weight_function>("weight_function", weights),
        field<&Rules::weight_rounding>("weight_rounding", roundings),
        field<&Rules::no_previous_loss>("no_previous_loss", no_losses),
        field<&Rules::withheld_forecast>("withheld_forecast", withheld),
        field<&Rules::one_out_inferer_forecaster>("one_out_inferer_forecaster", presences),
        field<&Rules::no_usable_participant>("no_usable_participant", no_participants),
        field<&Rules::initial_regret>("initial_regret", initial_regrets),
        field<&Rules::initial_regret_c>("initial_regret_c", initial_cs),
        field<&Rules::initial_regret_deviation>("initial_regret_deviation", measures),
        field<&Rules::stored_weights>("stored_weights", presences),
        field<&Rules::missing_one_out_pair>("missing_one_out_pair", pairs),
        field<&Rules::outlier_resistant>("outlier_resistant", resistants),
        field<&Rules::labels>("labels", label_kinds),
        field<&Rules::wrong_nonce_report>("wrong_nonce_report", nonces),
        field<&Rules::submitted_numbers>("submitted_numbers", sizes),
        field<&Rules::zero_listening_coefficients>("zero_listening_coefficients",
                                                   zero_listening_coefficients_values),
        field<&Rules::first_score>("first_score", first_score_values),
        field<&Rules::score_quantile>("score_quantile", score_quantile_values),
        field<&Rules::score_samples>("score_samples", score_samples_values),
        field<&Rules::initial_score>("initial_score", presences),
        field<&Rules::initial_score_refresh>("initial_score_refresh", initial_score_refresh_values),
        field<&Rules::initial_score_place>("initial_score_place", initial_score_place_values),
        field<&Rules::liveness_penalty>("liveness_penalty", presences),
        field<&Rules::liveness_penalty_steps>("liveness_penalty_steps",
                                              liveness_penalty_steps_values),
        field<&Rules::recorded_lowest>("recorded_lowest", recorded_lowest_values),
        field<&Rules::first_reputer_score>("first_reputer_score", first_reputer_score_values),
        field<&Rules::topic_weight_revenue>("topic_weight_revenue", topic_weight_revenue_values),
        field<&Rules::topic_weight_smoothing>("topic_weight_smoothing",
                                              topic_weight_smoothing_values),
        field<&Rules::topic_weight_storage>("topic_weight_storage", topic_weight_storage_values),
        field<&Rules::unrewarded_topic>("unrewarded_topic", unrewarded_topic_values),
        field<&Rules::refund_truncation>("refund_truncation", refund_truncation_values),
        field<&Rules::reputers_percentage>("reputers_percentage", reputers_percentage_values),
        field<&Rules::month_counters>("month_counters", month_counters_values),
        field<&Rules::supply_cap>("supply_cap", supply_cap_values),
        field<&Rules::emission_height>("emission_height", emission_height_values),
        field<&Rules::vesting>("vesting", vesting_values),
        field<&Rules::foundation_lock>("foundation_lock", foundation_lock_values),
        field<&Rules::block_end_order>("block_end_order", block_end_order_values),
    };
    return all;
}

struct Version {
    std::string_view name;
    void (*change)(Rules&);
};

constexpr Version history[] = {
    {"v0.6", [](Rules&) {}},
    {"v0.7",
     [](Rules& rules) {
         rules.initial_regret = InitialRegret::minimum_experienced;
         rules.zero_listening_coefficients = ZeroListeningCoefficients::raised;
     }},
    {"v0.8",
     [](Rules& rules) {
         rules.outlier_resistant = OutlierResistant::present;
         rules.first_score = FirstScore::averaged;
         rules.score_samples = ScoreSamples::per_seat;
         rules.initial_score = Presence::present;
         rules.liveness_penalty = Presence::present;
         rules.recorded_lowest = RecordedLowest::per_epoch;
     }},
    {"v0.9",
     [](Rules& rules) {
         rules.scale_storage = ScaleStorage::stored;
         rules.scale_filter = ScaleFilter::previous_weight;
         rules.weight_function = WeightFunction::ratio;
         rules.stored_weights = Presence::present;
     }},
    {"v0.10",
     [](Rules& rules) {
         rules.no_previous_loss = NoPreviousLoss::inferers_only;
         rules.one_out_inferer_forecaster = Presence::present;
         rules.submitted_numbers = SubmittedNumbers::bounded;
         rules.topic_weight_revenue = TopicWeightRevenue::whole;
         rules.topic_weight_smoothing = TopicWeightSmoothing::per_week;
         rules.supply_cap = SupplyCap::limited;
     }},
    {"v0.11", [](Rules& rules) { rules.wrong_nonce_report = WrongNonceReport::skip; }},
    {"v0.12",
     [](Rules& rules) {
         rules.decimal_functions = DecimalFunctions::programs;
         rules.unrewarded_topic = UnrewardedTopic::refunded;
         rules.reputers_percentage = ReputersPercentage::monthly;
     }},
    {"v0.13",
     [](Rules& rules) {
         rules.emission_height = EmissionHeight::since_start;
         rules.vesting = Vesting::whole_months;
     }},
    {"v0.14", [](Rules&) {}},
    {"v0.15", [](Rules&) {}},
    {"v0.16",
     [](Rules& rules) {
         rules.scale_measure = ScaleMeasure::median_absolute_deviation;
         rules.initial_regret_c = InitialRegretC::fixed;
         rules.score_quantile = ScoreQuantile::averages;
         rules.first_reputer_score = FirstReputerScore::initial;
     }},
    {"v0.17",
     [](Rules& rules) {
         rules.withheld_forecast = WithheldForecast::stripped;
         rules.scale_filter = ScaleFilter::all;
         rules.labels = Labels::vector;
         rules.outlier_resistant = OutlierResistant::single_label;
         rules.no_usable_participant = NoUsableParticipant::fault;
         rules.weight_rounding = WeightRounding::once;
         rules.topic_weight_storage = TopicWeightStorage::after_rewards;
         rules.block_end_order = BlockEndOrder::windows_first;
     }},
};

} // namespace

std::optional<Rules> rules_at(std::string_view version) {
    Rules rules;
    for (const Version& step : history) {
        step.change(rules);
        if (step.name == version) {
            return rules;
        }
    }
    return std::nullopt;
}

std::string set_rule(Rules& rules, std::string_view name, std::string_view value) {
    for (const Field& field : fields()) {
        if (field.name != name) {
            continue;
        }
        std::string known;
        for (std::size_t i = 0; i < field.values.size(); ++i) {
            if (field.values[i] == value) {
                field.set(rules, static_cast<std::uint8_t>(i));
                return {};
            }
            known += (i == 0 ? "" : ", ") + std::string(field.values[i]);
        }
        return "rule '" + std::string(name) + "' has no value '" + std::string(value) +
               "'; choose " + known;
    }
    return "there is no rule '" + std::string(name) + "'";
}

std::vector<std::pair<std::string, std::string>> rule_values(const Rules& rules) {
    std::vector<std::pair<std::string, std::string>> values;
    for (const Field& field : fields()) {
        values.emplace_back(field.name, field.values[field.get(rules)]);
    }
    return values;
}

} // namespace allora

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

const std::array<Field, 19>& fields() {
    static const std::array<Field, 19> all = {
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
    };
    return all;
}

struct Version {
    std::string_view name;
    void (*change)(Rules&);
};

constexpr Version history[] = {
    {"v0.6", [](Rules&) {}},
    {"v0.7", [](Rules& rules) { rules.initial_regret = InitialRegret::minimum_experienced; }},
    {"v0.8", [](Rules& rules) { rules.outlier_resistant = OutlierResistant::present; }},
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
     }},
    {"v0.11", [](Rules& rules) { rules.wrong_nonce_report = WrongNonceReport::skip; }},
    {"v0.12", [](Rules& rules) { rules.decimal_functions = DecimalFunctions::programs; }},
    {"v0.13", [](Rules&) {}},
    {"v0.14", [](Rules&) {}},
    {"v0.15", [](Rules&) {}},
    {"v0.16",
     [](Rules& rules) {
         rules.scale_measure = ScaleMeasure::median_absolute_deviation;
         rules.initial_regret_c = InitialRegretC::fixed;
     }},
    {"v0.17",
     [](Rules& rules) {
         rules.withheld_forecast = WithheldForecast::stripped;
         rules.scale_filter = ScaleFilter::all;
         rules.labels = Labels::vector;
         rules.outlier_resistant = OutlierResistant::single_label;
         rules.no_usable_participant = NoUsableParticipant::fault;
         rules.weight_rounding = WeightRounding::once;
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

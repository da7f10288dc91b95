#include "messages.hpp"

#include <algorithm>

namespace allora::wire {

namespace {

constexpr auto text = Take::text;
constexpr auto decimal = Take::decimal;
constexpr auto whole = Take::whole;
constexpr auto flag_text = Take::flag_text;

using Fields = FieldForm;

constexpr std::array create_new_topic = std::to_array<Fields>({
    {1, text, 4},
    {2, text, 5},
    {4, text, 6},
    {7, Take::number, 7},
    {8, Take::number, 8},
    {14, Take::number, 9},
    {12, flag_text, 10},
    {22, Take::topic_type, 11, nullptr, 10},
    {23, Take::output_arity, 12, nullptr, 10},
    {24, flag_text, 13, nullptr, 10},
    {26, Take::whole_text, 14, nullptr, 10},
    {27, Take::labels, 15, nullptr, 10},
    {29, flag_text, 16, nullptr, 10},
    {19, flag_text, 17, nullptr, 6},
    {20, flag_text, 18, nullptr, 6},
    {10, decimal, 19},
    {21, decimal, 20, nullptr, 9},
    {11, decimal, 21},
    {13, decimal, 22},
    {15, decimal, 23},
    {16, decimal, 24},
    {17, decimal, 25},
    {18, decimal, 26},
    {25, decimal, 27, nullptr, 10},
    {28, decimal, 28, nullptr, 10},
});
constexpr std::array update_topic = std::to_array<Fields>({
    {2, whole, 3},
    {3, text, 5},
    {4, text, 6},
    {9, flag_text, 13, nullptr, 10},
    {11, Take::whole_text, 14, nullptr, 10},
    {12, Take::labels, 15, nullptr, 10},
    {7, decimal, 19},
    {8, decimal, 20},
    {5, decimal, 21},
    {6, decimal, 23},
    {10, decimal, 27, nullptr, 10},
    {13, decimal, 28, nullptr, 10},
});
constexpr std::array register_actor = std::to_array<Fields>(
    {{4, whole, 3}, {1, text, 4}, {6, Take::flag, 5}, {5, text, 6}, {0, Take::yes, 7}});
constexpr std::array remove_registration =
    std::to_array<Fields>({{2, whole, 3}, {1, text, 4}, {3, Take::flag, 5}, {0, Take::no, 7}});
constexpr std::array transfer_actor_ownership =
    std::to_array<Fields>({{1, text, 3}, {3, Take::flag, 4}, {2, text, 5}});
constexpr std::array fund_topic = std::to_array<Fields>(
    {{2, whole, 3}, {1, text, 4}, {0, Take::word, 5, "fund"}, {3, decimal, 6}});

// Own stake: the reputer is its own delegator, as in the chain's events.
constexpr std::array add_stake = std::to_array<Fields>(
    {{2, whole, 3}, {1, text, 4}, {1, text, 5}, {0, Take::word, 6, "add"}, {3, decimal, 7}});
constexpr std::array delegate_stake = std::to_array<Fields>(
    {{2, whole, 3}, {3, text, 4}, {1, text, 5}, {0, Take::word, 6, "delegate"}, {4, decimal, 7}});
constexpr std::array remove_stake = std::to_array<Fields>(
    {{2, whole, 3}, {1, text, 4}, {1, text, 5}, {0, Take::no, 6}, {3, decimal, 7}});
constexpr std::array cancel_remove_stake =
    std::to_array<Fields>({{2, whole, 3}, {1, text, 4}, {1, text, 5}, {0, Take::yes, 6}});
constexpr std::array remove_delegate_stake = std::to_array<Fields>(
    {{3, whole, 3}, {2, text, 4}, {1, text, 5}, {0, Take::no, 6}, {4, decimal, 7}});
constexpr std::array cancel_remove_delegate_stake =
    std::to_array<Fields>({{2, whole, 3}, {4, text, 4}, {3, text, 5}, {0, Take::yes, 6}});
constexpr std::array reward_delegate_stake = std::to_array<Fields>(
    {{2, whole, 3}, {3, text, 4}, {1, text, 5}, {0, Take::word, 6, "request"}});

// Changes of a whitelist: of the whole network, of one topic, of many addresses, as a switch.
template <const char* whitelist, const char* change>
constexpr std::array global_list = std::to_array<Fields>(
    {{0, Take::word, 4, whitelist}, {0, Take::word, 5, change}, {2, text, 6}});
template <const char* whitelist, const char* change>
constexpr std::array topic_list = std::to_array<Fields>(
    {{3, whole, 3}, {0, Take::word, 4, whitelist}, {0, Take::word, 5, change}, {2, text, 6}});
template <const char* whitelist, const char* change>
constexpr std::array bulk_global_list = std::to_array<Fields>(
    {{0, Take::word, 4, whitelist}, {0, Take::word, 5, change}, {2, Take::each, 6}});
template <const char* whitelist, const char* change>
constexpr std::array bulk_topic_list = std::to_array<Fields>(
    {{3, whole, 3}, {0, Take::word, 4, whitelist}, {0, Take::word, 5, change}, {2, Take::each, 6}});
template <const char* whitelist, const char* change>
constexpr std::array switched_list = std::to_array<Fields>(
    {{2, whole, 3}, {0, Take::word, 4, whitelist}, {0, Take::word, 5, change}});

constexpr char add[] = "add";
constexpr char remove[] = "remove";
constexpr char enable[] = "enable";
constexpr char disable[] = "disable";
constexpr char admin[] = "admin";
constexpr char global[] = "global";
constexpr char global_worker[] = "global_worker";
constexpr char global_reputer[] = "global_reputer";
constexpr char global_admin[] = "global_admin";
constexpr char topic_creator[] = "topic_creator";
constexpr char topic_worker[] = "topic_worker";
constexpr char topic_reputer[] = "topic_reputer";

constexpr auto whitelists = TableName::whitelists;

// In order of names.
constexpr std::array forms = std::to_array<MessageForm>({
    {"AddStake", TableName::stake_moves, add_stake},
    {"AddToGlobalAdminWhitelist", whitelists, global_list<global_admin, add>},
    {"AddToGlobalReputerWhitelist", whitelists, global_list<global_reputer, add>},
    {"AddToGlobalWhitelist", whitelists, global_list<global, add>},
    {"AddToGlobalWorkerWhitelist", whitelists, global_list<global_worker, add>},
    {"AddToTopicCreatorWhitelist", whitelists, global_list<topic_creator, add>},
    {"AddToTopicReputerWhitelist", whitelists, topic_list<topic_reputer, add>},
    {"AddToTopicWorkerWhitelist", whitelists, topic_list<topic_worker, add>},
    {"AddToWhitelistAdmin", whitelists, global_list<admin, add>},
    {"BulkAddToGlobalReputerWhitelist", whitelists, bulk_global_list<global_reputer, add>},
    {"BulkAddToGlobalWorkerWhitelist", whitelists, bulk_global_list<global_worker, add>},
    {"BulkAddToTopicReputerWhitelist", whitelists, bulk_topic_list<topic_reputer, add>},
    {"BulkAddToTopicWorkerWhitelist", whitelists, bulk_topic_list<topic_worker, add>},
    {"BulkRemoveFromGlobalReputerWhitelist", whitelists, bulk_global_list<global_reputer, remove>},
    {"BulkRemoveFromGlobalWorkerWhitelist", whitelists, bulk_global_list<global_worker, remove>},
    {"BulkRemoveFromTopicReputerWhitelist", whitelists, bulk_topic_list<topic_reputer, remove>},
    {"BulkRemoveFromTopicWorkerWhitelist", whitelists, bulk_topic_list<topic_worker, remove>},
    {"CancelRemoveDelegateStake", TableName::stake_removals, cancel_remove_delegate_stake},
    {"CancelRemoveStake", TableName::stake_removals, cancel_remove_stake},
    {"CreateNewTopic", TableName::topics, create_new_topic},
    {"DelegateStake", TableName::stake_moves, delegate_stake},
    {"DisableTopicReputerWhitelist", whitelists, switched_list<topic_reputer, disable>},
    {"DisableTopicWorkerWhitelist", whitelists, switched_list<topic_worker, disable>},
    {"EnableTopicReputerWhitelist", whitelists, switched_list<topic_reputer, enable>},
    {"EnableTopicWorkerWhitelist", whitelists, switched_list<topic_worker, enable>},
    {"FundTopic", TableName::funding, fund_topic},
    {"Register", TableName::registrations, register_actor},
    {"RemoveDelegateStake", TableName::stake_removals, remove_delegate_stake},
    {"RemoveFromGlobalAdminWhitelist", whitelists, global_list<global_admin, remove>},
    {"RemoveFromGlobalReputerWhitelist", whitelists, global_list<global_reputer, remove>},
    {"RemoveFromGlobalWhitelist", whitelists, global_list<global, remove>},
    {"RemoveFromGlobalWorkerWhitelist", whitelists, global_list<global_worker, remove>},
    {"RemoveFromTopicCreatorWhitelist", whitelists, global_list<topic_creator, remove>},
    {"RemoveFromTopicReputerWhitelist", whitelists, topic_list<topic_reputer, remove>},
    {"RemoveFromTopicWorkerWhitelist", whitelists, topic_list<topic_worker, remove>},
    {"RemoveFromWhitelistAdmin", whitelists, global_list<admin, remove>},
    {"RemoveRegistration", TableName::registrations, remove_registration},
    {"RemoveStake", TableName::stake_removals, remove_stake},
    {"RewardDelegateStake", TableName::delegate_rewards, reward_delegate_stake},
    {"TransferActorOwnership", TableName::owners, transfer_actor_ownership},
    {"UpdateTopic", TableName::topics, update_topic},
});
static_assert(std::is_sorted(forms.begin(), forms.end(),
                             [](const auto& a, const auto& b) { return a.name < b.name; }));

using Type = ParamForm::Type;

struct NumberedParam {
    std::uint32_t number;
    ParamForm form;
};

constexpr std::array params = std::to_array<NumberedParam>({
    {1, {"version", Type::text}},
    {2, {"max_serialized_msg_length", Type::number}},
    {3, {"min_topic_weight", Type::text}},
    {4, {"max_topics_per_block", Type::whole}},
    {5, {"required_minimum_stake", Type::text}},
    {6, {"remove_stake_delay_window", Type::number}},
    {7, {"min_epoch_length", Type::number}},
    {8, {"beta_entropy", Type::text}},
    {9, {"learning_rate", Type::text}},
    {10, {"max_gradient_threshold", Type::text}},
    {11, {"min_stake_fraction", Type::text}},
    {13, {"max_unfulfilled_worker_requests", Type::whole}},
    {14, {"max_unfulfilled_reputer_requests", Type::whole}},
    {15, {"topic_reward_stake_importance", Type::text}},
    {16, {"topic_reward_fee_revenue_importance", Type::text}},
    {17, {"topic_reward_alpha", Type::text}},
    {18, {"task_reward_alpha", Type::text}},
    {19, {"validators_vs_allora_percent_reward", Type::text}},
    {20, {"max_samples_to_scale_scores", Type::whole}},
    {21, {"max_top_inferers_to_reward", Type::whole}},
    {22, {"max_top_forecasters_to_reward", Type::whole}},
    {23, {"max_top_reputers_to_reward", Type::whole}},
    {24, {"create_topic_fee", Type::text}},
    {25, {"gradient_descent_max_iters", Type::whole}},
    {28, {"registration_fee", Type::text}},
    {29, {"default_page_limit", Type::whole}},
    {30, {"max_page_limit", Type::whole}},
    {31, {"min_epoch_length_record_limit", Type::number}},
    {32, {"blocks_per_month", Type::whole}},
    {33, {"p_reward_inference", Type::text}},
    {34, {"p_reward_forecast", Type::text}},
    {35, {"p_reward_reputer", Type::text}},
    {36, {"c_reward_inference", Type::text}},
    {37, {"c_reward_forecast", Type::text}},
    {38, {"c_norm", Type::text}},
    {40, {"epsilon_reputer", Type::text}},
    {42, {"half_max_process_stake_removals_end_block", Type::whole}},
    {43, {"data_sending_fee", Type::text}},
    {44, {"epsilon_safe_div", Type::text}},
    {45, {"max_elements_per_forecast", Type::whole}},
    {46, {"max_active_topics_per_block", Type::whole}},
    {47, {"max_string_length", Type::whole}},
    {48, {"initial_regret_quantile", Type::text}},
    {49, {"p_norm_safe_div", Type::text}},
    {50, {"global_whitelist_enabled", Type::flag}},
    {51, {"topic_creator_whitelist_enabled", Type::flag}},
    {52, {"min_experienced_worker_regrets", Type::whole}},
    {53, {"inference_outlier_detection_threshold", Type::text}},
    {54, {"inference_outlier_detection_alpha", Type::text}},
    {55, {"lambda_initial_score", Type::text}},
    {56, {"global_worker_whitelist_enabled", Type::flag}},
    {57, {"global_reputer_whitelist_enabled", Type::flag}},
    {58, {"global_admin_whitelist_appended", Type::flag}},
    {59, {"max_whitelist_input_array_length", Type::whole}},
    {60, {"min_weight_threshold_for_stdnorm", Type::text}},
});

Span name_of(std::span<const Span> names, std::int32_t value) {
    const auto at = static_cast<std::size_t>(value);
    return value >= 0 && at < names.size() ? names[at] : Span{};
}

} // namespace

// "/emissions.v{4..10}.{Name}Request", "/emissions.v{2,3}.Msg{Name}"
TypeName parse_type_url(Span url) {
    constexpr Span prefix = "/emissions.v";
    constexpr Span message = "Msg";
    constexpr Span request = "Request";
    if (url.substr(0, prefix.size()) != prefix) {
        return {};
    }
    url.remove_prefix(prefix.size());
    const std::size_t dot = url.find('.');
    const Span digits = url.substr(0, dot);
    if (dot == Span::npos || digits.empty() || digits.size() > 2 || digits.front() == '0') {
        return {};
    }
    int version = 0;
    for (const char digit : digits) {
        if (digit < '0' || digit > '9') {
            return {};
        }
        version = version * 10 + (digit - '0');
    }
    Span name = url.substr(dot + 1);
    if (version == 2 || version == 3) {
        if (name.substr(0, message.size()) == message) {
            name.remove_prefix(message.size());
            return {name, version};
        }
    } else if (version >= 4 && version <= 10 && name.size() > request.size() &&
               name.substr(name.size() - request.size()) == request) {
        name.remove_suffix(request.size());
        return {name, version};
    }
    return {};
}

const MessageForm* flat_message(Span name) {
    const auto* const found =
        std::lower_bound(forms.begin(), forms.end(), name,
                         [](const MessageForm& form, Span wanted) { return form.name < wanted; });
    return found != forms.end() && found->name == name ? &*found : nullptr;
}

ParamForm param_form(std::uint32_t number) {
    const auto* const found = std::lower_bound(
        params.begin(), params.end(), number,
        [](const NumberedParam& param, std::uint32_t wanted) { return param.number < wanted; });
    return found != params.end() && found->number == number ? found->form : ParamForm{};
}

Span topic_type_name(std::int32_t value) {
    constexpr std::array<Span, 3> names = {"TOPIC_TYPE_UNSPECIFIED", "TOPIC_TYPE_REGRESSION",
                                           "TOPIC_TYPE_CLASSIFICATION"};
    return name_of(names, value);
}

Span output_arity_name(std::int32_t value) {
    constexpr std::array<Span, 3> names = {"TOPIC_OUTPUT_ARITY_UNSPECIFIED",
                                           "TOPIC_OUTPUT_ARITY_SINGLE", "TOPIC_OUTPUT_ARITY_MULTI"};
    return name_of(names, value);
}

} // namespace allora::wire

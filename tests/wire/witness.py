"""google.protobuf as witness: message classes made at run time from the table of fields here.

Field numbers: cosmos-sdk (TxRaw, TxBody, Any, MsgExec), allora-chain, x/emissions/proto of v3 to
v10. Fields that nobody reads (proofs, signatures, memos) are left out, so that both sides skip
them.
"""

from __future__ import annotations

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

WHITELIST = "1 sender string; 2 address string"
TOPIC_WHITELIST = f"{WHITELIST}; 3 topic_id uint64"
BULK = "1 sender string; 2 addresses *string"
TOPIC_BULK = f"{BULK}; 3 topic_id uint64"
SWITCH = "1 sender string; 2 topic_id uint64"

FIELDS = {
    "TxRaw": "1 body_bytes bytes; 2 auth_info_bytes bytes; 3 signatures *bytes",
    "TxBody": "1 messages *Any",
    "Any": "1 type_url string; 2 value bytes",
    "MsgExec": "1 grantee string; 2 msgs *Any",
    "InsertWorkerPayload": "1 sender string; 2 worker_data_bundle WorkerDataBundle",
    "WorkerDataBundle": (
        "2 nonce Nonce; 3 topic_id uint64; 4 inference_forecasts_bundle InferenceForecastBundle"
    ),
    "Nonce": "1 block_height int64",
    "InferenceForecastBundle": "1 inference Inference; 2 forecast Forecast",
    "Inference": "3 inferer string; 4 value string; 5 extra_data bytes; 7 values *LabeledValue",
    "LabeledValue": "1 label string; 2 value string",
    "Forecast": "3 forecaster string; 4 forecast_elements *ForecastElement; 5 extra_data bytes",
    "ForecastElement": "1 inferer string; 2 value string",
    "InsertReputerPayload": "1 sender string; 2 reputer_value_bundle ReputerValueBundle",
    "ReputerValueBundle": "1 value_bundle ValueBundle",
    "ReputerRequestNonce": "1 reputer_nonce Nonce",
    "ValueBundle": (
        "1 topic_id uint64; 2 reputer_request_nonce ReputerRequestNonce; 3 reputer string; "
        "5 combined_value string; 6 inferer_values *WorkerValue; 7 forecaster_values *WorkerValue; "
        "8 naive_value string; 9 one_out_inferer_values *WorkerValue; "
        "10 one_out_forecaster_values *WorkerValue; 11 one_in_forecaster_values *WorkerValue; "
        "12 one_out_inferer_forecaster_values *OneOutInfererForecaster"
    ),
    "WorkerValue": "1 worker string; 2 value string",
    "OneOutInfererForecaster": "3 forecaster string; 4 one_out_inferer_values *WorkerValue",
    "CreateNewTopic": (
        "1 creator string; 2 metadata string; 4 loss_method string; 7 epoch_length int64; "
        "8 ground_truth_lag int64; 10 p_norm string; 11 alpha_regret string; "
        "12 allow_negative bool; 13 epsilon string; 14 worker_submission_window int64; "
        "15 merit_sortition_alpha string; 16 active_inferer_quantile string; "
        "17 active_forecaster_quantile string; 18 active_reputer_quantile string; "
        "19 enable_worker_whitelist bool; 20 enable_reputer_whitelist bool; 21 c_norm string; "
        "22 topic_type int32; 23 output_arity int32; 24 require_unity bool; "
        "25 unity_tolerance string; 26 max_labels_per_submission uint64; "
        "27 label_whitelist *string; 28 label_default_value string; 29 label_case_sensitive bool"
    ),
    "UpdateTopic": (
        "1 sender string; 2 topic_id uint64; 3 metadata string; 4 loss_method string; "
        "5 alpha_regret string; 6 merit_sortition_alpha string; 7 p_norm string; 8 c_norm string; "
        "9 require_unity bool; 10 unity_tolerance string; 11 max_labels_per_submission uint64; "
        "12 label_whitelist *string; 13 label_default_value string"
    ),
    "Register": "1 sender string; 4 topic_id uint64; 5 owner string; 6 is_reputer bool",
    "RemoveRegistration": "1 sender string; 2 topic_id uint64; 3 is_reputer bool",
    "TransferActorOwnership": "1 sender string; 2 new_owner string; 3 is_reputer bool",
    "AddStake": "1 sender string; 2 topic_id uint64; 3 amount string",
    "RemoveStake": "1 sender string; 2 topic_id uint64; 3 amount string",
    "CancelRemoveStake": "1 sender string; 2 topic_id uint64",
    "DelegateStake": "1 sender string; 2 topic_id uint64; 3 reputer string; 4 amount string",
    "RemoveDelegateStake": "1 sender string; 2 reputer string; 3 topic_id uint64; 4 amount string",
    "CancelRemoveDelegateStake": (
        "1 sender string; 2 topic_id uint64; 3 delegator string; 4 reputer string"
    ),
    "RewardDelegateStake": "1 sender string; 2 topic_id uint64; 3 reputer string",
    "FundTopic": "1 sender string; 2 topic_id uint64; 3 amount string",
    "UpdateParams": "1 sender string; 2 params OptionalParams",
    "OptionalParams": (
        "1 version *string; 2 max_serialized_msg_length *int64; 3 min_topic_weight *string; "
        "4 max_topics_per_block *uint64; 5 required_minimum_stake *string; "
        "6 remove_stake_delay_window *int64; 7 min_epoch_length *int64; 8 beta_entropy *string; "
        "9 learning_rate *string; 10 max_gradient_threshold *string; "
        "11 min_stake_fraction *string; 13 max_unfulfilled_worker_requests *uint64; "
        "14 max_unfulfilled_reputer_requests *uint64; 15 topic_reward_stake_importance *string; "
        "16 topic_reward_fee_revenue_importance *string; 17 topic_reward_alpha *string; "
        "18 task_reward_alpha *string; 19 validators_vs_allora_percent_reward *string; "
        "20 max_samples_to_scale_scores *uint64; 21 max_top_inferers_to_reward *uint64; "
        "22 max_top_forecasters_to_reward *uint64; 23 max_top_reputers_to_reward *uint64; "
        "24 create_topic_fee *string; 25 gradient_descent_max_iters *uint64; "
        "28 registration_fee *string; 29 default_page_limit *uint64; 30 max_page_limit *uint64; "
        "31 min_epoch_length_record_limit *int64; 32 blocks_per_month *uint64; "
        "33 p_reward_inference *string; 34 p_reward_forecast *string; 35 p_reward_reputer *string; "
        "36 c_reward_inference *string; 37 c_reward_forecast *string; 38 c_norm *string; "
        "40 epsilon_reputer *string; 42 half_max_process_stake_removals_end_block *uint64; "
        "43 data_sending_fee *string; 44 epsilon_safe_div *string; "
        "45 max_elements_per_forecast *uint64; 46 max_active_topics_per_block *uint64; "
        "47 max_string_length *uint64; 48 initial_regret_quantile *string; "
        "49 p_norm_safe_div *string; 50 global_whitelist_enabled *bool; "
        "51 topic_creator_whitelist_enabled *bool; 52 min_experienced_worker_regrets *uint64; "
        "53 inference_outlier_detection_threshold *string; "
        "54 inference_outlier_detection_alpha *string; 55 lambda_initial_score *string; "
        "56 global_worker_whitelist_enabled *bool; 57 global_reputer_whitelist_enabled *bool; "
        "58 global_admin_whitelist_appended *bool; 59 max_whitelist_input_array_length *uint64; "
        "60 min_weight_threshold_for_stdnorm *string"
    ),
    "AddToWhitelistAdmin": WHITELIST,
    "RemoveFromWhitelistAdmin": WHITELIST,
    "AddToGlobalWhitelist": WHITELIST,
    "RemoveFromGlobalWhitelist": WHITELIST,
    "AddToGlobalWorkerWhitelist": WHITELIST,
    "RemoveFromGlobalWorkerWhitelist": WHITELIST,
    "AddToGlobalReputerWhitelist": WHITELIST,
    "RemoveFromGlobalReputerWhitelist": WHITELIST,
    "AddToGlobalAdminWhitelist": WHITELIST,
    "RemoveFromGlobalAdminWhitelist": WHITELIST,
    "AddToTopicCreatorWhitelist": WHITELIST,
    "RemoveFromTopicCreatorWhitelist": WHITELIST,
    "AddToTopicWorkerWhitelist": TOPIC_WHITELIST,
    "RemoveFromTopicWorkerWhitelist": TOPIC_WHITELIST,
    "AddToTopicReputerWhitelist": TOPIC_WHITELIST,
    "RemoveFromTopicReputerWhitelist": TOPIC_WHITELIST,
    "BulkAddToGlobalWorkerWhitelist": BULK,
    "BulkRemoveFromGlobalWorkerWhitelist": BULK,
    "BulkAddToGlobalReputerWhitelist": BULK,
    "BulkRemoveFromGlobalReputerWhitelist": BULK,
    "BulkAddToTopicWorkerWhitelist": TOPIC_BULK,
    "BulkRemoveFromTopicWorkerWhitelist": TOPIC_BULK,
    "BulkAddToTopicReputerWhitelist": TOPIC_BULK,
    "BulkRemoveFromTopicReputerWhitelist": TOPIC_BULK,
    "EnableTopicWorkerWhitelist": SWITCH,
    "DisableTopicWorkerWhitelist": SWITCH,
    "EnableTopicReputerWhitelist": SWITCH,
    "DisableTopicReputerWhitelist": SWITCH,
}

CONTAINERS = {"TxRaw", "TxBody", "Any", "MsgExec"}
PARTS = {
    "WorkerDataBundle",
    "Nonce",
    "InferenceForecastBundle",
    "Inference",
    "LabeledValue",
    "Forecast",
    "ForecastElement",
    "ReputerValueBundle",
    "ReputerRequestNonce",
    "ValueBundle",
    "WorkerValue",
    "OneOutInfererForecaster",
    "OptionalParams",
}
NAMES = sorted(set(FIELDS) - CONTAINERS - PARTS)
"""Messages of x/emissions."""

FIRST_VERSION = {"UpdateTopic": 9, "TransferActorOwnership": 9} | {
    name: 6 for name in NAMES if "Whitelist" in name and "WhitelistAdmin" not in name
}
EXEC = "/cosmos.authz.v1beta1.MsgExec"


def classes() -> dict[str, Any]:
    """A message class for each entry of `FIELDS`."""
    file = descriptor_pb2.FileDescriptorProto(
        name="witness.proto", package="witness", syntax="proto3"
    )
    proto = descriptor_pb2.FieldDescriptorProto
    for message, text in FIELDS.items():
        entry = file.message_type.add(name=message)
        for each in text.split("; "):
            number, name, kind = each.split()
            field = entry.field.add(name=name, number=int(number))
            field.label = proto.LABEL_REPEATED if kind[0] == "*" else proto.LABEL_OPTIONAL
            kind = kind.lstrip("*")
            if kind in FIELDS:
                field.type = proto.TYPE_MESSAGE
                field.type_name = f".witness.{kind}"
            else:
                field.type = getattr(proto, f"TYPE_{kind.upper()}")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"witness.{name}"))
        for name in FIELDS
    }


MESSAGES = classes()


def type_url(name: str, version: int) -> str:
    """The type url of a message of x/emissions."""
    if version <= 3:
        return f"/emissions.v{version}.Msg{name}"
    return f"/emissions.v{version}.{name}Request"


def any_of(url: str, value: bytes) -> Any:
    """A message packed as the transaction's body holds it."""
    return MESSAGES["Any"](type_url=url, value=value)


def transaction(*messages: Any) -> bytes:
    """A signed transaction of packed messages."""
    body = MESSAGES["TxBody"](messages=messages).SerializeToString()
    return bytes(
        MESSAGES["TxRaw"](
            body_bytes=body, auth_info_bytes=b"\x12\x00", signatures=[b"\x00" * 64]
        ).SerializeToString()
    )

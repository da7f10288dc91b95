"""How a node of each release writes its events: which there are, their attributes, their texts.

A typed event has one attribute a field, sorted by name, its value the field's JSON; then one plain
attribute ``mode`` or ``msg_index``. Recorded events of ``tests/vectors/blocks`` come out of these
functions again letter for letter.

Sources: allora-chain v0.6 to v0.17, ``x/emissions/types/events.go``, ``event_constructors.go``;
Cosmos SDK 0.50, ``types/events.go``; recorded blocks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any

import orjson

from allora_core.epoch import Synthesis, ValueBundle
from allora_core.reference.number_text import bounded_cap, plain_text
from allora_core.reference.rules import Rules, rules_at

__all__ = [
    "EVENTS",
    "NOT_WRITTEN",
    "RELEASES",
    "Form",
    "Json",
    "Release",
    "Tail",
    "attributes",
    "emitted",
    "labeled_bundle",
    "position_bundle",
]

Json = dict[str, Any]
Vectors = Mapping[str, tuple[Decimal, ...]]
Tail = tuple[str, str]

STAGES = ("v2", "v3", "v4", "v5", "v7", "v8", "v9", "late v9", "v10")
"""States of the event package in order; "late v9" is v9 with everything it gained on the way."""


known_rules = cache(rules_at)


@dataclass(frozen=True)
class Release:
    """What differs between releases in the form of block data.

    Attributes:
        name: of the release, which is also that of its rules.
        api: version in the type urls of messages.
        stage: state of the event package, one of `STAGES`.
        windows_first: worker windows close before rewards are paid.
        changed_rules: choices of the formulas that are not the release's own.
    """

    name: str
    api: str
    stage: str
    windows_first: bool = False
    changed_rules: Rules | None = None

    @property
    def package(self) -> str:
        """Version in the types of events."""
        return self.stage.removeprefix("late ")

    @property
    def rules(self) -> Rules:
        """The formulas' choices."""
        return self.changed_rules or known_rules(self.name)

    @property
    def topic_params(self) -> tuple[str, ...]:
        """Parameters that topics have beyond those of every release."""
        minor = int(self.name.removeprefix("v0."))
        return (("c_norm",) if minor >= 15 else ()) + (
            ("label_default_value",) if self.since("v10") else ()
        )

    def since(self, stage: str) -> bool:
        """Whether the event package has reached a state."""
        return STAGES.index(self.stage) >= STAGES.index(stage)


RELEASES: dict[str, Release] = {
    release.name: release
    for release in (
        Release("v0.6", "v5", "v4"),
        Release("v0.7", "v6", "v5"),
        Release("v0.8", "v7", "v7"),
        Release("v0.9", "v8", "v8"),
        *(Release(f"v0.{minor}", "v9", "v9") for minor in (10, 11, 12, 13, 14)),
        *(Release(f"v0.{minor}", "v9", "late v9") for minor in (15, 16)),
        Release("v0.17", "v10", "v10", windows_first=True),
    )
}
"""Releases by name. Which release first emits all of "late v9" is not known; v0.14 does not."""

EVENTS: dict[str, tuple[str, str | None]] = {
    "EventScoresSet": ("v2", None),
    "EventEMAScoresSet": ("v4", None),
    "EventListeningCoefficientsSet": ("v5", None),
    "EventForecastTaskScoreSet": ("v4", None),
    "EventRewardsSettled": ("v2", None),
    "EventTopicRewardsSet": ("v4", None),
    "EventNetworkLossSet": ("v2", None),
    "EventInfererNetworkRegretSet": ("v5", None),
    "EventForecasterNetworkRegretSet": ("v5", None),
    "EventNaiveInfererNetworkRegretSet": ("v5", None),
    "EventTopicInitialRegretSet": ("v5", None),
    "EventTopicInitialEmaScoreSet": ("v7", None),
    "EventRegretStdNormSet": ("v8", None),
    "EventInfererWeightSet": ("v8", "v9"),
    "EventForecasterWeightSet": ("v8", "v9"),
    "EventInfererWeightsSet": ("v9", None),
    "EventForecasterWeightsSet": ("v9", None),
    "EventNetworkInferences": ("v9", "v10"),
    "EventOutlierResistantNetworkInferences": ("late v9", "v10"),
    "EventNetworkInferenceBundle": ("v10", None),
    "EventNetworkInferenceInfererWeightsSet": ("late v9", None),
    "EventNetworkInferenceForecasterWeightsSet": ("late v9", None),
    "EventNetworkInferenceInfererRegretsUsedSet": ("late v9", None),
    "EventNetworkInferenceForecasterRegretsUsedSet": ("late v9", None),
    "EventActiveInferersSet": ("late v9", None),
    "EventActiveForecastersSet": ("late v9", None),
    "EventActiveReputersSet": ("late v9", None),
    "EventWorkerLastCommitSet": ("v4", None),
    "EventReputerLastCommitSet": ("v4", None),
    "EventWorkerSubmissionWindowOpened": ("late v9", None),
    "EventWorkerSubmissionWindowClosed": ("late v9", None),
    "EventReputerSubmissionWindowOpened": ("late v9", None),
    "EventReputerSubmissionWindowClosed": ("late v9", None),
    "EventEpochLabelRegistryFrozen": ("v10", None),
    "EventInsertInfererPayload": ("late v9", None),
    "EventInsertForecasterPayload": ("late v9", None),
    "EventInsertReputerPayload": ("late v9", None),
    "EventCreateNewTopic": ("v9", None),
    "EventAddStake": ("v9", None),
    "EventRemoveStake": ("v9", None),
    "EventReputerStakeUpdated": ("v9", None),
    "EventRequestStakeRemoval": ("v9", None),
    "EventDelegateRewardShareUpdated": ("v9", None),
    "EventDelegateRewardDistributed": ("v9", None),
    "EventRewardDelegateStake": ("v9", None),
    "EventPruneRecords": ("v9", None),
    "EventPreviousPercentageRewardToStakedReputersSet": ("v8", None),
    "EventTopicWeightUpdated": ("late v9", None),
    "EventTopicFeeRevenueDripped": ("late v9", None),
    "EventTopicStatusChanged": ("late v9", None),
    "EventFundTopic": ("v9", None),
    "EventNodeOwnerUpdated": ("v9", None),
    "EventTopicWorkerWhitelistAdded": ("v9", None),
    "EventWorkerRegistered": ("v9", None),
    "EventReputerRegistered": ("v9", None),
    "EventWorkerUnregistered": ("v9", None),
    "EventReputerUnregistered": ("v9", None),
    "EventParamsSet": ("v9", None),
    "EventTopicUpdated": ("v9", None),
    "EventCancelStakeRemoval": ("v9", None),
}
"""Events of x/emissions: the state of the package that brought each, and the one that no longer has
it. Of the events of whitelists, the one that is written."""

NOT_WRITTEN = frozenset(
    (
        "EventWorkerUnregistered",
        "EventReputerUnregistered",
        "EventParamsSet",
        "EventTopicUpdated",
        "EventCancelStakeRemoval",
    )
)
"""Events whose causes made-up blocks do not hold."""

ECHOES = ("EventInsertInfererPayload", "EventInsertForecasterPayload")
"""What actors sent is told as it is, whatever its magnitude."""


@cache
def emitted(release: Release) -> frozenset[str]:
    """The events that a release emits.

    A release before v0.12 computed no network inference when a window closed, although its package
    may know the event.
    """
    names = {
        name
        for name, (first, last) in EVENTS.items()
        if release.since(first) and not (last is not None and release.since(last))
    }
    if release.name in ("v0.10", "v0.11"):
        names.discard("EventNetworkInferences")
    return frozenset(names)


def attributes(kind: str, pairs: Mapping[str, str], tail: Tail | None = None) -> Json:
    """An event with plain attributes, in the order given."""
    items = [*pairs.items(), *((tail,) if tail else ())]
    listed = [{"key": key, "value": value, "index": True} for key, value in items]
    return {"type": kind, "attributes": listed}


def json_value(value: Any, clamped: bool) -> Any:
    """A field as the chain's JSON: whole numbers and decimals are text."""
    if isinstance(value, Decimal):
        # What lies far enough within the bounds, as nearly everything does, is told by its size.
        if clamped and not -40 <= value.adjusted() < 40 and value.is_finite():
            value = bounded_cap(value)
        return plain_text(value)
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Mapping):
        return {key: json_value(item, clamped) for key, item in value.items()}
    return [json_value(item, clamped) for item in value]


NAN = Decimal("NaN")


@dataclass(frozen=True)
class Form:
    """Writes the events of one release."""

    release: Release

    @property
    def clamped(self) -> bool:
        """Whether computed decimals are moved into 1e-40 to 1e40."""
        return self.release.since("v10")

    def event(self, name: str, fields: Mapping[str, Any], tail: Tail) -> list[Json]:
        """One typed event of x/emissions, or none where the release does not emit it."""
        if name not in emitted(self.release):
            return []
        clamped = self.clamped and name not in ECHOES
        return [self.typed(f"emissions.{self.release.package}.{name}", fields, tail, clamped)]

    @staticmethod
    def typed(kind: str, fields: Mapping[str, Any], tail: Tail, clamped: bool = False) -> Json:
        """A typed event: attributes sorted by name, each the JSON of its field."""
        texts = {
            name: orjson.dumps(json_value(fields[name], clamped)).decode()
            for name in sorted(fields)
        }
        return attributes(kind, texts, tail)

    def mint(self, name: str, height: int, amount: int) -> Json:
        """An event of the mint, which every block that mints has."""
        fields = {"block_height": height, "token_amount": amount}
        return self.typed(f"mint.v3.{name}", fields, ("mode", "BeginBlock"))

    def losses(self, bundle: ValueBundle, topic_id: int, nonce: int) -> Json:
        """The fields of EventNetworkLossSet."""
        fields: Json = {"topic_id": topic_id, "block_height": nonce}
        if not self.release.since("late v9"):
            header = object_header(topic_id, nonce)
            return fields | {"value_bundle": object_bundle(bundle, header)}
        new = position_bundle(bundle)
        return fields | {"value_bundle": None, "nonce": nonce, "bundle": new}

    def inferences(self, network: Synthesis, values: Vectors, topic_id: int, nonce: int) -> Json:
        """The fields of EventNetworkInferences of single-output topics up to v9.

        Args:
            values: inferer -> its inference, one number a label.
        """
        bundle = inference_values(network, values)
        if self.release.since("late v9"):
            return {"topic_id": topic_id, "nonce": nonce, "bundle": position_bundle(bundle)}
        header = object_header(topic_id, nonce)
        return {
            "topic_id": topic_id,
            "block_height": nonce,
            "value_bundle": object_bundle(bundle, header),
        }


NOBODY = "allo1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqas6usy"
"""The address of 20 zero bytes, which stands where a bundle is the network's own."""


def object_header(topic_id: int, nonce: int) -> Json:
    """The first fields of a bundle of the network's own that names the worker beside each value."""
    return {
        "topic_id": topic_id,
        "reputer_request_nonce": {"reputer_nonce": {"block_height": nonce}},
        "reputer": NOBODY,
        "extra_data": None,
    }


def named_values(values: Mapping[str, Decimal]) -> list[Json]:
    """Values with their workers, by address."""
    return [{"worker": worker, "value": values[worker]} for worker in sorted(values)]


def object_bundle(bundle: ValueBundle, header: Json) -> Json:
    """A bundle as every event until early v9 holds it, fields in the message's order."""
    return header | {
        "combined_value": bundle.combined,
        "inferer_values": named_values(bundle.inferer),
        "forecaster_values": named_values(bundle.forecaster),
        "naive_value": bundle.naive,
        "one_out_inferer_values": named_values(bundle.one_out_inferer),
        "one_out_forecaster_values": named_values(bundle.one_out_forecaster),
        "one_in_forecaster_values": named_values(bundle.one_in_forecaster),
        "one_out_inferer_forecaster_values": [
            {"forecaster": forecaster, "one_out_inferer_values": named_values(row)}
            for forecaster, row in sorted(bundle.one_out_inferer_forecaster.items())
        ],
    }


def position_bundle(bundle: ValueBundle) -> Json:
    """A bundle as events since late v9 hold it: two lists of addresses, values by position.

    What was not reported is NaN; a list of which nothing was reported is empty.
    """
    inferers, forecasters = sorted(bundle.inferer), sorted(bundle.forecaster)
    matrix = bundle.one_out_inferer_forecaster
    return {
        "extra_data": None,
        "combined_value": bundle.combined,
        "naive_value": bundle.naive,
        "inferer_addresses": inferers,
        "forecaster_addresses": forecasters,
        "inferer_values": placed(bundle.inferer, inferers),
        "forecaster_values": placed(bundle.forecaster, forecasters),
        "one_out_inferer_values": placed(bundle.one_out_inferer, inferers),
        "one_out_forecaster_values": placed(bundle.one_out_forecaster, forecasters),
        "one_in_forecaster_values": placed(bundle.one_in_forecaster, forecasters),
        "one_out_inferer_forecaster_values": [
            [matrix.get(forecaster, {}).get(inferer, NAN) for inferer in inferers]
            for forecaster in (forecasters if matrix else ())
        ],
    }


def placed(values: Mapping[str, Decimal], addresses: Sequence[str]) -> list[Decimal]:
    """Values in the order of addresses."""
    return [values.get(address, NAN) for address in addresses] if values else []


def inference_values(network: Synthesis, values: Vectors) -> ValueBundle:
    """A network inference of one label, in the shape of a bundle of losses."""

    def of(vectors: Vectors) -> dict[str, Decimal]:
        return {actor: vector[0] for actor, vector in vectors.items()}

    return ValueBundle(
        combined=network.combined[0],
        naive=network.naive[0],
        inferer=of(values),
        forecaster=of(network.forecast_implied),
        one_out_inferer=of(network.one_out_inferer),
        one_out_forecaster=of(network.one_out_forecaster),
        one_in_forecaster=of(network.one_in_forecaster),
        one_out_inferer_forecaster={
            forecaster: of(row) for forecaster, row in network.one_out_inferer_forecaster.items()
        },
    )


def labeled_bundle(
    network: Synthesis, values: Vectors, labels: Sequence[str], resistant: bool
) -> Json:
    """The fields of EventNetworkInferenceBundle but for topic and nonce.

    A row of the matrix holds the pairs that exist and nothing else; a forecaster without any has
    no row.
    """
    inferers, forecasters = sorted(values), sorted(network.forecast_implied)

    def listed(vectors: Vectors, addresses: Sequence[str]) -> list[list[Decimal]]:
        return [list(vectors[address]) for address in addresses if address in vectors]

    rows = network.one_out_inferer_forecaster
    return {
        "label_names": list(labels),
        "inferer_addresses": inferers,
        "forecaster_addresses": forecasters,
        "combined_value": list(network.combined),
        "naive_value": list(network.naive),
        "inferer_values": listed(values, inferers),
        "forecaster_values": listed(network.forecast_implied, forecasters),
        "one_out_inferer_values": listed(network.one_out_inferer, inferers),
        "one_out_forecaster_values": listed(network.one_out_forecaster, forecasters),
        "one_in_forecaster_values": listed(network.one_in_forecaster, forecasters),
        "one_out_inferer_forecaster_values": [
            listed(rows[forecaster], inferers) for forecaster in forecasters if rows.get(forecaster)
        ],
        "outlier_resistant": resistant,
    }

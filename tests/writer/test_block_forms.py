"""Recorded events come out of the writer's forms again, letter for letter."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pytest

from allora_core.epoch import Synthesis, ValueBundle
from allora_core.reference.rules import VERSIONS
from allora_core.testing.block_forms import (
    EVENTS,
    RELEASES,
    STAGES,
    Form,
    attributes,
    emitted,
    position_bundle,
)

VECTORS = Path(__file__).parents[1] / "vectors"
SAMPLES = VECTORS / "blocks"
RECORDING = VECTORS / "blocks_v06" / "blocks.jsonl.zst"


def sample(name: str) -> Any:
    return json.loads((SAMPLES / name).read_text())


def sampled_events() -> list[dict[str, Any]]:
    block = sample("v9_new_block_events_5100967.json")["result"]["data"]["value"]["events"]
    files = [*SAMPLES.glob("v*_tx_*.json"), *SAMPLES.glob("v*_endblock_*.json")]
    return [*block, *(event for path in files for event in sample(path.name))]


def recorded_events() -> list[dict[str, Any]]:
    with pa.CompressedInputStream(pa.OSFile(str(RECORDING)), "zstd") as stream:
        answers = [orjson.loads(line)["result"] for line in stream.read().splitlines()]
    return [
        event
        for answer in answers
        if "finalize_block_events" in answer
        for events in (
            answer["finalize_block_events"],
            *(result["events"] for result in answer["txs_results"] or ()),
        )
        for event in events
    ]


def split(event: dict[str, Any]) -> tuple[dict[str, str], tuple[str, str]]:
    """A typed event's fields as text, and its last plain attribute."""
    *fields, tail = event["attributes"]
    texts = {field["key"]: field["value"] for field in fields}
    return texts, (tail["key"], tail["value"])


def is_typed(event: dict[str, Any]) -> bool:
    return ".Event" in event["type"]


@pytest.mark.parametrize("events", [sampled_events, recorded_events])
def test_typed_events_are_written_as_recorded(events: Any) -> None:
    typed = [event for event in events() if is_typed(event)]
    assert len(typed) > 7
    for event in typed:
        texts, tail = split(event)
        fields = {name: json.loads(text) for name, text in texts.items()}
        assert Form.typed(event["type"], fields, tail) == event


def test_plain_events_are_written_as_recorded() -> None:
    plain = [event for event in sampled_events() if not is_typed(event)]
    assert len(plain) > 100
    for event in plain:
        texts, tail = split(event)
        assert attributes(event["type"], texts, tail) == event


def objects(items: list[dict[str, str]]) -> dict[str, Decimal]:
    return {item["worker"]: Decimal(item["value"]) for item in items}


def old_bundle(read: dict[str, Any]) -> ValueBundle:
    """A bundle that names the worker beside each value."""
    return ValueBundle(
        Decimal(read["combined_value"]),
        Decimal(read["naive_value"]),
        *(
            objects(read[f"{name}_values"])
            for name in (
                "inferer",
                "forecaster",
                "one_out_inferer",
                "one_out_forecaster",
                "one_in_forecaster",
            )
        ),
        {
            row["forecaster"]: objects(row["one_out_inferer_values"])
            for row in read["one_out_inferer_forecaster_values"]
        },
    )


def new_bundle(read: dict[str, Any]) -> ValueBundle:
    """A bundle whose values follow two lists of addresses."""
    addresses = {role: read[f"{role}_addresses"] for role in ("inferer", "forecaster")}

    def placed(name: str, role: str) -> dict[str, Decimal]:
        values = map(Decimal, read[f"{name}_values"])
        return dict(zip(addresses[role], values, strict=True))

    return ValueBundle(
        Decimal(read["combined_value"]),
        Decimal(read["naive_value"]),
        placed("inferer", "inferer"),
        placed("forecaster", "forecaster"),
        placed("one_out_inferer", "inferer"),
        placed("one_out_forecaster", "forecaster"),
        placed("one_in_forecaster", "forecaster"),
        {
            forecaster: dict(zip(addresses["inferer"], map(Decimal, row), strict=True))
            for forecaster, row in zip(
                addresses["forecaster"], read["one_out_inferer_forecaster_values"], strict=True
            )
        },
    )


def test_network_losses_of_v10_are_written_as_recorded() -> None:
    (event,) = sample("v10_endblock_network_loss_set_10090000.json")
    texts, tail = split(event)
    bundle = new_bundle(json.loads(texts["bundle"]))
    form = Form(RELEASES["v0.17"])
    (written,) = form.event("EventNetworkLossSet", form.losses(bundle, 76, 10089760), tail)
    assert written == event


def test_a_reputers_bundle_is_written_as_recorded() -> None:
    (event,) = sample("v9_tx_insert_reputer_payload_9977185.json")
    texts, tail = split(event)
    fields = {
        "topic_id": 63,
        "nonce": 9959904,
        "reputer": json.loads(texts["reputer"]),
        "bundle": position_bundle(new_bundle(json.loads(texts["bundle"]))),
    }
    (written,) = Form(RELEASES["v0.16"]).event("EventInsertReputerPayload", fields, tail)
    assert written == event


def test_network_losses_of_v4_are_written_as_recorded() -> None:
    form = Form(RELEASES["v0.6"])
    found = 0
    for event in recorded_events():
        if event["type"] == "emissions.v4.EventNetworkLossSet":
            texts, tail = split(event)
            bundle = old_bundle(json.loads(texts["value_bundle"]))
            topic, nonce = json.loads(texts["topic_id"]), json.loads(texts["block_height"])
            fields = form.losses(bundle, int(topic), int(nonce))
            assert form.event("EventNetworkLossSet", fields, tail) == [event]
            found += 1
    assert found > 50


def test_network_inferences_of_early_v9_are_written_as_recorded() -> None:
    events = sample("v9_new_block_events_5100967.json")["result"]["data"]["value"]["events"]
    (event,) = (each for each in events if each["type"].endswith("EventNetworkInferences"))
    texts, tail = split(event)
    bundle = old_bundle(json.loads(texts["value_bundle"]))

    def vectors(values: dict[str, Decimal]) -> dict[str, tuple[Decimal, ...]]:
        return {actor: (value,) for actor, value in values.items()}

    assert bundle.combined is not None
    assert bundle.naive is not None
    network = Synthesis(
        "weighted",
        False,
        forecast_implied=vectors(bundle.forecaster),
        combined=(bundle.combined,),
        naive=(bundle.naive,),
        one_out_inferer=vectors(bundle.one_out_inferer),
        one_out_forecaster=vectors(bundle.one_out_forecaster),
        one_in_forecaster=vectors(bundle.one_in_forecaster),
        one_out_inferer_forecaster={
            forecaster: vectors(row)
            for forecaster, row in bundle.one_out_inferer_forecaster.items()
        },
    )
    form = Form(RELEASES["v0.12"])
    fields = form.inferences(network, vectors(bundle.inferer), 13, 5100955)
    assert form.event("EventNetworkInferences", fields, tail) == [event]


def test_a_block_of_v0_12_holds_what_the_release_emits() -> None:
    events = sample("v9_new_block_events_5100967.json")["result"]["data"]["value"]["events"]
    names = {
        event["type"].rpartition(".")[2]
        for event in events
        if event["type"].startswith("emissions")
    }
    assert names <= emitted(RELEASES["v0.12"])


def test_the_v0_6_recording_holds_what_the_release_emits() -> None:
    types = {event["type"] for event in recorded_events()}
    names = {kind.rpartition(".")[2] for kind in types if kind.startswith("emissions.v4.")}
    assert names == emitted(RELEASES["v0.6"])


def test_releases_and_events_name_known_things() -> None:
    assert tuple(RELEASES) == VERSIONS
    for first, last in EVENTS.values():
        assert first in STAGES
        assert last is None or STAGES.index(first) < STAGES.index(last)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("1E-41", "0." + "0" * 39 + "1"),
        ("-3E-50", "-0." + "0" * 39 + "1"),
        ("2E+41", "1" + "0" * 40),
        ("0", "0"),
        ("NaN", "NaN"),
        ("1.50", "1.50"),
    ],
)
def test_computed_values_are_clamped_from_v0_17_on(value: str, text: str) -> None:
    fields = {"topic_id": 1, "score": Decimal(value)}
    for release, expected in (("v0.17", text), ("v0.16", format(Decimal(value), "f"))):
        (event,) = Form(RELEASES[release]).event(
            "EventForecastTaskScoreSet", fields, ("mode", "EndBlock")
        )
        assert split(event)[0]["score"] == f'"{expected}"'

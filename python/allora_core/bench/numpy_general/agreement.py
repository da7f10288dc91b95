"""The general peer's results beside the engine's: everything that both give must agree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields

import numpy as np

from ...engine import InferredBatch, SettledBatch
from ...epoch import State
from ..arrays import Float64
from ..check import assert_close
from .carried import CarriedStates, located
from .infer import Inferred
from .padded import PaddedEpochs
from .settle import Settled
from .synthesis import Bundles

__all__ = [
    "assert_carried_close",
    "assert_inferred_close",
    "assert_present_close",
    "assert_settled_close",
]


def assert_present_close(
    what: str,
    expected: Float64,
    actual: Float64,
    *,
    relative: float,
    absolute: Float64 | float = 0.0,
) -> None:
    """Compare entry by entry; what is missing on one side must be missing on the other.

    Args:
        what: a name for the message.
        expected, actual: of one shape.
        relative, absolute: largest difference allowed, the latter possibly for each entry.

    Raises:
        AssertionError: with the worst entry and both its numbers.
    """
    missing = np.isnan(expected)
    if expected.shape != actual.shape or not np.array_equal(missing, np.isnan(actual)):
        place = np.argwhere(missing != np.isnan(actual))[:1].tolist()
        raise AssertionError(f"{what}: missing on one side alone, first at {place}")
    if not missing.all():
        pair, allowed = (expected[~missing], actual[~missing]), absolute
        if isinstance(absolute, np.ndarray):
            allowed = absolute[~missing]
        assert_close(what, *pair, relative=relative, absolute=allowed)


def assert_carried_close(
    engine: Sequence[State], peer: CarriedStates, *, relative: float, absolute: float
) -> None:
    """Everything that `infer` and `settle` carry of the same topics, by address.

    Raises:
        AssertionError: with the field and the worst entry.
    """
    found = CarriedStates.of(engine)
    for role in ("inferer", "forecaster"):
        roster, own = getattr(peer, role), getattr(found, role)
        if not np.array_equal(located(roster, own)[1], own >= 0):
            raise AssertionError(f"the engine carries an {role} whom the peer does not")
    found = found.arranged(peer.inferer, peer.forecaster)
    for field in fields(CarriedStates):
        pair = (getattr(each, field.name).astype(np.float64) for each in (peer, found))
        assert_present_close(field.name, *pair, relative=relative, absolute=absolute)


def flat_bundles(epoch: PaddedEpochs, bundles: Bundles) -> dict[str, Float64]:
    """Every value of a batch's bundles by the engine's names, as the engine has them."""
    inferers, inferer = epoch.layout.inferers, epoch.has_inferer
    forecaster, columns = epoch.has_forecaster, {}
    for name, rows in (
        ("{}_regret_used", bundles.regret),
        ("{}_weight", bundles.weight),
        ("normalized_{}_weight", bundles.normalized_weight),
    ):
        columns[name.format("inferer")] = rows[:, :inferers][inferer]
        columns[name.format("forecaster")] = rows[:, inferers:][forecaster]
    return {
        "values": epoch.flat_values(bundles.values),
        "element_weight": bundles.element_weight[epoch.has_element],
        "regret_scale": bundles.regret_scale,
        "confidence_interval": bundles.confidence_interval.reshape(-1),
        **columns,
    }


def topics_of(epoch: PaddedEpochs, bundles: Bundles) -> dict[str, Float64]:
    """The topic of every entry of `flat_bundles`, by its position."""
    parts = {}
    for field in fields(bundles):
        rows = np.empty(getattr(bundles, field.name).shape)
        rows.T[...] = np.arange(epoch.topics)
        parts[field.name] = rows
    return flat_bundles(epoch, Bundles(**parts))


def assert_inferred_close(
    epoch: PaddedEpochs,
    engine: InferredBatch,
    peer: Inferred,
    *,
    relative: float,
    absolute: Float64 | None = None,
) -> None:
    """Both network inferences of every topic, all values of them; failed topics are left out.

    Args:
        epoch: what the peer inferred from.
        engine, peer: the results of the same epochs in the same order.
        relative: largest difference allowed.
        absolute: (T,) of the topics, allowed however small the number.

    Raises:
        AssertionError: with the worst entry and both its numbers.
    """
    allowed = np.zeros(epoch.topics) if absolute is None else absolute
    computed = np.array([fault is None for fault in engine.status])
    topics = topics_of(epoch, peer.network)
    resistant = computed & (engine.columns["resistant"] != 0)
    for prefix, bundles, which in (
        ("", peer.network, computed),
        ("resistant_", peer.resistant, resistant),
    ):
        for name, values in flat_bundles(epoch, bundles).items():
            topic = topics[name].astype(np.int64)
            chosen = which[topic]
            column = np.asarray(engine.columns[prefix + name])[chosen]
            least = allowed[topic[chosen]]
            assert_present_close(
                prefix + name, values[chosen], column, relative=relative, absolute=least
            )


def assert_settled_close(
    epoch: PaddedEpochs,
    engine: SettledBatch,
    peer: Settled,
    *,
    relative: float,
    absolute: float = 0.0,
) -> None:
    """The network losses of every topic, none of one that fails.

    Args and raises: as `assert_inferred_close`.
    """
    column = np.array(engine.columns["network_losses"])
    losses = epoch.flat_losses(peer.network_losses)
    rows = np.empty(epoch.real.shape)
    rows.T[...] = np.arange(epoch.topics)
    computed = np.array([fault is None for fault in engine.status])
    column[~computed[epoch.flat_losses(rows).astype(np.int64)]] = np.nan
    assert_present_close("network_losses", losses, column, relative=relative, absolute=absolute)

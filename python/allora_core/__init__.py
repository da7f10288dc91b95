"""The Allora Network's collective-forecast scoring, exact like the chain.

>>> from decimal import Decimal
>>> from allora_core import Engine, Epoch
>>> epoch = Epoch(1, 100, {"allo1a": {"y": Decimal("1")}, "allo1b": {"y": Decimal("2")}})
>>> Engine().infer([epoch]).topic(0).network.combined
(Decimal('1.500000000000000000000000000000000'),)

`Engine` computes whole batches of topics; `Epoch` and `State` are one topic's values; `Epochs` and
`States` are batches of them. `losses` and `bundle_losses` go from ground truth to reports, `World`
makes up whole epochs. `allora_core.reference` is the same computation in readable Python,
`allora_core.testing` helps to test other engines against it.
"""

from .batch import DECIMAL_DTYPE, DecimalArray, Epochs
from .devices import Device, devices
from .engine import Engine, EpochBatch, InferredBatch, RewardedBatch, SettledBatch
from .epoch import (
    Epoch,
    Inferred,
    Params,
    Report,
    Rewarded,
    Settled,
    State,
    Synthesis,
    TopicError,
    ValueBundle,
)
from .losses import LossBatch, LossFunction, bundle_losses, losses
from .reference.rules import Rules, rules_at
from .reputers import Bias, Missing, Noise, Reputer
from .resident import Resident
from .scenarios import World
from .states import States
from .tables import states_from_table, states_table

__version__ = "0.1.0"

__all__ = [
    "DECIMAL_DTYPE",
    "Bias",
    "DecimalArray",
    "Device",
    "Engine",
    "Epoch",
    "EpochBatch",
    "Epochs",
    "Inferred",
    "InferredBatch",
    "LossBatch",
    "LossFunction",
    "Missing",
    "Noise",
    "Params",
    "Report",
    "Reputer",
    "Resident",
    "Rewarded",
    "RewardedBatch",
    "Rules",
    "Settled",
    "SettledBatch",
    "State",
    "States",
    "Synthesis",
    "TopicError",
    "ValueBundle",
    "World",
    "bundle_losses",
    "devices",
    "losses",
    "rules_at",
    "states_from_table",
    "states_table",
]

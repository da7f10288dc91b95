"""Topics that live on a device: their states stay there over many epochs.

The participants of every topic, its labels, parameters and the lengths of its forecasts are those
of the epochs that a `Resident` is made of; what changes from epoch to epoch are numbers. They come
in arrays and results go into arrays, of the host or of the device: whatever has a
``__cuda_array_interface__``, such as arrays of CuPy or tensors of PyTorch, is used where it stands.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from . import _core
from .batch import Epochs
from .engine import Engine
from .epoch import Epoch, State, TopicError
from .states import States

__all__ = ["Resident"]

Moment = Literal["infer", "settle", "reward"]

ROSTER = (
    "topic_id",
    "labels",
    "inferer_offsets",
    "inferer",
    "value_offsets",
    "forecaster_offsets",
    "forecaster",
    "element_offsets",
    "reputer_offsets",
    "reputer",
    "report_offsets",
    "params",
)
"""Columns of `Epochs` that stay the same."""


def element_index(batch: Epochs) -> npt.NDArray[np.int32]:
    """Per element of a forecast the position of its inferer in the topic; -1: no inference."""
    columns = batch.columns
    topics = len(batch)
    first = columns["inferer_offsets"]
    widths = np.diff(columns["element_offsets"][columns["forecaster_offsets"]])
    # One key per topic and actor, looked up among the topic's inferers.
    scale = np.int64(1) << 32
    inferers = np.repeat(np.arange(topics) * scale, np.diff(first)) + columns["inferer"]
    wanted = np.repeat(np.arange(topics) * scale, widths) + columns["element_inferer"]
    order = np.argsort(inferers, kind="stable")
    if not len(order):
        return np.full(len(wanted), -1, np.int32)
    at = order[np.minimum(np.searchsorted(inferers, wanted, sorter=order), len(order) - 1)]
    place = at - np.repeat(first[:-1], widths)
    return np.where(inferers[at] == wanted, place, -1).astype(np.int32)


class Resident:
    """A float64 batch whose states live on the engine's device.

    Args:
        engine: computes in ``"float64"`` on a device.
        epochs: the participants, and the numbers of the first epoch.
        states: the topics' states before it, in the same order; None: all topics are new.

    Raises:
        ValueError: an engine without a device or in another number; epochs with faults.
        RuntimeError: out of the device's memory, with the bytes needed and free, and how many such
            topics would fit.
    """

    def __init__(
        self,
        engine: Engine,
        epochs: Epochs | Iterable[Epoch],
        states: States | Sequence[State] | None = None,
    ) -> None:
        if engine._device is None or engine.number != "float64":
            raise ValueError(f"states live on a device in float64 only, not with {engine!r}")
        batch, shelf = engine._batch(epochs, states)
        if batch.faults:
            raise ValueError(str(next(iter(batch.faults.values()))))
        self._epochs = batch
        self._core = _core.Resident(
            engine._rules, engine._host, engine._device, batch.columns, shelf.core
        )
        self.inputs: list[str] = self._core.names(True)
        self.outputs: list[str] = self._core.names(False)

    def __len__(self) -> int:
        return len(self._epochs)

    def epoch(
        self,
        numbers: Mapping[str, Any] | Epochs | None = None,
        *,
        out: Mapping[str, Any] | None = None,
        stream: Any = None,
    ) -> None:
        """Infer, settle and reward all topics, each from the state that the one before left.

        The call waits for nothing. It is ordered after the epoch before, and after what other
        libraries have put on the streams that their arrays name. Arrays in the host's memory are
        copied in; pinned ones must not change before `wait`.

        Args:
            numbers: by the names of the columns of `Epochs` (`inputs`): float64, and int64 for
                ``nonce``, flat, in the layout of those columns; instead of ``element_inferer``
                ``element_index``, int32: the inferer's position in its topic, -1 for one without
                an inference. One that is left out stays what it was in the epoch before. Or a
                batch of the same participants.
            out: device arrays for results by name (`outputs`); the others go to memory that the
                next epoch writes to again.
            stream: what to compute on: a handle of a stream, or an object of CuPy or PyTorch;
                None: a stream of its own.

        Raises:
            ValueError: an array of the wrong type, length, layout or device, named.
            RuntimeError: out of the device's memory, or the device failed.
        """
        if isinstance(numbers, Epochs):
            numbers = self._numbers(numbers)
        self._core.epoch(dict(numbers or {}), dict(out or {}), stream)

    def column(self, name: str) -> _core.DeviceColumn:
        """A result of the last epoch as an array with ``__cuda_array_interface__``, not copied.

        The names and layouts are those of the columns of `Engine.epoch`'s results. ``infer_cause``,
        ``settle_cause`` and ``reward_cause`` are 0 where a topic has results; 65535 where it had
        too little room, and else what `status` says in words. A topic without results has missing
        ones, as on the host.
        """
        return self._core.column(name)

    def read(self, name: str) -> npt.NDArray[Any]:
        """A result of the last epoch, copied to the host; waits for it."""
        return self._core.read(name)

    def status(self, moment: Moment) -> list[TopicError | None]:
        """Per topic None, or why a moment of the last epoch has no results; waits for it.

        The words are those of the host. Two causes are a device's own: ``does_not_fit`` (too
        little room; the state is as it was before the moment) and, of rewards, ``wrong_nonce`` of
        a nonce that is not above those of the recorded scores.
        """
        return [
            None if fault is None else TopicError(int(topic), *fault)
            for topic, fault in zip(
                self._epochs.columns["topic_id"], self._core.status(moment), strict=True
            )
        ]

    def states(self) -> States:
        """The states after the last epoch, copied to the host: equal to what it would have."""
        return States(self._core.states(), "float64")

    def wait(self) -> None:
        """Wait until the last epoch has been computed."""
        self._core.wait()

    @property
    def kernel_milliseconds(self) -> float:
        """What the last epoch took on the device, by its events; waits. 0: not measured."""
        return self._core.milliseconds

    @property
    def moved(self) -> dict[str, int]:
        """Bytes held on the device, and moved to it (in) and from it (out) so far."""
        return self._core.moved

    def _numbers(self, batch: Epochs) -> dict[str, Any]:
        if batch.number != "float64" or batch.faults:
            raise ValueError("a batch for the device is in float64 and has no faults")
        mine, others = self._epochs.columns, batch.columns
        for name in ROSTER:
            if not np.array_equal(mine[name], others[name], equal_nan=name == "params"):
                raise ValueError(f"the batch has another {name!r}: make a new Resident of it")
        index = element_index(batch)
        return {name: index if name == "element_index" else others[name] for name in self.inputs}

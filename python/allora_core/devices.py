"""Devices that were found when asked, on which an `Engine` may compute."""

from __future__ import annotations

from typing import NamedTuple

from . import _core

__all__ = ["Device", "devices"]


class Device(NamedTuple):
    """A device.

    Attributes:
        device: what it is called here: ``"cpu"``, ``"cuda:0"``.
        name: what its maker calls it.
        capability: CUDA's compute capability; None for the processor.
        memory: bytes of its own memory; None for the processor.
    """

    device: str
    name: str
    capability: tuple[int, int] | None = None
    memory: int | None = None


def devices() -> list[Device]:
    """The processor, then every CUDA device that this process may use.

    Without one, ``allora-core doctor`` says why.
    """
    found = [
        Device(entry["device"], entry["name"], entry["capability"], entry["memory"])
        for entry in _core.cuda_report()["devices"]
    ]
    return [Device("cpu", "the host's processors"), *found]

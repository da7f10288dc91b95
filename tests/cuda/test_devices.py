"""Devices: what is found, and float64 functions with the same bits on each."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest
from typer.testing import CliRunner

from allora_core import _core, devices
from allora_core.cli import app

FUNCTIONS = ("exp", "expm1", "log", "log1p", "log10", "log2", "pow", "tanh", "sqrt")
REPORT = _core.cuda_report()
DEVICES = [entry["device"] for entry in REPORT["devices"]]
needs_device = pytest.mark.skipif(not DEVICES, reason=f"no CUDA device: {REPORT['reason']}")


def arguments(size: int, seed: int) -> np.ndarray:
    """All bit patterns alike, ordinary magnitudes, and the edges of the type."""
    random = np.random.default_rng(seed)
    any_bits = random.integers(0, 2**64, size, dtype=np.uint64).view(np.float64)
    edges = np.array([0.0, 5e-324, 2.2250738585072014e-308, 1.0, 709.8, 2.0**64, np.inf, np.nan])
    return np.concatenate([any_bits, random.normal(0.0, 10.0, size), edges, -edges])


def test_the_processor_comes_first() -> None:
    found = devices()
    assert found[0].device == "cpu"
    assert [device.device for device in found[1:]] == DEVICES


def test_a_reason_is_given_where_no_device_is() -> None:
    assert bool(REPORT["devices"]) != bool(REPORT["reason"])
    assert bool(REPORT["build"]) == REPORT["built"]


def test_doctor() -> None:
    shown = CliRunner().invoke(app, ["doctor"])
    assert shown.exit_code == 0
    assert "cpu: the host's processors" in shown.output
    assert REPORT["reason"] in shown.output
    read = json.loads(CliRunner().invoke(app, ["doctor", "--json"]).output)
    assert read["cuda_built"] == REPORT["built"]
    assert [device["device"] for device in read["devices"]] == ["cpu", *DEVICES]


def test_functions_on_the_processor() -> None:
    x = np.array([1.0, 4.0])
    assert _core.apply_float64("sqrt", x).tolist() == [1.0, 2.0]
    assert _core.apply_float64("pow", x, x).tolist() == [1.0, 256.0]


@pytest.mark.parametrize("device", ["gpu", "cuda", "cuda:", "cuda:-1", "cuda:x", "cuda:9999"])
def test_unknown_devices(device: str) -> None:
    with pytest.raises(ValueError, match="unknown device"):
        _core.apply_float64("exp", np.ones(1), device=device)


def test_a_device_that_is_not_there_is_explained() -> None:
    with pytest.raises(ValueError, match="no device 'cuda:99'"):
        _core.apply_float64("exp", np.ones(1), device="cuda:99")


def test_bad_arguments() -> None:
    with pytest.raises(ValueError, match="unknown function 'sin'"):
        _core.apply_float64("sin", np.ones(1))
    with pytest.raises(ValueError, match="pow needs y"):
        _core.apply_float64("pow", np.ones(2), np.ones(1))


@needs_device
@pytest.mark.parametrize(("device", "function"), list(itertools.product(DEVICES, FUNCTIONS)))
def test_a_device_gives_the_bits_of_the_processor(device: str, function: str) -> None:
    x = arguments(500_000, 1)
    y = np.random.default_rng(2).permutation(arguments(500_000, 3))
    host = _core.apply_float64(function, x, y)
    found = _core.apply_float64(function, x, y, device)
    assert np.array_equal(host.view(np.uint64), found.view(np.uint64))


@needs_device
@pytest.mark.parametrize("device", DEVICES)
def test_an_empty_array(device: str) -> None:
    assert _core.apply_float64("exp", np.ones(0), device=device).size == 0

"""``allora-core doctor``: what this installation was built with and what it found."""

from __future__ import annotations

import json
import platform
from typing import Annotated, Any

import typer

from . import __version__, _core
from .devices import devices

__all__ = ["doctor_command", "findings"]


def findings() -> dict[str, Any]:
    """What was built and found, as plain values."""
    report = _core.cuda_report()
    return {
        "version": __version__,
        "python": platform.python_version(),
        "float64_variant": _core.variant(),
        "cuda_built": report["built"],
        "cuda_build": report["build"],
        "cuda_reason": report["reason"],
        "devices": [device._asdict() for device in devices()],
    }


def lines(found: dict[str, Any]) -> list[str]:
    """The findings in words."""
    built = f"built with {found['cuda_build']}" if found["cuda_built"] else "not built"
    text = [
        f"allora-core {found['version']}, Python {found['python']}",
        f"float64 on the processor: {found['float64_variant']}",
        f"CUDA side: {built}",
    ]
    for device in found["devices"]:
        more = ""
        if device["capability"] is not None:
            major, minor = device["capability"]
            more = f", compute capability {major}.{minor}, {device['memory'] / 2**30:.1f} GiB"
        text.append(f"{device['device']}: {device['name']}{more}")
    if found["cuda_reason"]:
        text.append(f"no CUDA device: {found['cuda_reason']}")
    return text


def doctor_command(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
) -> None:
    """Say what this installation was built with, and which devices it found.

    [bold]Examples[/]

      allora-core doctor

      allora-core doctor --json
    """
    try:
        found = findings()
    except ValueError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from error
    typer.echo(json.dumps(found, indent=2) if as_json else "\n".join(lines(found)))

"""libmpdec as a peer: compiles ``mpdec_peer.cpp`` when first asked and calls it.

libmpdec is not a dependency of the package. Where it is missing, `load` says how to get it and the
benchmarks that need it are skipped.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import subprocess
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

__all__ = ["MpdecMissing", "load", "time_decimal_operation", "version"]

SOURCE = Path(__file__).with_name("mpdec_peer.cpp")
BUILD = Path(__file__).parents[1] / "build" / "benchmarks"

HOW_TO_INSTALL = (
    "libmpdec with its header is needed: apt-get install libmpdec-dev where the distribution has "
    "it (Debian 12 does not), or build mpdecimal from source and set MPDECIMAL_PREFIX to its prefix"
)

FLAGS = ("-std=c++20", "-O3", "-fPIC", "-shared", "-Wall", "-Wextra", "-Wpedantic", "-Werror")


class MpdecMissing(RuntimeError):
    """The peer cannot be built here; the message says what to install."""


@lru_cache(maxsize=1)
def load() -> ctypes.CDLL:
    """The compiled peer.

    Raises:
        MpdecMissing: libmpdec or a C++ compiler is missing.
    """
    library = build()
    try:
        peer = ctypes.CDLL(str(library))
    except OSError as error:
        raise MpdecMissing(f"{HOW_TO_INSTALL} ({error})") from None
    texts = ctypes.POINTER(ctypes.c_char_p)
    pointers = ctypes.POINTER(ctypes.c_void_p)
    number = ctypes.POINTER(ctypes.c_double)
    size = ctypes.c_int64
    peer.mpdec_peer_time.argtypes = [ctypes.c_char_p, texts, texts, size, size, number, pointers]
    peer.mpdec_peer_time.restype = ctypes.c_int
    peer.mpdec_peer_free.argtypes = [pointers, size]
    peer.mpdec_peer_free.restype = None
    peer.mpdec_peer_version.restype = ctypes.c_char_p
    return peer


def build() -> Path:
    """Compile the source into the build folder, once per content, compiler and prefix."""
    compiler = os.environ.get("CXX", "c++")
    prefix = os.environ.get("MPDECIMAL_PREFIX", "")
    where = [f"-I{prefix}/include", f"-L{prefix}/lib", f"-Wl,-rpath,{prefix}/lib"] if prefix else []
    key = hashlib.sha256(
        b"\0".join([SOURCE.read_bytes(), compiler.encode(), " ".join(where).encode()])
    )
    library = BUILD / f"mpdec_peer-{key.hexdigest()[:16]}.so"
    if library.exists():
        return library
    BUILD.mkdir(parents=True, exist_ok=True)
    part = library.with_suffix(f".{os.getpid()}")
    command = [compiler, *FLAGS, str(SOURCE), *where, "-lmpdec", "-o", str(part)]
    try:
        made = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise MpdecMissing(f"no C++ compiler {compiler!r}: set CXX") from None
    if made.returncode != 0:
        reason = next((line for line in made.stderr.splitlines() if "error" in line), made.stderr)
        raise MpdecMissing(f"{HOW_TO_INSTALL} ({reason.strip()})")
    part.replace(library)
    return library


def version() -> str:
    """Version of libmpdec in use."""
    return bytes(load().mpdec_peer_version()).decode()


def time_decimal_operation(
    operation: str, a: Sequence[str], b: Sequence[str], repeats: int
) -> tuple[float, list[str]]:
    """Nanoseconds per operation of the best of `repeats` rounds, and the results as text.

    Args:
        operation: ``multiply``, ``divide`` (34 digits, truncated), ``add`` (exact), ``exp``, ``ln``
            (34 digits, half-even, less than one unit off in the last place),
            ``exp_correctly_rounded``, ``ln_correctly_rounded`` (slower), or ``sqrt``.
        a, b: operands of equal count as text; functions of one number ignore `b`.
        repeats: rounds over all operands.

    Raises:
        ValueError: unknown operation, unequal counts, no operands, or operands out of the domain.
        MpdecMissing: see `load`.
    """
    count = len(a)
    if count == 0 or len(b) != count or repeats < 1:
        raise ValueError("as many operands a as b are needed, at least one, and at least one round")
    peer = load()
    columns = [(ctypes.c_char_p * count)(*(text.encode() for text in side)) for side in (a, b)]
    results = (ctypes.c_void_p * count)()
    nanoseconds = ctypes.c_double()
    code = peer.mpdec_peer_time(
        operation.encode(), *columns, count, repeats, ctypes.byref(nanoseconds), results
    )
    if code == 1:
        raise ValueError(f"unknown operation {operation!r}")
    if code != 0:
        raise ValueError(f"libmpdec refused an operand of {operation}")
    texts = [ctypes.string_at(pointer or 0).decode() for pointer in results]
    peer.mpdec_peer_free(results, count)
    return nanoseconds.value, texts

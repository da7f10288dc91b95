"""The chain's life over an archive: nonces, windows, stakes, and what they lead to."""

from .replay import Replayed, replay

__all__ = ["Replayed", "replay"]

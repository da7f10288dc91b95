"""The chain's life over an archive: nonces, windows, stakes, and what they lead to."""

from .replay import Piece, Replay, Replayed, replay

__all__ = ["Piece", "Replay", "Replayed", "replay"]

"""Benchmarks of the engine against its peers: scenarios, the NumPy peer, and what times both."""

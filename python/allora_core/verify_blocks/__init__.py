"""A chain's own record against what follows from its inputs."""

"""Prints what the checks and tests need, from the one place that states it."""

try:
    import tomllib
except ModuleNotFoundError:
    import tomli as tomllib

with open("pyproject.toml", "rb") as file:
    project = tomllib.load(file)["project"]

print("\n".join([*project["dependencies"], *project["optional-dependencies"]["dev"]]))

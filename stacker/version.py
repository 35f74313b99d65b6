"""The version of the program: here for `pyproject.toml` too, so that no start has to look through what is installed."""

VERSION = "0.1.0"

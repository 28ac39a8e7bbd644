"""Specs to begin with, one JSON file each."""

from importlib.resources import files

# In the order in which they are shown.
EXAMPLES = ("vanishing", "exploding", "healthy", "memory", "transformer")


def example_text(name: str) -> str:
    """The text of one of `EXAMPLES`."""
    return files(__package__).joinpath(f"{name}.json").read_text(encoding="utf-8")

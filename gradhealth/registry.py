"""Finds implementations by importing every module of a folder: nothing to register."""

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from functools import cache
from types import ModuleType
from typing import TypeVar

T = TypeVar("T")


@cache
def modules(package: str) -> tuple[ModuleType, ...]:
    """Imports every module directly inside `package`, in the order of their names."""
    parent = importlib.import_module(package)
    return tuple(
        importlib.import_module(f"{package}.{info.name}")
        for info in pkgutil.iter_modules(parent.__path__)
    )


def subclasses_in(package: str, base: type[T]) -> Iterator[type[T]]:
    """Every concrete subclass of `base` defined in the modules of `package`."""
    for module in modules(package):
        for value in vars(module).values():
            if (
                isinstance(value, type)
                and issubclass(value, base)
                and value.__module__ == module.__name__
                and not inspect.isabstract(value)
                and not value.__name__.startswith("_")
            ):
                yield value

"""Libraries that need not be installed: where they are not, their base classes."""

import importlib
import importlib.util
import sys
import types


def library(monkeypatch, name, **classes):
    """The module, or one that has nothing but `classes`."""
    top = name.partition(".")[0]
    if importlib.util.find_spec(top):
        return importlib.import_module(name)
    module = types.ModuleType(name)
    for key, value in classes.items():
        setattr(module, key, value)
    monkeypatch.setitem(sys.modules, top, types.ModuleType(top))
    monkeypatch.setitem(sys.modules, name, module)
    return module

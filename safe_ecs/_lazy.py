"""Imports the public names of a package at their first use, because importing the SDK takes half a second.

pytest imports this package at every start, for the plugin of safe_ecs.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def offer(package: str, homes: Mapping[str, str]) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """Return ``__getattr__`` and ``__dir__`` for a package that offers names.

    Args:
        package: The name of the package.
        homes: The module of each name.
    """
    module = sys.modules[package]

    def find(name: str) -> object:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value: object = getattr(import_module(homes[name]), name)
        # The next use finds the name in the module, without this function.
        setattr(module, name, value)
        return value

    return find, lambda: sorted(homes)

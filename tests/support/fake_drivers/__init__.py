"""Drivers: each calls one operation of FakeEcs through the stock SDK, and reads the outcome back.

A driver has the name of its operation, in Python's spelling. The modules have the names of the modules of
``safe_ecs.testing._operations``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.support.fake_drivers import groups, instances, interfaces, membership, rules, tags, templates

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.fake_world import World

DRIVERS: dict[str, Callable[[Any, World], None]] = {
    "".join(word.capitalize() for word in name.split("_")): drive
    for module in (groups, rules, membership, instances, interfaces, templates, tags)
    for name, drive in vars(module).items()
    if getattr(drive, "__module__", None) == module.__name__
}

"""Puts a mutant in the place of its module, before that is imported or, where no more than a function differs, after."""

from __future__ import annotations

import inspect
import sys
from importlib import import_module
from importlib.abc import MetaPathFinder
from importlib.machinery import SourceFileLoader
from importlib.util import spec_from_file_location
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec
    from pathlib import Path
    from types import CodeType

    from tests.tools.mutation.mutants import Mutant


def module_name(package: Path, mutant: Mutant) -> str:
    """Return the name by which a mutant's module is imported."""
    return ".".join((package.name, *mutant.path.removesuffix(".py").split("/")))


def import_mutant(package: Path, mutant: Mutant) -> None:
    """Import a mutant, whose module must not have been imported yet."""
    name = module_name(package, mutant)
    sys.meta_path.insert(0, _Finder(name, package / mutant.path, mutant.source))
    # At once: pytest puts an importer of its own, which knows the module by its file, in front of this one.
    import_module(name)


def put_in_place(module: ModuleType, mutant: Mutant) -> bool:
    """Give a function of an imported module the code of the mutant's; return False if that is not all it takes."""
    function = _function_at(module, mutant.place)
    twin = ModuleType(module.__name__)
    if function is None:
        return False
    exec(_compiled(mutant.source, str(module.__file__)), vars(twin))  # noqa: S102 - what it is about
    changed = _function_at(twin, mutant.place)
    if changed is None or changed.__code__.co_freevars != function.__code__.co_freevars:
        return False
    function.__code__ = changed.__code__
    function.__defaults__ = changed.__defaults__
    function.__kwdefaults__ = changed.__kwdefaults__
    for thing in vars(module).values():
        if hasattr(thing, "cache_clear"):
            thing.cache_clear()
    return True


def _function_at(module: ModuleType, place: str) -> FunctionType | None:
    """Return the outermost function of a place, without its decorators."""
    owner: object = module
    for name in place.split("."):
        thing = inspect.getattr_static(owner, name, None)
        thing = getattr(thing, "fget", getattr(thing, "__func__", thing))
        if callable(thing):
            thing = inspect.unwrap(thing)
        if isinstance(thing, FunctionType):
            return thing
        owner = thing
    return None


class _Finder(MetaPathFinder):
    def __init__(self, name: str, path: Path, source: str) -> None:
        self._name = name
        self._path = path
        self._source = source

    def find_spec(self, name: str, path: object, target: object = None) -> ModuleSpec | None:
        if name != self._name:
            return None
        return spec_from_file_location(name, self._path, loader=_Loader(name, str(self._path), self._source))


class _Loader(SourceFileLoader):
    def __init__(self, name: str, path: str, source: str) -> None:
        super().__init__(name, path)
        self._source = source

    def get_code(self, fullname: str) -> CodeType:
        return _compiled(self._source, self.path)


def _compiled(source: str, path: str) -> CodeType:
    return compile(source, path, "exec", dont_inherit=True)

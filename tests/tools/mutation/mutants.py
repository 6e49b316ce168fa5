"""The mutants of a module: its source with one small change each, made by mutmut's operators.

mutmut's own command changes functions only, and none that is decorated, so that no property and no table would be
tried. Here every statement is. Left out is what no test could tell apart, or none should: annotations and type
aliases, what is imported for them alone, docstrings, and sentences (a string literal with a blank in it), whose
wording no test has to repeat.
"""

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING, Any, NamedTuple

import libcst as cst
import libcst.matchers as m
from libcst.metadata import MetadataWrapper
from mutmut.mutation.file_mutation import MutationVisitor, deep_replace
from mutmut.mutation.mutators import mutation_operators, operator_string
from mutmut.mutation.pragma_handling import IgnoredCode

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_FOR_TYPES_ALONE = (
    m.AnnAssign(annotation=m.Annotation(m.Name("TypeAlias")))
    | m.Assign(value=m.Call(func=m.Name("TypeVar")))
    | m.If(test=m.Name("TYPE_CHECKING"))
)


class Mutant(NamedTuple):
    """A module with one change.

    Attributes:
        path: The module, relative to the package.
        place: The function or class that is changed, "" for the module itself.
        line: The number of the first line that differs.
        change: The lines that differ, as in a diff, without their indentation.
        source: The whole module.
    """

    path: str
    place: str
    line: int
    change: tuple[str, ...]
    source: str


def mutants_of(package: Path, path: str) -> list[Mutant]:
    """Return every mutant of a module that can be compiled, each once."""
    original = (package / path).read_text(encoding="utf-8")
    wrapper = MetadataWrapper(cst.parse_module(original))
    changes = _Changes()
    wrapper.visit(changes)
    by_source: dict[str, Mutant] = {}
    for place, old, new in changes.found:
        changed = deep_replace(wrapper.module, old, new)
        if isinstance(changed, cst.Module) and changed.code != original and _compiles(changed.code):
            line, change = _difference(original, changed.code)
            by_source.setdefault(changed.code, Mutant(path, place, line, change, changed.code))
    return list(by_source.values())


class _Changes(MutationVisitor):
    """Finds what can be changed, and where it stands."""

    def __init__(self) -> None:
        nothing = IgnoredCode(set(), set(), set())
        super().__init__([(kind, _operator(change)) for kind, change in mutation_operators], nothing)
        self.found: list[tuple[str, cst.CSTNode, cst.CSTNode]] = []
        self._names: list[str] = []

    def on_visit(self, node: cst.CSTNode) -> bool:
        if isinstance(node, (cst.FunctionDef, cst.ClassDef)):
            self._names.append(node.name.value)
        before = len(self.mutations)
        goes_on = super().on_visit(node)
        place = ".".join(self._names)
        self.found += [(place, each.original_node, each.mutated_node) for each in self.mutations[before:]]
        return goes_on

    def on_leave(self, original_node: cst.CSTNode) -> None:
        if isinstance(original_node, (cst.FunctionDef, cst.ClassDef)):
            self._names.pop()
        super().on_leave(original_node)

    def _skip_node_and_children(self, node: cst.CSTNode) -> bool:
        if m.matches(node, _FOR_TYPES_ALONE):
            return True
        if isinstance(node, cst.FunctionDef) and node.decorators:
            return False
        return super()._skip_node_and_children(node)


def _operator(change: Any) -> Any:
    return _change_string if change is operator_string else change


def _change_string(node: cst.BaseString) -> Iterator[cst.BaseString]:
    """Change a string once, not three times: a test that notices one change notices the others."""
    if not (isinstance(node, cst.SimpleString) and " " in node.value.strip()):
        yield from list(operator_string(node))[:1]


def _compiles(source: str) -> bool:
    try:
        compile(source, "a mutant", "exec", dont_inherit=True)
    except SyntaxError:
        return False
    return True


def _difference(original: str, changed: str) -> tuple[int, tuple[str, ...]]:
    """Return the number of the first line that differs, and the lines that differ, as in a diff."""
    before, after = original.splitlines(), changed.splitlines()
    begin = _alike(before, after)
    end = _alike(before[begin:][::-1], after[begin:][::-1])
    old, new = (lines[begin : len(lines) - end] for lines in (before, after))
    return begin + 1, (*(f"- {line.strip()}" for line in old), *(f"+ {line.strip()}" for line in new))


def _alike(some: list[str], others: list[str]) -> int:
    """Return how many lines are the same before the first that differs."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(some, others, strict=False)))

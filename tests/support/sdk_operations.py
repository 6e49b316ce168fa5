"""Every operation of the installed SDK: its action, the methods that send it, and its request model.

The operations are read from the SDK itself. An operation of a new SDK takes part without a change here.
"""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final, get_args, get_origin, get_type_hints

from alibabacloud_ecs20140526.client import Client as StockClient

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_ACTION: Final = re.compile(r"action\s*=\s*'(\w+)'")
_FORMS: Final = {
    (False, False): "sync",
    (False, True): "sync with options",
    (True, False): "async",
    (True, True): "async with options",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SdkOperation:
    """One operation.

    Attributes:
        action: The action sent.
        methods: The name of the method for each form.
        request: The request model.
        response: The response model.
    """

    action: str
    methods: Mapping[str, str]
    request: type
    response: type


@cache
def operations() -> Mapping[str, SdkOperation]:
    """Return every operation by its action. The action comes from the method's source, as some names differ from it."""
    methods: dict[str, dict[str, str]] = {}
    for name, method in vars(StockClient).items():
        # Two names break the rule: "..._qo_swith_options".
        stem, is_with_options, rest = name.partition("with_options")
        if is_with_options and rest in {"", "_async"}:
            found = _ACTION.search(inspect.getsource(method))
            assert found, name
            forms = methods.setdefault(found[1], {})
            forms[_FORMS[bool(rest), True]] = name
            forms[_FORMS[bool(rest), False]] = stem.rstrip("_") + rest
    return {action: _operation(action, forms) for action, forms in sorted(methods.items())}


def _operation(action: str, forms: dict[str, str]) -> SdkOperation:
    hints = get_type_hints(getattr(StockClient, forms["sync with options"]))
    response = hints.pop("return")
    request = next(iter(hints.values()))
    return SdkOperation(action=action, methods=forms, request=request, response=response)


@cache
def fields(model: type) -> Mapping[str, Any]:
    """Return the parameters of a model's constructor with their types: a scalar, a model, a list or a mapping."""
    hints = get_type_hints(inspect.getattr_static(model, "__init__"))
    hints.pop("return", None)
    return hints


def models_in(kind: Any) -> Iterator[type]:
    """Yield the models within a field's type."""
    if get_origin(kind) is not None:
        for member in get_args(kind):
            yield from models_in(member)
    elif is_model(kind):
        yield kind


def is_model(kind: Any) -> bool:
    return inspect.isclass(kind) and hasattr(kind, "to_map")


def field_names(model: type) -> Iterator[str]:
    """Yield the names of a model's fields at any depth."""
    for name, kind in fields(model).items():
        yield name
        for nested in models_in(kind):
            yield from field_names(nested)

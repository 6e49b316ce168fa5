"""Request models of the SDK with values in every field, and with values drawn by Hypothesis."""

from __future__ import annotations

from typing import Any, get_args, get_origin

from hypothesis import strategies as st

from tests.support.sdk_operations import fields, is_model

_TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=12)
_IDS = st.sampled_from(["sg-1", " SG-2 ", "sg-3", "i-1", "cn-hangzhou", ""])
_SCALARS = {
    str: _IDS | _TEXTS,
    int: st.integers(-(2**63), 2**63),
    float: st.floats(allow_nan=False, allow_infinity=False),
    bool: st.booleans(),
}
_NUMBER_OF_MEMBERS = 2


def filled(model: type) -> Any:
    """Return a request with every field set, at every depth."""
    return model(**{name: _value(name, kind) for name, kind in fields(model).items()})


def _value(name: str, kind: Any) -> Any:
    if get_origin(kind) is list:
        return [_value(f"{name}-{number}", get_args(kind)[0]) for number in range(_NUMBER_OF_MEMBERS)]
    if get_origin(kind) is dict:
        return {"key": f"{name} ~/+&= \u00fc", "number": 7}
    if is_model(kind):
        return filled(kind)
    return {str: f"{name} ~/+&= \u00fc", int: 7, float: 1.5, bool: True}[kind]


def requests(model: type) -> st.SearchStrategy[Any]:
    """Return a strategy for requests: any fields set, any values of their types."""
    return st.builds(model, **{name: st.none() | _values(kind) for name, kind in fields(model).items()})


def _values(kind: Any) -> st.SearchStrategy[Any]:
    if get_origin(kind) is list:
        return st.lists(_values(get_args(kind)[0]), max_size=3)
    if get_origin(kind) is dict:
        return st.dictionaries(_TEXTS, _TEXTS | st.integers(0, 9), max_size=2)
    if is_model(kind):
        return requests(kind)
    return _SCALARS[kind]

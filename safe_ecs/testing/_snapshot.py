"""The state of FakeEcs as JSON, to save, read, edit and load it."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Any, Final

from safe_ecs.testing._state import (
    LaunchTemplate,
    Member,
    Rule,
    SecurityGroup,
    State,
    TemplateVersion,
)

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_FORMAT: Final = 1


def as_json(state: State) -> dict[str, object]:
    """Return a state as values for JSON."""
    return {
        "format": _FORMAT,
        "security_groups": [_fields(each) for each in state.groups.values()],
        "instances": [_fields(each) for each in state.instances.values()],
        "network_interfaces": [_fields(each) for each in state.interfaces.values()],
        "launch_templates": [
            {**_fields(each), "versions": [_fields(version) for version in each.versions.values()]}
            for each in state.templates.values()
        ],
    }


def _fields(kept: DataclassInstance) -> dict[str, Any]:
    # Serial numbers only order listings. Loaded resources get new ones, in the same order.
    return asdict(kept, dict_factory=lambda pairs: {name: value for name, value in pairs if name != "serial"})


def save_state(state: State, path: Path) -> None:
    """Write a state to a file, whole or not at all.

    Raises:
        OSError: The file cannot be written.
    """
    with NamedTemporaryFile("w", dir=path.parent, prefix=path.name, delete=False) as file:
        json.dump(as_json(state), file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    Path(file.name).replace(path)


def load_state(path: Path) -> State:
    """Return the state in a file.

    Raises:
        OSError: The file cannot be read.
        ValueError: The file holds no state; the message names the mistake.
    """
    try:
        return _state_of(json.loads(path.read_text()))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} holds no state of FakeEcs: {type(error).__name__}: {error}") from error


def _state_of(saved: dict[str, Any]) -> State:
    if saved["format"] != _FORMAT:
        raise ValueError(f"format {saved['format']!r} is not {_FORMAT}")
    state = State()
    for fields in saved["security_groups"]:
        rules = [Rule(**each) for each in fields["rules"]]
        state.add_group(SecurityGroup(**{**fields, "rules": rules}))
    for fields in saved["instances"]:
        member = Member(**fields)
        state.instances[member.member_id] = member
    for fields in saved["network_interfaces"]:
        member = Member(**fields)
        state.interfaces[member.member_id] = member
    for fields in saved["launch_templates"]:
        versions = [TemplateVersion(**each) for each in fields["versions"]]
        template = LaunchTemplate(**{**fields, "versions": {each.number: each for each in versions}})
        state.templates[template.template_id] = template
    return state

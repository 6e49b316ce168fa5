"""The spellings of group ids: the one that the guard compares, and the ones that it asks ECS for."""

from __future__ import annotations

from collections.abc import Iterable


def normal_id(security_group_id: str) -> str:
    """Return an id as the guard compares ids. ECS does not document whether case and blanks matter."""
    return security_group_id.strip().lower()


def spellings_of(security_group_id: str) -> dict[str, None]:
    """Return the spellings to ask ECS for: lower case, and the caller's own if it differs.

    ECS does not document whether it minds case. A group that is found under either spelling is the caller's target.
    """
    return {security_group_id.lower(): None, security_group_id: None}


def normal_ids(security_group_ids: Iterable[object]) -> tuple[str, ...]:
    """Return ids as the guard compares ids, each once.

    Raises:
        TypeError: An id is not a string, or ``security_group_ids`` is a single string.
    """
    if isinstance(security_group_ids, (str, bytes)):
        raise TypeError(f"security_group_ids must be several ids, not the string {security_group_ids!r}")
    normal: list[str] = []
    for security_group_id in security_group_ids:
        if not isinstance(security_group_id, str):
            unpacked = "; unpack it with *" if isinstance(security_group_id, Iterable) else ""
            raise TypeError(f"a security group id is a string, not {security_group_id!r}{unpacked}")
        normal.append(normal_id(security_group_id))
    return tuple(dict.fromkeys(normal))

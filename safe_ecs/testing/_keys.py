"""Who may sign: access keys of accounts and of cloud services, STS tokens, and the nonces they have used."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from safe_ecs.testing._errors import invalid, not_found

if TYPE_CHECKING:
    from collections.abc import Iterator

SECRET: Final = "fake-secret"  # noqa: S105 - opens nothing
"""The secret of every key that FakeEcs makes itself."""

NONCE_SECONDS: Final = 900.0
"""How far a date may be off, and so how long a nonce has to be remembered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessKey:
    """An access key.

    Attributes:
        access_key_id: Its id.
        access_key_secret: What signatures are made with.
        service_id: The cloud service it belongs to; None for an account.
        security_token: The STS token that must come with it; "" for a lasting key.
        expires: When the token ends, in seconds since the epoch; None for never.
    """

    access_key_id: str
    access_key_secret: str = field(repr=False)
    service_id: int | None = None
    security_token: str = field(default="", repr=False)
    expires: float | None = None

    @property
    def caller(self) -> str:
        """Who it belongs to, in words."""
        return "account" if self.service_id is None else f"service {self.service_id}"


class Keyring:
    """The access keys that are known, and the nonces that were used with them."""

    def __init__(self) -> None:
        self._keys: dict[str, AccessKey] = {}
        self._nonces: set[tuple[str, str]] = set()
        self._ages: deque[tuple[float, tuple[str, str]]] = deque()

    def __iter__(self) -> Iterator[AccessKey]:
        """Iterate over the keys."""
        return iter(tuple(self._keys.values()))

    def add(self, key: AccessKey) -> None:
        """Know a key, in place of one with the same id."""
        self._keys[key.access_key_id] = key

    def remove(self, access_key_id: str) -> None:
        """Know a key no more.

        Raises:
            KeyError: There is no such key.
        """
        del self._keys[access_key_id]

    def get(self, access_key_id: str) -> AccessKey | None:
        """Return a key, None if it is not known."""
        return self._keys.get(access_key_id)

    def find(self, access_key_id: str, security_token: str, now: float) -> AccessKey:
        """Return the key that a request says it is signed with.

        Raises:
            EcsError: There is none, or the token is not the one that goes with it.
        """
        if not access_key_id:
            raise invalid("MissingAccessKeyId", "AccessKeyId is mandatory for this action.")
        key = self._keys.get(access_key_id)
        if key is None:
            raise not_found("InvalidAccessKeyId.NotFound", "Specified access key is not found.")
        if key.security_token and not security_token:
            raise invalid("MissingSecurityToken", "SecurityToken is mandatory for this action.")
        if security_token != key.security_token:
            if any(other.security_token == security_token for other in self._keys.values()):
                raise invalid(
                    "InvalidSecurityToken.MismatchWithAccessKey",
                    "Specified SecurityToken mismatch with the AccessKey.",
                )
            raise invalid("InvalidSecurityToken.Malformed", "Specified SecurityToken is malformed.")
        if key.expires is not None and now >= key.expires:
            raise invalid("InvalidSecurityToken.Expired", "Specified SecurityToken is expired.")
        return key

    def use_nonce(self, key: AccessKey, nonce: str, now: float) -> None:
        """Remember the nonce of a request, as long as the date of the request would be good.

        Raises:
            EcsError: The key was used with it before.
        """
        while self._ages and self._ages[0][0] < now - 2 * NONCE_SECONDS:
            self._nonces.discard(self._ages.popleft()[1])
        used = key.access_key_id, nonce
        if used in self._nonces:
            raise invalid("SignatureNonceUsed", "Specified signature nonce was used already.")
        self._nonces.add(used)
        self._ages.append((now, used))

"""The access keys of accounts and of cloud services, their STS tokens, and the nonces of past requests."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from safe_ecs.testing._errors import invalid, not_found

if TYPE_CHECKING:
    from collections.abc import Iterator

SECRET: Final = "fake-secret"  # noqa: S105 - for tests alone
"""The secret of every key that FakeEcs makes itself."""

NONCE_SECONDS: Final = 900.0
"""The largest difference between a request's date and the clock. Nonces are kept for twice as long: dates may lie ahead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessKey:
    """An access key.

    Attributes:
        access_key_id: The id of the key.
        access_key_secret: The secret for signatures.
        service_id: The cloud service of the key; None for an account.
        security_token: The STS token that must come with the key; "" for a lasting key.
        expires: The end of the token, in seconds since the epoch; None for never.
    """

    access_key_id: str
    access_key_secret: str = field(repr=False)
    service_id: int | None = None
    security_token: str = field(default="", repr=False)
    expires: float | None = None

    @property
    def caller(self) -> str:
        """The owner of the key: ``"account"`` or ``"service N"``."""
        return "account" if self.service_id is None else f"service {self.service_id}"


class Keyring:
    """The accepted access keys, and the nonces that were used with them."""

    def __init__(self) -> None:
        self._keys: dict[str, AccessKey] = {}
        self._nonces: set[tuple[str, str]] = set()
        self._ages: deque[tuple[float, tuple[str, str]]] = deque()

    def __iter__(self) -> Iterator[AccessKey]:
        """Iterate over the keys."""
        return iter(tuple(self._keys.values()))

    def add(self, key: AccessKey) -> None:
        """Add a key, in place of one with the same id."""
        self._keys[key.access_key_id] = key

    def remove(self, access_key_id: str) -> None:
        """Remove a key.

        Raises:
            KeyError: The key is not known.
        """
        del self._keys[access_key_id]

    def get(self, access_key_id: str) -> AccessKey | None:
        """Return a key, None if the id is unknown."""
        return self._keys.get(access_key_id)

    def find(self, access_key_id: str, security_token: str, now: float) -> AccessKey:
        """Return the key that a request names.

        Raises:
            EcsError: The key is missing or unknown, or its token is missing, wrong or expired.
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
        """Remember the nonce of a request, for as long as the date of the request can be valid.

        Raises:
            EcsError: The key was used with this nonce before.
        """
        while self._ages and self._ages[0][0] < now - 2 * NONCE_SECONDS:
            self._nonces.discard(self._ages.popleft()[1])
        used = key.access_key_id, nonce
        if used in self._nonces:
            raise invalid("SignatureNonceUsed", "Specified signature nonce was used already.")
        self._nonces.add(used)
        self._ages.append((now, used))

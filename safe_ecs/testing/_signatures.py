"""The check of a request's signature: ACS3-HMAC-SHA256, the older RPC signature 1.0, or the signature of ROA requests."""

from __future__ import annotations

import hmac
import re
from base64 import b64encode
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from safe_ecs.testing._errors import EcsError, invalid
from safe_ecs.testing._keys import NONCE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from safe_ecs.testing._keys import AccessKey, Keyring
    from safe_ecs.testing._server import Received

_ACS3: Final = re.compile(
    r"ACS3-HMAC-SHA256 Credential=([^,\s]+), ?SignedHeaders=([^,\s]+), ?Signature=([0-9a-f]{64})"
)
_ROA: Final = re.compile(r"acs ([^:\s]+):(\S+)")
_CREDENTIAL: Final = re.compile(r"Credential=([^,\s]+)|acs ([^:\s]+):")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Claim:
    """The signature in a request, with its parameters.

    ``signed`` holds every text that the signature may belong to. It has two where the SDK differs from the
    documentation, or where an HTTP library changes the request after the SDK has signed it.
    """

    access_key_id: str
    security_token: str
    date: str
    nonce: str
    signature: str
    digest: str
    suffix: str = ""
    signed: tuple[str, ...]


def claimed_key(received: Received) -> str:
    """Return the id of the access key that a request names, "" if it names none."""
    match = _CREDENTIAL.search(received.headers.get("authorization", ""))
    return (match[1] or match[2]) if match else dict(received.pairs).get("AccessKeyId", "")


def verify(received: Received, keyring: Keyring, now: float) -> AccessKey:
    """Check the signature of a request, and return its key.

    Args:
        received: The request.
        keyring: The accepted keys; remembers the nonce.
        now: The time in seconds since the epoch.

    Raises:
        EcsError: The key is unknown, the signature is missing or wrong, the date is too far off, or the nonce was
            used before.
    """
    claim = _read(received)
    key = keyring.find(claim.access_key_id, claim.security_token, now)
    if abs(_timestamp(claim.date) - now) > NONCE_SECONDS:
        raise invalid("InvalidTimeStamp.Expired", "Specified time stamp or date value is expired.")
    secret = (key.access_key_secret + claim.suffix).encode()
    for text in claim.signed:
        digest = hmac.new(secret, text.encode(), claim.digest).digest()
        ours = digest.hex() if received.is_acs3 else b64encode(digest).decode()
        if hmac.compare_digest(ours.encode(), claim.signature.encode()):
            break
    else:
        raise invalid(
            "SignatureDoesNotMatch",
            "Specified signature is not matched with our calculation. server string to sign is:"
            + claim.signed[0],
        )
    if not claim.nonce:
        raise invalid("MissingSignatureNonce", "SignatureNonce is mandatory for this action.")
    keyring.use_nonce(key, claim.nonce, now)
    return key


def _read(received: Received) -> _Claim:
    authorization = received.headers.get("authorization", "")
    if received.is_acs3:
        return _acs3(received, authorization)
    if authorization.startswith("acs "):
        return _roa(received, authorization)
    parameters = dict(received.pairs)
    if "Signature" in parameters or "AccessKeyId" in parameters:
        return _rpc(received, parameters)
    if authorization:
        raise _incomplete()
    raise invalid("MissingAccessKeyId", "AccessKeyId is mandatory for this action.")


def _incomplete() -> EcsError:
    return invalid("IncompleteSignature", "The request signature does not conform to Aliyun standards.")


def _acs3(received: Received, authorization: str) -> _Claim:
    match, headers = _ACS3.fullmatch(authorization.strip()), received.headers
    if match is None:
        raise _incomplete()
    names = match[2].lower().split(";")
    must = {"host", *(name for name in headers if name.startswith("x-acs-"))}
    if not must.issubset(names) or not headers.keys() >= set(names):
        raise _incomplete()
    if headers.get("x-acs-content-sha256") != sha256(received.body).hexdigest():
        raise invalid(
            "SignatureDoesNotMatch",
            "The header x-acs-content-sha256 is not the SHA-256 of the body that arrived.",
        )
    lines = "".join(f"{name}:{headers[name].strip()}\n" for name in sorted(names))
    rest = f"{lines}\n{match[2]}\n{headers['x-acs-content-sha256']}"
    query = sorted(received.query)
    encoded = sorted((_encoded(name), _encoded(value)) for name, value in query)
    # The documentation encodes names like values; the SDK does not encode names.
    as_in_sdk = [(name, _encoded(value)) for name, value in query]
    signed = []
    for pairs in [encoded] if as_in_sdk == encoded else [encoded, as_in_sdk]:
        canonical = f"{received.method}\n{received.path or '/'}\n{_joined(pairs)}\n{rest}"
        signed.append(f"ACS3-HMAC-SHA256\n{sha256(canonical.encode()).hexdigest()}")
    return _Claim(
        access_key_id=match[1],
        security_token=headers.get("x-acs-security-token", ""),
        date=headers.get("x-acs-date", ""),
        nonce=headers.get("x-acs-signature-nonce", ""),
        signature=match[3],
        digest="sha256",
        signed=tuple(signed),
    )


def _rpc(received: Received, parameters: dict[str, str]) -> _Claim:
    if parameters.get("SignatureMethod") != "HMAC-SHA1" or parameters.get("SignatureVersion") != "1.0":
        raise _incomplete()
    pairs = sorted((_encoded(k), _encoded(v)) for k, v in parameters.items() if k != "Signature")
    return _Claim(
        access_key_id=parameters.get("AccessKeyId", ""),
        security_token=parameters.get("SecurityToken", ""),
        date=parameters.get("Timestamp", ""),
        nonce=parameters.get("SignatureNonce", ""),
        signature=parameters.get("Signature", ""),
        digest="sha1",
        suffix="&",
        signed=(f"{received.method}&%2F&{_encoded(_joined(pairs))}",),
    )


def _roa(received: Received, authorization: str) -> _Claim:
    match, headers = _ROA.fullmatch(authorization.strip()), received.headers
    if match is None:
        raise _incomplete()
    content_type = headers.get("content-type", "")
    ours = [f"{name}:{headers[name]}" for name in sorted(headers) if name.startswith("x-acs-")]
    query = "&".join(f"{name}={value}" if value else name for name, value in sorted(received.query))
    resource = f"{received.path}?{query}" if query else received.path
    texts = [
        "\n".join([
            received.method,
            headers.get("accept", ""),
            headers.get("content-md5", ""),
            each,
            headers.get("date", ""),
            *ours,
            resource,
        ])
        # aiohttp adds a content type to a request without one, after the SDK has signed it.
        for each in dict.fromkeys((content_type, ""))
    ]
    return _Claim(
        access_key_id=match[1],
        security_token=headers.get("x-acs-security-token", ""),
        date=headers.get("date", ""),
        nonce=headers.get("x-acs-signature-nonce", ""),
        signature=match[2],
        digest="sha1",
        signed=tuple(texts),
    )


def _timestamp(text: str) -> float:
    if not text:
        raise invalid("MissingTimestamp", "Timestamp is mandatory for this action.")
    try:
        if text.endswith("Z"):
            return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp()
        return parsedate_to_datetime(text).timestamp()
    except ValueError:
        raise invalid(
            "InvalidTimeStamp.Format", "Specified time stamp or date value is not well formatted."
        ) from None


def _encoded(text: str) -> str:
    return quote(text, safe="~")


def _joined(pairs: Sequence[tuple[str, str]]) -> str:
    return "&".join(f"{name}={value}" for name, value in pairs)

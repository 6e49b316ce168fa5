"""Checks the signature of a request, by the algorithms that the API reference documents.

Source: *Request syntax and signature method V3*, *V2 of the RPC style*, *V2 of the ROA style*.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import b64encode
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, quote, urlsplit

if TYPE_CHECKING:
    from tests.tools.differential.recorder import Wire

SECRET: Final = "the-secret"
_V3: Final = re.compile(r"ACS3-HMAC-SHA256 Credential=[^,]+,SignedHeaders=([^,]+),Signature=([0-9a-f]{64})")


def scheme_of(wire: Wire) -> str:
    """Return the algorithm of a request's signature, "" if there is none.

    Raises:
        AssertionError: The request is signed, and the signature is wrong.
    """
    headers = {name.lower(): value for name, value in wire.headers}
    authorization = headers.get("authorization", "")
    query = parse_qsl(urlsplit(wire.target).query, keep_blank_values=True)
    if found := _V3.fullmatch(authorization):
        assert hmac.compare_digest(found[2], _v3(wire, headers, query, found[1])), wire
        return "ACS3-HMAC-SHA256"
    if authorization.startswith("acs "):
        assert authorization.rpartition(":")[2] == _roa(wire, headers, query), wire
        return "HMAC-SHA1 in the header"
    if "Signature" in dict(query):
        assert dict(query)["Signature"] == _rpc(wire, query), wire
        return "HMAC-SHA1 in the query"
    return ""


def _v3(wire: Wire, headers: dict[str, str], query: list[tuple[str, str]], signed: str) -> str:
    payload = hashlib.sha256(wire.body).hexdigest()
    assert headers["x-acs-content-sha256"] == payload
    lines = [f"{name}:{headers[name].strip()}\n" for name in signed.split(";")]
    path = urlsplit(wire.target).path
    request = "\n".join((wire.method, path, _canonical(query), "".join(lines), signed, payload))
    to_sign = f"ACS3-HMAC-SHA256\n{hashlib.sha256(request.encode()).hexdigest()}"
    return hmac.new(SECRET.encode(), to_sign.encode(), hashlib.sha256).hexdigest()


def _rpc(wire: Wire, query: list[tuple[str, str]]) -> str:
    form = parse_qsl(wire.body.decode(), keep_blank_values=True)
    signed = [(name, value) for name, value in (*query, *form) if name != "Signature"]
    to_sign = f"{wire.method}&%2F&{quote(_canonical(signed), safe='~')}"
    return _sha1(f"{SECRET}&", to_sign)


def _roa(wire: Wire, headers: dict[str, str], query: list[tuple[str, str]]) -> str:
    # aiohttp sets this type by itself, after the SDK has signed. ECS would refuse such a request of either client.
    kind = headers.get("content-type", "").replace("application/octet-stream", "")
    first = [headers.get("accept", ""), headers.get("content-md5", ""), kind, headers.get("date", "")]
    own = sorted(f"{name}:{value.strip()}" for name, value in headers.items() if name.startswith("x-acs-"))
    path = urlsplit(wire.target).path
    resource = f"{path}?{'&'.join(f'{n}={v}' if v else n for n, v in sorted(query))}" if query else path
    return _sha1(SECRET, "\n".join((wire.method, *first, *own, resource)))


def _canonical(pairs: list[tuple[str, str]]) -> str:
    return "&".join(f"{quote(name, safe='~')}={quote(value, safe='~')}" for name, value in sorted(pairs))


def _sha1(key: str, to_sign: str) -> str:
    return b64encode(hmac.new(key.encode(), to_sign.encode(), hashlib.sha1).digest()).decode()

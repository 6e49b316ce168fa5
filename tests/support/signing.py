"""Requests signed by hand, as the documentation of Alibaba Cloud describes it, and sent with ``requests``.

ACS3: https://www.alibabacloud.com/help/en/sdk/product-overview/v3-request-structure-and-signature
HMAC-SHA1: https://www.alibabacloud.com/help/en/sdk/product-overview/rpc-mechanism
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import quote
from uuid import uuid4

import requests

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

KEY = ("fake-account", "fake-secret")


def timestamp() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def percent(text: str) -> str:
    return quote(text, safe="-_.~")


def canonical_query(parameters: Mapping[str, str]) -> str:
    return "&".join(f"{percent(name)}={percent(parameters[name])}" for name in sorted(parameters))


def send_v3(
    endpoint: str,
    action: str,
    query: Mapping[str, str],
    *,
    form: Mapping[str, str] | None = None,
    key: tuple[str, str] = KEY,
    headers: Mapping[str, str] | None = None,
    tamper: Callable[[dict[str, str]], object] | None = None,
) -> requests.Response:
    """Send a request signed with ACS3-HMAC-SHA256. ``tamper`` changes the headers after they are signed."""
    body = canonical_query(form) if form else ""
    signed = {
        "host": endpoint,
        "x-acs-action": action,
        "x-acs-version": "2014-05-26",
        "x-acs-date": timestamp(),
        "x-acs-signature-nonce": uuid4().hex,
        "x-acs-content-sha256": hashlib.sha256(body.encode()).hexdigest(),
        **({"content-type": "application/x-www-form-urlencoded"} if form else {}),
        **(headers or {}),
    }
    names = ";".join(sorted(signed))
    lines = "".join(f"{name}:{signed[name].strip()}\n" for name in sorted(signed))
    request = f"POST\n/\n{canonical_query(query)}\n{lines}\n{names}\n{signed['x-acs-content-sha256']}"
    text = f"ACS3-HMAC-SHA256\n{hashlib.sha256(request.encode()).hexdigest()}"
    signature = hmac.new(key[1].encode(), text.encode(), hashlib.sha256).hexdigest()
    signed["Authorization"] = (
        f"ACS3-HMAC-SHA256 Credential={key[0]},SignedHeaders={names},Signature={signature}"
    )
    if tamper:
        tamper(signed)
    url = f"http://{endpoint}/?{canonical_query(query)}"
    return requests.post(url, data=body, headers=signed, timeout=30)


def send_v1(
    endpoint: str,
    parameters: Mapping[str, str],
    *,
    method: str = "GET",
    key: tuple[str, str] = KEY,
    tamper: Callable[[dict[str, str]], object] | None = None,
) -> requests.Response:
    """Send a request signed with HMAC-SHA1, in the query (GET) or in the form (POST)."""
    signed = {
        "Format": "JSON",
        "Version": "2014-05-26",
        "AccessKeyId": key[0],
        "SignatureMethod": "HMAC-SHA1",
        "SignatureVersion": "1.0",
        "SignatureNonce": uuid4().hex,
        "Timestamp": timestamp(),
        **parameters,
    }
    text = f"{method}&%2F&{percent(canonical_query(signed))}"
    digest = hmac.new(f"{key[1]}&".encode(), text.encode(), hashlib.sha1).digest()
    signed["Signature"] = base64.b64encode(digest).decode()
    if tamper:
        tamper(signed)
    if method == "GET":
        return requests.get(f"http://{endpoint}/", params=signed, timeout=30)
    return requests.post(f"http://{endpoint}/", data=signed, timeout=30)

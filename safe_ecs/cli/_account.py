"""The endpoint of a command, from the command line, and its credentials, from the SDK's default chain."""

from __future__ import annotations

import logging
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from alibabacloud_credentials.client import Client as CredentialClient
from alibabacloud_tea_openapi.utils_models import Config

from safe_ecs.testing._direct import DirectConfig

if TYPE_CHECKING:
    import argparse

CREDENTIALS = "Credentials come from the SDK's default chain (environment, profile, RAM role, ...)."


def add_endpoint_argument(parser: argparse.ArgumentParser) -> None:
    """Add the option for another ECS."""
    parser.add_argument("--endpoint-url", metavar="URL", help="another ECS, e.g. http://127.0.0.1:8080")


def config_for(namespace: argparse.Namespace, region_id: str) -> Config:
    """Return the configuration of a client for a region.

    Raises:
        ValueError: The endpoint is no URL with http or https.
    """
    # Without credentials the SDK logs the traceback of every provider it tried.
    logging.getLogger("credentials").setLevel(logging.CRITICAL)
    credential = CredentialClient()
    config = Config(credential=credential, region_id=region_id)
    if namespace.endpoint_url:
        url = urlsplit(namespace.endpoint_url)
        if url.scheme not in ("http", "https") or not url.netloc:
            raise ValueError(
                f"--endpoint-url must begin with http:// or https://: {namespace.endpoint_url!r}"
            )
        if _is_loopback(url.hostname or ""):
            config = DirectConfig(credential=credential, region_id=region_id)
        config.endpoint, config.protocol = url.netloc, url.scheme.upper()
    return config


def _is_loopback(host: str) -> bool:
    """Return whether a host is this machine: no proxy can reach it for us."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"

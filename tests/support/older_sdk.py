"""The older SDK, aliyun-python-sdk-core and -ecs, as the tests use it: untyped, since it has no annotations."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import aliyunsdkcore.acs_exception.exceptions
import aliyunsdkcore.auth.credentials
import aliyunsdkcore.client
import aliyunsdkcore.request

AcsClient: Any = aliyunsdkcore.client.AcsClient
CommonRequest: Any = aliyunsdkcore.request.CommonRequest
ServerException: Any = aliyunsdkcore.acs_exception.exceptions.ServerException
StsTokenCredential: Any = aliyunsdkcore.auth.credentials.StsTokenCredential


def request_of(action: str) -> Any:
    """Return an empty request for an ECS operation. Each operation has a class in a module of the same name."""
    name = f"{action}Request"
    return getattr(import_module(f"aliyunsdkecs.request.v20140526.{name}"), name)()

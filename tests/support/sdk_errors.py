"""The SDK's errors for a failed read, made by hand."""

from __future__ import annotations

from typing import Any, cast

from alibabacloud_tea_openapi.exceptions import ClientException
from darabonba.exceptions import RetryError
from Tea.exceptions import UnretryableException


def answered(code: Any, status: Any) -> ClientException:
    return ClientException(code=code, status_code=status, message="Signature=s3cret")


def wrapped(inner: Exception) -> UnretryableException:
    return UnretryableException(cast("Any", None), inner)


def no_connection() -> Exception:
    error: Any = RetryError
    return cast("Exception", error("refused"))


NO_JSON = RuntimeError("Failed to parse the value as json format, Value: <html>")

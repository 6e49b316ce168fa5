"""Every kind of answer that a caller may get."""

from __future__ import annotations

import json
from typing import Any, Final

from tests.tools.differential.recorder import Answer

_DENIED_DETAIL: Final = {
    "AuthAction": "ecs:RunInstances",
    "AuthPrincipalType": "SubUser",
    "AuthPrincipalDisplayName": "4711",
    "NoPermissionType": "ImplicitDeny",
    "PolicyType": "AccountLevelIdentityBasedPolicy",
    "EncodedDiagnosticMessage": "AQEA",
}


def _refusal(
    name: str, status: int, code: str, *, headers: dict[str, str] | None = None, **more: Any
) -> Answer:
    body = {
        "RequestId": "R-1",
        "HostId": "ecs.aliyuncs.com",
        "Code": code,
        "Message": f"It is {code}.",
        **more,
    }
    return Answer(name=name, status=status, body=json.dumps(body).encode(), headers=headers or {})


ANSWERS: Final = (
    Answer(
        name="done",
        body=b'{"RequestId": "R-1", "TotalCount": 3, "InstanceId": "i-1", "Unheard": {"Of": [1]}}',
    ),
    _refusal("refused", 404, "InvalidInstanceId.NotFound"),
    _refusal(
        "refused with a recommendation", 400, "InvalidParameter", Recommend="https://api.aliyun.com/x?q=1"
    ),
    _refusal("denied by RAM", 403, "Forbidden.RAM", Recommend="https://x", AccessDeniedDetail=_DENIED_DETAIL),
    _refusal("denied as managed", 403, "InvalidOperation.ResourceManagedByCloudProduct"),
    _refusal("throttled", 400, "Throttling.User"),
    _refusal("throttled for a time", 429, "Throttling.User", headers={"x-acs-retry-after": "2000"}),
    _refusal("down", 503, "ServiceUnavailable"),
    _refusal("broken inside", 500, "InternalError"),
    Answer(name="no JSON", body=b'{"RequestId": '),
    Answer(name="a gateway's page", status=502, body=b"<html>Bad Gateway</html>"),
    Answer(name="null", body=b"null"),
    Answer(name="reset", status=0),
)

"""The SDK as the tests use it: untyped.

The annotations of the SDK omit that nearly every value may be None, and the tests misuse the SDK on purpose.
"""

from __future__ import annotations

from typing import Any

import alibabacloud_ecs20140526.models
import alibabacloud_tea_openapi.utils
import alibabacloud_tea_openapi.utils_models
import darabonba.policy.retry

models: Any = alibabacloud_ecs20140526.models
OpenApiRequest: Any = alibabacloud_tea_openapi.utils_models.OpenApiRequest
Utils: Any = alibabacloud_tea_openapi.utils.Utils

TWICE: Any = darabonba.policy.retry.RetryOptions({
    "retryable": True,
    "retryCondition": [{"maxAttempts": 2, "errorCode": ["ServiceUnavailable"]}],
})
"""The retry options of a client that sends a call once more after a 503."""

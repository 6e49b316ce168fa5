"""An override looks like the method that it overrides."""

from __future__ import annotations

import inspect

from alibabacloud_tea_openapi.client import Client as OpenApiClient

from safe_ecs._calls.signatures import signed_like


def test_an_override_has_the_signature_name_and_documentation_of_the_stock_method() -> None:
    def override(*arguments: object) -> object:
        return arguments

    signed = signed_like(OpenApiClient.do_request)(override)
    assert inspect.signature(signed) == inspect.signature(OpenApiClient.do_request)
    assert (signed.__name__, signed.__doc__) == ("do_request", OpenApiClient.do_request.__doc__)
    assert signed(1, 2) == (1, 2)

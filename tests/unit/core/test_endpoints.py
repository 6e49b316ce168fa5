"""The host of an endpoint, and the regions that a call may be about."""

from __future__ import annotations

import pytest

from safe_ecs._core.endpoints import bare_host, region_of_endpoint, regions_of
from tests.support.merged_calls import effective


@pytest.mark.parametrize(
    ("host", "region_id"),
    [
        ("ecs.cn-hangzhou.aliyuncs.com", "cn-hangzhou"),
        ("ecs-cn-hangzhou.aliyuncs.com", "cn-hangzhou"),
        ("ecs.ap-southeast-1.aliyuncs.com:443", "ap-southeast-1"),
        ("ecs-vpc.cn-beijing.aliyuncs.com", "cn-beijing"),
        ("ecs.vpc-proxy.aliyuncs.com", None),
        ("ecs.aliyuncs.com", None),
        ("127.0.0.1:8080", None),
        ("ecs.cn-hangzhou.aliyuncs.com.example.org", None),
    ],
)
def test_the_region_is_read_from_the_endpoints_name(host: str, region_id: str | None) -> None:
    assert region_of_endpoint(host) == region_id


@pytest.mark.parametrize(
    ("named", "of_client", "host", "regions"),
    [
        ("", None, "ecs.aliyuncs.com", []),
        ("", "cn-beijing", "ecs.aliyuncs.com", ["cn-beijing"]),
        ("cn-qingdao", "cn-beijing", "ecs.aliyuncs.com", ["cn-qingdao", "cn-beijing"]),
        ("cn-qingdao", None, "ecs.cn-hangzhou.aliyuncs.com", ["cn-qingdao", "cn-hangzhou"]),
        (
            "cn-qingdao",
            "cn-beijing",
            "ecs.cn-hangzhou.aliyuncs.com",
            ["cn-qingdao", "cn-beijing", "cn-hangzhou"],
        ),
        ("cn-beijing", "cn-beijing", "ecs.cn-beijing.aliyuncs.com", ["cn-beijing"]),
        ("cn-qingdao", "cn-beijing", "ecs.cn-qingdao.aliyuncs.com", ["cn-qingdao", "cn-beijing"]),
        ("cn-qingdao", "cn-beijing", "ecs.cn-beijing.aliyuncs.com", ["cn-qingdao", "cn-beijing"]),
    ],
)
def test_every_region_that_a_call_may_be_about_is_tried_once(
    named: str, of_client: str | None, host: str, regions: list[str]
) -> None:
    """The order is: the region of the call, the client's, the one in the endpoint's name."""
    request = effective(query={"RegionId": named}, client_region_id=of_client, host=host)
    assert request is not None
    assert list(regions_of(request)) == regions


@pytest.mark.parametrize(
    ("endpoint", "host"),
    [
        ("ecs.aliyuncs.com", "ecs.aliyuncs.com"),
        ("HTTP://user:secret@ECS.aliyuncs.com:80/path?query", "ecs.aliyuncs.com:80"),
        ("127.0.0.1:8080/", "127.0.0.1:8080"),
        ("h?x=y/z", "h"),
        ("h/a@b", "h"),
        ("https://a:b@c@H", "h"),
        ("http://h", "h"),
        ("h/?x=http://other", "h"),
        ("h#@other", "h"),
        ("h\\@other", "h"),
        ("h/https://other", "h"),
        ("ftp://other", "ftp:"),
        ("", ""),
    ],
)
def test_a_host_is_known_by_its_name_alone(endpoint: str, host: str) -> None:
    """However an endpoint is written, it is the same ECS, and no password stays in it."""
    assert bare_host(endpoint) == host

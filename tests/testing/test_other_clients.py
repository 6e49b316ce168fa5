"""FakeEcs serves clients of other make: its protocol is not tailored to one SDK."""

from __future__ import annotations

import json
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any

import pytest
from alibabacloud_tea_openapi.client import Client as OpenApiClient
from alibabacloud_tea_openapi.exceptions import ClientException
from darabonba.runtime import RuntimeOptions

from tests.support.fake_world import REGION
from tests.support.older_sdk import AcsClient, CommonRequest, ServerException, StsTokenCredential, request_of
from tests.support.sdk import OpenApiRequest
from tests.support.signing import send_v1, send_v3
from tests.support.transports import params

if TYPE_CHECKING:
    from safe_ecs.testing import FakeEcs


def test_the_generic_client_reads_writes_and_is_refused(ecs: FakeEcs, managed: str) -> None:
    """The generic client names action and version itself, and signs in both versions."""
    for algorithm in (None, "v2"):
        config = ecs.config()
        config.signature_algorithm = algorithm  # type: ignore[assignment]  # the SDK leaves out None
        client: Any = OpenApiClient(config)

        def ask(action: str, client: Any = client, **query: str) -> Any:
            request = OpenApiRequest(query={"RegionId": REGION, **query})
            return client.call_api(params(action), request, RuntimeOptions())["body"]

        created = ask("CreateSecurityGroup", SecurityGroupName="web")["SecurityGroupId"]
        listed = ask("DescribeSecurityGroups", SecurityGroupId=created)
        assert listed["SecurityGroups"]["SecurityGroup"][0]["SecurityGroupName"] == "web"
        with pytest.raises(ClientException, match=r"InvalidOperation\.ResourceManagedByCloudProduct"):
            ask("DeleteSecurityGroup", SecurityGroupId=managed)
        ask("DeleteSecurityGroup", SecurityGroupId=created)


@pytest.fixture
def older(ecs: FakeEcs) -> Any:
    """The client of aliyun-python-sdk-core: another code base, with HMAC-SHA1 in the query."""
    return AcsClient("fake-account", "fake-secret", REGION)


def ask_older(ecs: FakeEcs, client: Any, request: Any, **fields: Any) -> Any:
    for name, value in fields.items():
        getattr(request, f"set_{name}")(value)
    request.set_endpoint(ecs.endpoint)
    request.set_protocol_type("http")
    request.set_accept_format("JSON")
    return json.loads(client.do_action_with_exception(request))


def test_the_older_sdk_reads_writes_and_is_refused(ecs: FakeEcs, older: Any, managed: str) -> None:
    """The older SDK works with its own models, names and exceptions."""
    created = ask_older(
        ecs,
        older,
        request_of("CreateSecurityGroup"),
        SecurityGroupName="web",
        Description="for the web: a b*c~d/é",
        Tags=[{"Key": "team", "Value": "a"}],
    )["SecurityGroupId"]
    permission = {"IpProtocol": "TCP", "PortRange": "22/22", "SourceCidrIp": "10.0.0.0/8"}
    ask_older(
        ecs,
        older,
        request_of("AuthorizeSecurityGroup"),
        SecurityGroupId=created,
        **permission,
    )
    attribute = ask_older(
        ecs,
        older,
        request_of("DescribeSecurityGroupAttribute"),
        SecurityGroupId=created,
    )
    assert attribute["Description"] == "for the web: a b*c~d/é"
    assert attribute["Permissions"]["Permission"][0]["PortRange"] == "22/22"
    listed = ask_older(ecs, older, request_of("DescribeSecurityGroups"), ServiceManaged=True)
    assert [each["SecurityGroupId"] for each in listed["SecurityGroups"]["SecurityGroup"]] == [managed]
    with pytest.raises(ServerException) as error:
        ask_older(ecs, older, request_of("DeleteSecurityGroup"), SecurityGroupId=managed)
    assert error.value.get_error_code() == "InvalidOperation.ResourceManagedByCloudProduct"
    assert error.value.get_http_status() == 403
    assert {request.caller for request in ecs.requests} == {"account"}
    assert all(request.parameters["SignatureMethod"] == "HMAC-SHA1" for request in ecs.requests)


def test_the_older_sdk_signs_with_temporary_keys_and_wrong_ones(ecs: FakeEcs) -> None:
    """The older SDK signs a generic request, with the action as text."""
    ecs.add_access_key("STS.1", "secret", security_token="token")

    def ask(credential: Any) -> Any:
        request = CommonRequest(domain=ecs.endpoint, version="2014-05-26", action_name="DescribeRegions")
        request.set_protocol_type("http")
        request.set_method("POST")
        return json.loads(
            AcsClient(region_id=REGION, credential=credential).do_action_with_exception(request)
        )

    assert ask(StsTokenCredential("STS.1", "secret", "token"))["Regions"]["Region"]
    with pytest.raises(ServerException) as error:
        ask(StsTokenCredential("STS.1", "secret", "other"))
    assert error.value.get_error_code() == "InvalidSecurityToken.Malformed"
    with pytest.raises(ServerException) as error:
        ask(StsTokenCredential("STS.1", "wrong", "token"))
    assert error.value.get_error_code() == "SignatureDoesNotMatch"


def test_requests_signed_by_hand_read_write_and_are_refused(ecs: FakeEcs, managed: str) -> None:
    """Both signature versions, implemented from their documentation, are accepted."""
    created = send_v3(ecs.endpoint, "CreateSecurityGroup", {"RegionId": REGION}).json()["SecurityGroupId"]
    query = {"Action": "DeleteSecurityGroup", "RegionId": REGION}
    refused = send_v1(ecs.endpoint, {**query, "SecurityGroupId": managed})
    assert (refused.status_code, refused.json()["Code"]) == (
        403,
        "InvalidOperation.ResourceManagedByCloudProduct",
    )
    assert refused.json().keys() == {"RequestId", "HostId", "Code", "Message", "Recommend"}
    done = send_v1(ecs.endpoint, {**query, "SecurityGroupId": created}, method="POST")
    assert (done.status_code, done.json().keys()) == (200, {"RequestId"})


def test_a_connection_is_kept_open(ecs: FakeEcs) -> None:
    """FakeEcs keeps a connection open after an answer or a refusal, as ECS does."""
    connection = HTTPConnection(ecs.endpoint, timeout=30)
    sockets = []
    for _ in range(3):
        connection.request("POST", "/")
        response = connection.getresponse()
        assert (response.status, response.version) == (400, 11)
        response.read()
        sockets.append(connection.sock)  # None if the server has closed the connection.
    assert sockets == [sockets[0]] * 3 != [None] * 3
    connection.close()

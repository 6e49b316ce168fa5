"""FakeEcs accepts requests signed correctly with a known key, and names the fault of any other."""

from __future__ import annotations

from functools import partial
from time import time
from typing import TYPE_CHECKING, Any

import pytest
import requests
from alibabacloud_ecs20140526.client import Client as StockClient
from alibabacloud_tea_openapi.exceptions import ClientException

from safe_ecs.testing import FakeEcs
from safe_ecs.testing._errors import EcsError
from safe_ecs.testing._keys import AccessKey, Keyring
from tests.support.fake_world import REGION, send
from tests.support.signing import KEY, send_v1, send_v3

if TYPE_CHECKING:
    from collections.abc import Callable

LIST = {"RegionId": REGION, "SecurityGroupName": "a b*c~d/é+&="}
V1_LIST = {"Action": "DescribeSecurityGroups", **LIST}
SIGNERS: dict[str, Callable[..., requests.Response]] = {
    "v3": lambda endpoint, **changes: send_v3(endpoint, "DescribeSecurityGroups", LIST, **changes),
    "v1": lambda endpoint, **changes: send_v1(endpoint, V1_LIST, **changes),
}


def outcome(response: requests.Response) -> tuple[int, str]:
    return response.status_code, response.json().get("Code", "")


@pytest.mark.parametrize("version", SIGNERS)
def test_a_signature_made_by_hand_is_right(ecs: FakeEcs, version: str) -> None:
    """A signature made by the documented algorithm is correct, even with every character that needs encoding."""
    ecs.create_security_group(name=LIST["SecurityGroupName"])
    body = SIGNERS[version](ecs.endpoint).json()
    assert body["SecurityGroups"]["SecurityGroup"][0]["SecurityGroupName"] == LIST["SecurityGroupName"]
    assert ecs.requests[0].caller == "account"


def test_what_is_in_the_form_is_signed_as_well(ecs: FakeEcs) -> None:
    """The form is part of the signature in both versions."""
    ecs.create_security_group(name=LIST["SecurityGroupName"])
    for response in (
        send_v3(ecs.endpoint, "DescribeSecurityGroups", {}, form=LIST),
        send_v1(ecs.endpoint, V1_LIST, method="POST"),
    ):
        assert response.json()["TotalCount"] == 1


@pytest.mark.parametrize("version", SIGNERS)
def test_a_key_must_be_known_and_its_secret_right(ecs: FakeEcs, version: str) -> None:
    sign = partial(SIGNERS[version], ecs.endpoint)
    assert outcome(sign(key=("nobody", "fake-secret"))) == (404, "InvalidAccessKeyId.NotFound")
    assert outcome(sign(key=("fake-account", "wrong"))) == (400, "SignatureDoesNotMatch")
    ecs.add_access_key("mine", "my secret")
    assert outcome(sign(key=("mine", "my secret"))) == (200, "")
    ecs.remove_access_key("mine")
    assert outcome(sign(key=("mine", "my secret"))) == (404, "InvalidAccessKeyId.NotFound")
    assert ecs.requests[1].code == "SignatureDoesNotMatch"


TAMPERED_V3: list[tuple[str, Callable[[dict[str, str]], object], tuple[int, str]]] = [
    ("no signature", lambda h: h.pop("Authorization"), (400, "MissingAccessKeyId")),
    ("another scheme", lambda h: h.update({"Authorization": "Basic Zm9v"}), (400, "IncompleteSignature")),
    (
        "another method",
        lambda h: h.update({"Authorization": h["Authorization"].replace("SHA256", "SM3", 1)}),
        (400, "IncompleteSignature"),
    ),
    (
        "a header that is not covered",
        lambda h: h.update({"x-acs-more": "1"}),
        (400, "IncompleteSignature"),
    ),
    (
        "another action",
        lambda h: h.update({"x-acs-action": "DescribeRegions"}),
        (400, "SignatureDoesNotMatch"),
    ),
    ("another body", lambda h: h.update({"x-acs-content-sha256": "0" * 64}), (400, "SignatureDoesNotMatch")),
    (
        "no host",
        lambda h: h.update({"Authorization": h["Authorization"].replace("host;", "")}),
        (400, "IncompleteSignature"),
    ),
    (
        "an unreadable ROA signature",
        lambda h: h.update({"Authorization": "acs x"}),
        (400, "IncompleteSignature"),
    ),
]


@pytest.mark.parametrize(
    ("tamper", "expected"), [each[1:] for each in TAMPERED_V3], ids=[each[0] for each in TAMPERED_V3]
)
def test_what_was_changed_after_signing_is_noticed(
    ecs: FakeEcs, tamper: Any, expected: tuple[int, str]
) -> None:
    assert outcome(SIGNERS["v3"](ecs.endpoint, tamper=tamper)) == expected


TAMPERED_V1: list[tuple[str, Callable[[dict[str, str]], object], tuple[int, str]]] = [
    ("no key", lambda p: p.pop("AccessKeyId"), (400, "MissingAccessKeyId")),
    ("no signature", lambda p: p.pop("Signature"), (400, "SignatureDoesNotMatch")),
    ("another method", lambda p: p.update(SignatureMethod="HMAC-MD5"), (400, "IncompleteSignature")),
    ("another version", lambda p: p.update(SignatureVersion="2.0"), (400, "IncompleteSignature")),
    ("another action", lambda p: p.update(Action="DescribeRegions"), (400, "SignatureDoesNotMatch")),
    ("no date", lambda p: p.pop("Timestamp"), (400, "MissingTimestamp")),
    ("no date at all", lambda p: p.update(Timestamp="yesterday"), (400, "InvalidTimeStamp.Format")),
]


@pytest.mark.parametrize(
    ("tamper", "expected"), [each[1:] for each in TAMPERED_V1], ids=[each[0] for each in TAMPERED_V1]
)
def test_what_was_changed_after_signing_the_older_way_is_noticed(
    ecs: FakeEcs, tamper: Any, expected: tuple[int, str]
) -> None:
    assert outcome(SIGNERS["v1"](ecs.endpoint, tamper=tamper)) == expected


def test_a_date_may_be_fifteen_minutes_off() -> None:
    """A date up to fifteen minutes before or after the server's clock is valid."""
    for offset, expected in (
        (-890, (200, "")),
        (890, (200, "")),
        (-910, (400, "InvalidTimeStamp.Expired")),
        (910, (400, "InvalidTimeStamp.Expired")),
    ):
        with FakeEcs(clock=lambda offset=offset: time() + offset) as ecs:  # type: ignore[misc]  # mypy infers no lambda with a default
            assert [outcome(sign(ecs.endpoint)) for sign in SIGNERS.values()] == [expected] * 2


def test_a_nonce_is_good_once(ecs: FakeEcs) -> None:
    """A key can use a nonce once. Another key can use the same nonce."""
    ecs.add_access_key("other", "secret")
    headers = {"x-acs-signature-nonce": "n-1"}
    for key in (KEY, ("other", "secret")):
        for expected in ((200, ""), (400, "SignatureNonceUsed")):
            assert outcome(SIGNERS["v3"](ecs.endpoint, headers=headers, key=key)) == expected
            assert outcome(send_v1(ecs.endpoint, {**V1_LIST, "SignatureNonce": "n-2"}, key=key)) == expected
    assert outcome(send_v1(ecs.endpoint, {**V1_LIST, "SignatureNonce": ""})) == (400, "MissingSignatureNonce")


def test_a_nonce_is_forgotten_when_its_date_cannot_be_good_any_more() -> None:
    """The keyring drops nonces with expired dates, so that it does not grow for ever."""
    keyring, key = Keyring(), AccessKey(access_key_id="k", access_key_secret="s")
    keyring.use_nonce(key, "n", 0.0)
    with pytest.raises(EcsError):
        keyring.use_nonce(key, "n", 1800.0)
    keyring.use_nonce(key, "n", 1801.0)


def test_temporary_keys_come_with_their_token(ecs: FakeEcs) -> None:
    """A key with a token is accepted in both signature versions, for an account and for a service."""
    for algorithm in (None, "v2"):
        for service_id, caller in ((None, "account"), (7, "service 7")):
            config = ecs.config(security_token="token-1", service_id=service_id)
            config.signature_algorithm = algorithm  # type: ignore[assignment]  # the SDK leaves out None
            send(StockClient(config), "DescribeRegions")
            assert ecs.requests[-1].caller == caller
            assert "token-1" in str(ecs.requests[-1].headers) + str(ecs.requests[-1].parameters)


@pytest.mark.parametrize("version", SIGNERS)
def test_a_token_that_is_missing_wrong_or_over_is_refused(version: str) -> None:
    now = time()
    with FakeEcs(clock=lambda: now) as ecs:
        ecs.add_access_key("STS.1", "s", security_token="one", expires=now + 60)
        ecs.add_access_key("STS.2", "s", security_token="two")

        def ask(key: str, token: str) -> tuple[int, str]:
            if version == "v1":
                more = {"SecurityToken": token} if token else {}
                return outcome(send_v1(ecs.endpoint, V1_LIST | more, key=(key, "s")))
            more = {"x-acs-security-token": token} if token else {}
            return outcome(SIGNERS["v3"](ecs.endpoint, key=(key, "s"), headers=more))

        assert ask("STS.1", "one") == (200, "")
        assert ask("STS.1", "") == (400, "MissingSecurityToken")
        assert ask("STS.1", "two") == (400, "InvalidSecurityToken.MismatchWithAccessKey")
        assert ask("STS.1", "three") == (400, "InvalidSecurityToken.Malformed")
        now += 60
        assert ask("STS.1", "one") == (400, "InvalidSecurityToken.Expired")
        assert ask("STS.2", "two") == (200, "")


def test_without_checks_who_asks_is_what_the_request_says() -> None:
    """Without signature checks the request's key id names the caller, for programs that cannot sign."""
    with FakeEcs(check_signatures=False) as ecs:
        group = ecs.create_security_group(service_managed=True, service_id=7, product="alb")
        delete = {"Action": "DeleteSecurityGroup", "SecurityGroupId": group}
        get = partial(requests.get, f"http://{ecs.endpoint}/", timeout=30)
        assert outcome(get(params=delete)) == (403, "InvalidOperation.ResourceManagedByCloudProduct")
        assert outcome(get(params={**delete, "AccessKeyId": "fake-service-7"})) == (200, "")


def test_an_action_that_is_denied_is_refused_as_ram_does(ecs: FakeEcs, stock: Any) -> None:
    """A denied action fails with Forbidden.RAM and changes nothing, until it is allowed again."""
    ecs.deny("CreateSecurityGroup", "DescribeRegions")
    for action in ("CreateSecurityGroup", "DescribeRegions"):
        with pytest.raises(ClientException) as error:
            send(stock, action, RegionId=REGION)
        assert (error.value.status_code, error.value.code) == (403, "Forbidden.RAM")
    assert send(stock, "DescribeSecurityGroups", RegionId=REGION).total_count == 0
    ecs.allow("DescribeRegions")
    send(stock, "DescribeRegions")


def test_another_version_is_not_ecs(ecs: FakeEcs) -> None:
    """A request with another version is refused: ENS, too, has security groups."""
    assert outcome(send_v1(ecs.endpoint, {**V1_LIST, "Version": "2017-11-10"})) == (400, "InvalidVersion")

"""No other group in a request hides the groups of its launch template."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from alibabacloud_tea_openapi.exceptions import ClientException
from darabonba.runtime import RuntimeOptions

from tests.bypass_attempts.refusal import REGION, RUN, refuse
from tests.support.sdk import OpenApiRequest, models
from tests.support.transports import params

if TYPE_CHECKING:
    from collections.abc import Callable

    from safe_ecs import Client
    from safe_ecs.testing import FakeEcs


@pytest.mark.parametrize("field", ["SecurityGroupId", "SecurityGroupIds.1"])
def test_a_group_for_an_interface_does_not_hide_the_groups_of_a_template(
    ecs: FakeEcs, client: Client, stock: Any, managed: str, ordinary: str, field: str
) -> None:
    """An interface in a request is secondary by default, so the primary one may come from the template."""
    template = ecs.create_launch_template(managed)
    request = OpenApiRequest(
        query={**REGION, "LaunchTemplateId": template, f"NetworkInterface.1.{field}": ordinary}
    )
    refuse(lambda: client.do_request(params(RUN), request, RuntimeOptions()), ecs)
    with pytest.raises(ClientException, match="has been managed by"):
        stock.do_request(params(RUN), request, RuntimeOptions())


def test_a_bracket_too_many_does_not_hide_the_groups_of_a_template(
    ecs: FakeEcs, client: Client, stock: Any, managed: str, ordinary: str
) -> None:
    """ECS does not know a parameter ``SecurityGroupIds.1.1``, and takes the groups of the template."""
    request = models.RunInstancesRequest(
        region_id="cn-hangzhou",
        launch_template_id=ecs.create_launch_template(managed),
        security_group_ids=[[ordinary]],
    )
    refuse(lambda: client.run_instances(request), ecs)
    with pytest.raises(ClientException, match="has been managed by"):
        stock.run_instances(request)


@pytest.mark.parametrize(
    "version",
    ["01", "+1", "1.0", "0x1", "\N{FULLWIDTH DIGIT ONE}", "\N{ARABIC-INDIC DIGIT ONE}", "1\0", "$Latest"],
)
def test_no_spelling_of_a_version_hides_the_groups_of_a_template(
    ecs: FakeEcs, client: Client, managed: str, version: str
) -> None:
    """FakeEcs creates instances from some of these spellings as version 1, but lists none of them. ECS may do so, too."""
    query = {
        **REGION,
        "LaunchTemplateId": ecs.create_launch_template(managed),
        "LaunchTemplateVersion": version,
    }
    refuse(lambda: client.do_request(params(RUN), OpenApiRequest(query=query), RuntimeOptions()), ecs)


SPELLINGS: dict[str, tuple[str, Callable[[str], str]]] = {
    "id in capitals": ("LaunchTemplateId", str.upper),
    "id and NUL": ("LaunchTemplateId", "{}\0".format),
    "id and zero-width space": ("LaunchTemplateId", "{}\N{ZERO WIDTH SPACE}".format),
    "array of an id": ("LaunchTemplateId", '["{}"]'.format),
    "name and NUL": ("LaunchTemplateName", "{}\0".format),
    "quoted name": ("LaunchTemplateName", '"{}"'.format),
}


@pytest.mark.parametrize(("field", "spelt"), SPELLINGS.values(), ids=SPELLINGS)
def test_no_spelling_of_a_template_hides_its_groups(
    ecs: FakeEcs, client: Client, managed: str, field: str, spelt: Callable[[str], str]
) -> None:
    """A template in an ambiguous spelling is never "missing": ECS may read another template's name in it."""
    named = {
        "LaunchTemplateId": ecs.create_launch_template(managed, name="web"),
        "LaunchTemplateName": "web",
    }
    query = {**REGION, field: spelt(named[field])}
    refuse(lambda: client.do_request(params(RUN), OpenApiRequest(query=query), RuntimeOptions()), ecs)

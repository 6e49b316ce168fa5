"""The state of FakeEcs, read back through the models of the SDK."""

from __future__ import annotations

from typing import Any

from tests.support.fake_world import REGION, send


def groups(client: Any, **filters: Any) -> list[Any]:
    body = send(client, "DescribeSecurityGroups", RegionId=REGION, MaxResults=100, **filters)
    return list(body.security_groups.security_group)


def rules(client: Any, group: str, **filters: Any) -> list[Any]:
    body = send(client, "DescribeSecurityGroupAttribute", RegionId=REGION, SecurityGroupId=group, **filters)
    return list(body.permissions.permission)


def instance(client: Any, instance_id: str) -> Any:
    body = send(client, "DescribeInstances", RegionId=REGION, InstanceIds=f'["{instance_id}"]')
    found = body.instances.instance
    return found[0] if found else None


def interface(client: Any, interface_id: str) -> Any:
    body = send(client, "DescribeNetworkInterfaces", RegionId=REGION, NetworkInterfaceId=[interface_id])
    found = body.network_interface_sets.network_interface_set
    return found[0] if found else None


def versions(client: Any, template: str, **filters: Any) -> list[Any]:
    body = send(
        client, "DescribeLaunchTemplateVersions", RegionId=REGION, LaunchTemplateId=template, **filters
    )
    assert body.total_count == len(body.launch_template_version_sets.launch_template_version_set)
    return list(body.launch_template_version_sets.launch_template_version_set)


def tags(client: Any, group: str) -> dict[str, str]:
    [found] = groups(client, SecurityGroupIds=f'["{group}"]')
    return {tag.tag_key: tag.tag_value for tag in found.tags.tag}

"""Launch templates and their versions. Only RunInstances checks the groups of a version."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from safe_ecs.testing._errors import EcsError, forbidden, invalid, missing_parameter, not_found
from safe_ecs.testing._operations.paging import page
from safe_ecs.testing._operations.tags import show_tags
from safe_ecs.testing._state import LaunchTemplate, new_id

if TYPE_CHECKING:
    from safe_ecs.testing._operations.calls import Answer, Call
    from safe_ecs.testing._state import TemplateVersion

_NAME: Final = re.compile(r"(?!https?://)[^\W\d_][\w.:-]{1,127}")
_STORED: Final = (
    "Description",
    "HostName",
    "ImageId",
    "InstanceName",
    "InstanceType",
    "KeyPairName",
    "SecurityGroupId",
    "VSwitchId",
    "VpcId",
    "ZoneId",
)
_INTERFACE: Final = {
    name.lower(): name
    for name in ("Description", "InstanceType", "NetworkInterfaceName", "SecurityGroupId", "VSwitchId")
}
_MOST_VERSIONS: Final = 30
_MOST_NUMBER: Final = 10**9


def create_launch_template(call: Call) -> Answer:
    """Perform CreateLaunchTemplate.

    Raises:
        EcsError: ECS would refuse the call.
    """
    region_id, name = call.region_id, call.parameters.require("LaunchTemplateName")
    if not _NAME.fullmatch(name):
        raise invalid("InvalidLaunchTemplateName.Malformed", "The specified LaunchTemplateName is not valid.")
    if call.state.template(region_id, "", name):
        raise forbidden(
            "LaunchTemplateName.Duplicated",
            "The specified LaunchTemplateName is used in this region already.",
        )
    template = LaunchTemplate(region_id=region_id, template_id=new_id("lt"), name=name)
    call.state.templates[template.template_id] = template
    return _add_version(call, template)


def create_launch_template_version(call: Call) -> Answer:
    """Perform CreateLaunchTemplateVersion.

    Raises:
        EcsError: ECS would refuse the call.
    """
    template = _require_template(call)
    if len(template.versions) >= _MOST_VERSIONS:
        raise forbidden(
            "LaunchTemplateVersionLimitExceed", "The maximum number of versions of a launch template is 30."
        )
    return _add_version(call, template)


def _add_version(call: Call, template: LaunchTemplate) -> Answer:
    asked = call.parameters
    data: dict[str, object] = {name: asked.get(name) for name in _STORED if asked.get(name)}
    if several := asked.values("SecurityGroupIds"):
        data["SecurityGroupIds"] = {"SecurityGroupId": several}
    interfaces: list[dict[str, object]] = []
    for number, fields in enumerate(asked.structures("NetworkInterface", _INTERFACE), 1):
        interface: dict[str, object] = dict(fields)
        if several := asked.values(f"NetworkInterface.{number}.SecurityGroupIds"):
            interface["SecurityGroupIds"] = {"SecurityGroupId": several}
        interfaces.append(interface)
    if interfaces:
        data["NetworkInterfaces"] = {"NetworkInterface": interfaces}
    version = template.add_version(asked.target_groups(), data, asked.get("VersionDescription"))
    return {"LaunchTemplateId": template.template_id, "LaunchTemplateVersionNumber": version.number}


def describe_launch_templates(call: Call) -> Answer:
    """Perform DescribeLaunchTemplates.

    Raises:
        EcsError: ECS would refuse the call.
    """
    region_id, asked = call.region_id, call.parameters
    found = [each for each in call.state.templates.values() if each.region_id == region_id]
    if ids := asked.values("LaunchTemplateId"):
        found = [each for each in found if each.template_id in ids]
    if names := asked.values("LaunchTemplateName"):
        found = [each for each in found if each.name in names]
    shown, paging = page(asked, found)
    return {
        **paging,
        "LaunchTemplateSets": {
            "LaunchTemplateSet": [
                {
                    "LaunchTemplateId": each.template_id,
                    "LaunchTemplateName": each.name,
                    "CreateTime": each.creation_time,
                    "DefaultVersionNumber": each.default_version,
                    "LatestVersionNumber": each.last_version,
                    "Tags": show_tags(each.tags),
                }
                for each in shown
            ]
        },
    }


def describe_launch_template_versions(call: Call) -> Answer:
    """Perform DescribeLaunchTemplateVersions. A template that does not exist has no versions.

    Raises:
        EcsError: ECS would refuse the call.
    """
    asked, template = call.parameters, _find_template(call)
    versions = list(template.versions.values()) if template else []
    if template and asked.flag("DefaultVersion"):
        versions = [template.versions[template.default_version]]
    elif wanted := asked.values("LaunchTemplateVersion"):
        versions = [each for each in versions if str(each.number) in wanted]
    low = asked.number("MinVersion", default=1, most=_MOST_NUMBER)
    high = asked.number("MaxVersion", default=_MOST_NUMBER, most=_MOST_NUMBER)
    shown = [_as_answer(template, each) for each in versions if template and low <= each.number <= high]
    return {
        "TotalCount": len(shown),
        "LaunchTemplateVersionSets": {"LaunchTemplateVersionSet": shown},
    }


def _as_answer(template: LaunchTemplate, version: TemplateVersion) -> Answer:
    return {
        "LaunchTemplateId": template.template_id,
        "LaunchTemplateName": template.name,
        "VersionNumber": version.number,
        "VersionDescription": version.description,
        "CreateTime": version.creation_time,
        "DefaultVersion": version.number == template.default_version,
        "LaunchTemplateData": version.data,
    }


def modify_launch_template_default_version(call: Call) -> Answer:
    """Perform ModifyLaunchTemplateDefaultVersion.

    Raises:
        EcsError: ECS would refuse the call.
    """
    template, number = _require_template(call), call.parameters.require("DefaultVersionNumber")
    template.default_version = _version(template, number).number
    return {}


def delete_launch_template(call: Call) -> Answer:
    """Perform DeleteLaunchTemplate, with all versions.

    Raises:
        EcsError: ECS would refuse the call.
    """
    del call.state.templates[_require_template(call).template_id]
    return {}


def delete_launch_template_version(call: Call) -> Answer:
    """Perform DeleteLaunchTemplateVersion, for all versions in the call or none.

    Raises:
        EcsError: ECS would refuse the call.
    """
    template, wanted = _require_template(call), call.parameters.values("DeleteVersion")
    if not wanted:
        raise missing_parameter("DeleteVersion.1")
    numbers = [_version(template, number).number for number in wanted]
    if template.default_version in numbers:
        raise forbidden(
            "DefaultVersion.DeleteForbidden", "The default version of a launch template cannot be deleted."
        )
    for number in dict.fromkeys(numbers):
        del template.versions[number]
    deleted = [
        {"LaunchTemplateId": template.template_id, "LaunchTemplateVersionNumber": number}
        for number in dict.fromkeys(numbers)
    ]
    return {"LaunchTemplateVersions": {"LaunchTemplateVersion": deleted}}


def template_groups(call: Call) -> list[str]:
    """Return the groups of the template version in a RunInstances call; none without a template.

    Raises:
        EcsError: The template or its version does not exist.
    """
    asked = call.parameters
    if not (asked.get("LaunchTemplateId") or asked.get("LaunchTemplateName")):
        return []
    template = _require_template(call)
    number = asked.get("LaunchTemplateVersion") or str(template.default_version)
    return list(_version(template, number).security_group_ids)


def _find_template(call: Call) -> LaunchTemplate | None:
    asked = call.parameters
    return call.state.template(call.region_id, asked.get("LaunchTemplateId"), asked.get("LaunchTemplateName"))


def _require_template(call: Call) -> LaunchTemplate:
    template = _find_template(call)
    if template is None:
        raise not_found("InvalidLaunchTemplate.NotFound", "The specified LaunchTemplate does not exist.")
    return template


def _version(template: LaunchTemplate, number: str) -> TemplateVersion:
    if not (number.isascii() and number.isdigit()):
        raise invalid("InvalidParameter.LaunchTemplateVersion", "The specified version number is not valid.")
    if int(number) not in template.versions:
        raise _unknown_version()
    return template.versions[int(number)]


def _unknown_version() -> EcsError:
    return not_found(
        "InvalidLaunchTemplateVersion.NotFound", "The specified LaunchTemplateVersion does not exist."
    )

"""The calls that FakeEcs refuses: at least one call for each error in OPERATIONS.md."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from tests.support.fake_world import REGION, SSH, WEB


class Case(NamedTuple):
    """A call and its error. A name in braces stands for an id of the world."""

    action: str
    code: str
    status: int
    fields: dict[str, Any]
    before: dict[str, Any] | None = None

    def __str__(self) -> str:
        return f"{self.action}-{self.code}"


R = {"RegionId": REGION}
G = {**R, "SecurityGroupId": "{group}"}
T = {**R, "LaunchTemplateId": "{template}"}
NO_GROUP = {**R, "SecurityGroupId": "sg-none"}
ODD_GROUP = {**R, "SecurityGroupId": "none"}
TAGS = {**R, "ResourceType": "securitygroup", "ResourceId": ["{group}"]}
TAG = [{"Key": "a", "Value": "b"}]
ETH = {**R, "VSwitchId": "vsw-1"}


def keys(*names: str) -> list[dict[str, str]]:
    return [{"Key": name, "Value": "v"} for name in names]


CASES = [
    Case("CreateSecurityGroup", "MissingParameter.RegionId", 400, {}),
    Case("CreateSecurityGroup", "InvalidRegionId.NotFound", 404, {"RegionId": "xy-1"}),
    Case("CreateSecurityGroup", "InvalidSecurityGroupName.Malformed", 400, {**R, "SecurityGroupName": "1"}),
    Case(
        "CreateSecurityGroup",
        "InvalidSecurityGroupDiscription.Malformed",
        400,
        {**R, "Description": "http://"},
    ),
    Case("CreateSecurityGroup", "InvalidParams.GroupType", 400, {**R, "SecurityGroupType": "odd"}),
    Case(
        "CreateSecurityGroup", "InvalidParams.VpcIdGroupType", 400, {**R, "SecurityGroupType": "enterprise"}
    ),
    Case("CreateSecurityGroup", "NumberExceed.Tags", 400, {**R, "Tag": keys(*(f"k{n}" for n in range(21)))}),
    Case("CreateSecurityGroup", "MissingParameter.TagKey", 400, {**R, "Tag": [{"Value": "v"}]}),
    Case("CreateSecurityGroup", "Duplicate.TagKey", 400, {**R, "Tag": keys("a", "a")}),
    Case("CreateSecurityGroup", "InvalidTagKey.Malformed", 400, {**R, "Tag": keys("acs:a")}),
    Case(
        "CreateSecurityGroup",
        "InvalidTagValue.Malformed",
        400,
        {**R, "Tag": [{"Key": "a", "Value": "v" * 129}]},
    ),
    Case(
        "CreateSecurityGroup",
        "IdempotentParameterMismatch",
        400,
        {**R, "ClientToken": "t", "SecurityGroupName": "web"},
        {**R, "ClientToken": "t"},
    ),
    Case("CreateSecurityGroup", "InvalidParameter.ClientToken", 400, {**R, "ClientToken": "t" * 65}),
    Case(
        "CreateSecurityGroup",
        "InvalidOperation.ResourceManagedByCloudProduct",
        403,
        {**R, "ServiceManaged": True},
    ),
    Case("DescribeSecurityGroups", "MissingParameter.RegionId", 400, {}),
    Case("DescribeSecurityGroups", "InvalidRegionId.NotFound", 404, {"RegionId": "xy-1"}),
    Case(
        "DescribeSecurityGroups", "InvalidSecurityGroupId.Malformed", 400, {**R, "SecurityGroupIds": '["x"]'}
    ),
    Case(
        "DescribeSecurityGroups", "InvalidParameter.SecurityGroupIds", 400, {**R, "SecurityGroupIds": "sg-1"}
    ),
    Case(
        "DescribeSecurityGroups",
        "InvalidParameter.SecurityGroupIds",
        400,
        {**R, "SecurityGroupIds": json.dumps([f"sg-{n}" for n in range(101)])},
    ),
    Case(
        "DescribeSecurityGroups", "InvalidParameter.SecurityGroupType", 400, {**R, "SecurityGroupType": "odd"}
    ),
    Case("DescribeSecurityGroups", "InvalidParameter.MaxResults", 400, {**R, "MaxResults": 101}),
    Case("DescribeSecurityGroups", "InvalidParameter.PageSize", 400, {**R, "PageSize": 51}),
    Case("DescribeSecurityGroups", "InValidParameter.NextToken", 400, {**R, "NextToken": "nonsense"}),
    Case("DescribeSecurityGroups", "DryRunOperation", 400, {**R, "DryRun": True}),
    Case("ModifySecurityGroupAttribute", "MissingSecurityGroupId", 400, R),
    Case("ModifySecurityGroupAttribute", "InvalidSecurityGroupId.Malformed", 400, ODD_GROUP),
    Case("ModifySecurityGroupAttribute", "InvalidSecurityGroupId.NotFound", 404, NO_GROUP),
    Case(
        "ModifySecurityGroupAttribute",
        "InvalidSecurityGroupName.Malformed",
        400,
        {**G, "SecurityGroupName": "https://x"},
    ),
    Case(
        "ModifySecurityGroupAttribute",
        "InvalidSecurityGroupDiscription.Malformed",
        400,
        {**G, "Description": "d" * 257},
    ),
    Case("ModifySecurityGroupPolicy", "MissingParameter", 400, G),
    Case("ModifySecurityGroupPolicy", "InvalidPolicy.Malformed", 400, {**G, "InnerAccessPolicy": "odd"}),
    Case("ModifySecurityGroupPolicy", "InvalidSecurityGroupId.NotFound", 404, NO_GROUP),
    Case("DeleteSecurityGroup", "MissingSecurityGroupId", 400, R),
    Case("DeleteSecurityGroup", "InvalidSecurityGroupId.Malformed", 400, ODD_GROUP),
    Case("DeleteSecurityGroup", "InvalidSecurityGroupId.NotFound", 404, NO_GROUP),
    Case("DeleteSecurityGroup", "InvalidSecurityGroupId.NotFound", 404, {**G, "RegionId": "cn-beijing"}),
    Case("DeleteSecurityGroup", "DependencyViolation", 403, G),
    Case("DeleteSecurityGroup", "DependencyViolation", 403, {**R, "SecurityGroupId": "{referred}"}),
    Case(
        "DescribeSecurityGroupReferences", "MissingParameter.RegionId", 400, {"SecurityGroupId": ["{group}"]}
    ),
    Case(
        "DescribeSecurityGroupReferences",
        "InvalidSecurityGroupId.NotFound",
        404,
        {**R, "SecurityGroupId": ["sg-0"]},
    ),
    Case(
        "DescribeSecurityGroupReferences",
        "InvalidSecurityGroupId.Malformed",
        400,
        {**R, "SecurityGroupId": [f"sg-{n}" for n in range(11)]},
    ),
    *(
        Case("AuthorizeSecurityGroup", code, status, {**G, "Permissions": [SSH | change]})
        for code, status, change in (
            ("MissingParameter", 400, {"IpProtocol": ""}),
            ("MissingParameter", 400, {"PortRange": ""}),
            ("MissingParameter.Source", 400, {"SourceCidrIp": ""}),
            ("InvalidIpProtocol.ValueNotSupported", 400, {"IpProtocol": "IP"}),
            ("InvalidIpPortRange.Malformed", 400, {"PortRange": "22"}),
            ("InvalidIpPortRange.Malformed", 400, {"PortRange": "2/1"}),
            ("InvalidIpPortRange.Malformed", 400, {"PortRange": "1/65536"}),
            ("InvalidIpPortRange.Malformed", 400, {"IpProtocol": "ICMP"}),
            ("InvalidPolicy.Malformed", 400, {"Policy": "maybe"}),
            ("InvalidPriority.ValueNotSupported", 400, {"Priority": "101"}),
            ("InvalidNicType.ValueNotSupported", 400, {"NicType": "odd"}),
            ("InvalidSecurityGroupDiscription.Malformed", 400, {"Description": "d" * 513}),
            ("InvalidSourceCidrIp.Malformed", 400, {"SourceCidrIp": "10.0.0.0/33"}),
            ("InvalidParam.Ipv6SourceCidrIp", 400, {"SourceCidrIp": "", "Ipv6SourceCidrIp": "10.0.0.0/8"}),
            ("InvalidParam.SourceIp", 400, {"Ipv6SourceCidrIp": "fd00::/8"}),
            ("InvalidParam.DestIp", 400, {"DestCidrIp": "10.0.0.1", "Ipv6DestCidrIp": "fd00::/8"}),
            ("InvalidDestCidrIp.Malformed", 400, {"DestCidrIp": "x"}),
            ("InvalidSourceGroupId.NotFound", 404, {"SourceCidrIp": "", "SourceGroupId": "sg-none"}),
            ("InvalidParamter.Conflict", 403, {"SourceCidrIp": "", "SourceGroupId": "{group}"}),
        )
    ),
    Case("AuthorizeSecurityGroup", "MissingParameter", 400, G),
    Case(
        "AuthorizeSecurityGroup",
        "InvalidGroupParameter.OperationDenied",
        400,
        {
            **R,
            "SecurityGroupId": "{enterprise}",
            "Permissions": [SSH | {"SourceCidrIp": "", "SourceGroupId": "{group}"}],
        },
    ),
    Case("AuthorizeSecurityGroup", "InvalidParam.Permissions", 400, {**G, **SSH, "Permissions": [SSH]}),
    Case("AuthorizeSecurityGroup", "InvalidParam.Permissions", 400, {**G, "Permissions": [SSH] * 101}),
    Case(
        "AuthorizeSecurityGroup", "InvalidParam.DuplicatePermissions", 400, {**G, "Permissions": [SSH, SSH]}
    ),
    Case(
        "AuthorizeSecurityGroup",
        "AuthorizationLimitExceed",
        403,
        {**R, "SecurityGroupId": "{full}", "Permissions": [SSH | {"PortRange": "999/999"}]},
    ),
    Case(
        "AuthorizeSecurityGroup",
        "IdempotentParameterMismatch",
        400,
        {**G, "ClientToken": "t", "Permissions": [SSH | {"Priority": "2"}]},
        {**G, "ClientToken": "t", "Permissions": [SSH]},
    ),
    *(
        Case("AuthorizeSecurityGroupEgress", code, status, {**G, "Permissions": [WEB | change]})
        for code, status, change in (
            ("MissingParameter.Dest", 400, {"DestCidrIp": ""}),
            ("InvalidDestCidrIp.Malformed", 400, {"DestCidrIp": "10.0.0.0/33"}),
            ("InvalidParam.Ipv6DestCidrIp", 400, {"DestCidrIp": "", "Ipv6DestCidrIp": "x"}),
            ("InvalidDestGroupId.NotFound", 404, {"DestCidrIp": "", "DestGroupId": "sg-none"}),
        )
    ),
    Case("RevokeSecurityGroup", "MissingParameter", 400, G),
    Case(
        "RevokeSecurityGroup",
        "InvalidParam.SecurityGroupRuleId",
        400,
        {**G, "SecurityGroupRuleId": ["sgr-0"]},
    ),
    Case(
        "RevokeSecurityGroup",
        "InvalidParam.SecurityGroupRuleId",
        400,
        {**G, "SecurityGroupRuleId": [f"sgr-{n}" for n in range(101)]},
    ),
    Case(
        "RevokeSecurityGroup",
        "InvalidParam.SecurityGroupRuleIdRepeated",
        400,
        {**G, "SecurityGroupRuleId": ["{rule}", "{rule}"]},
    ),
    Case(
        "RevokeSecurityGroup",
        "InvalidParam.Permissions",
        400,
        {**G, "SecurityGroupRuleId": ["{rule}"], "Permissions": [SSH]},
    ),
    Case(
        "RevokeSecurityGroupEgress",
        "InvalidSecurityGroupRule.RuleNotExist",
        400,
        {**G, "SecurityGroupRuleId": ["{rule}"]},
    ),
    Case(
        "ModifySecurityGroupRule",
        "InvalidSecurityGroupRuleId.NotFound",
        404,
        {**G, "SecurityGroupRuleId": "{egress_rule}"},
    ),
    Case("ModifySecurityGroupRule", "SecurityGroupRule.NotFound", 404, {**G, **SSH, "PortRange": "1/1"}),
    Case(
        "ModifySecurityGroupRule",
        "InvalidOperation.ModifySgRuleEntityType",
        400,
        {**G, "SecurityGroupRuleId": "{rule}", "SourceGroupId": "{other}"},
    ),
    Case(
        "ModifySecurityGroupRule",
        "InvalidOperation.RuleDuplicate",
        400,
        {**G, "SecurityGroupRuleId": "{rule}", "PortRange": "443/443"},
    ),
    Case(
        "ModifySecurityGroupRule",
        "InvalidPriority.ValueNotSupported",
        400,
        {**G, "SecurityGroupRuleId": "{rule}", "Priority": "0"},
    ),
    Case(
        "ModifySecurityGroupEgressRule",
        "InvalidSecurityGroupRuleId.NotFound",
        404,
        {**G, "SecurityGroupRuleId": "{rule}"},
    ),
    Case("DescribeSecurityGroupAttribute", "MissingSecurityGroupId", 400, R),
    Case("DescribeSecurityGroupAttribute", "InvalidSecurityGroupId.Malformed", 400, ODD_GROUP),
    Case("DescribeSecurityGroupAttribute", "InvalidSecurityGroupId.NotFound", 404, NO_GROUP),
    Case("DescribeSecurityGroupAttribute", "InValidParameter.NextToken", 400, {**G, "NextToken": "x"}),
    Case("JoinSecurityGroup", "MissingParameter", 400, G),
    Case("JoinSecurityGroup", "InvalidInstanceId.Malformed", 400, {**G, "InstanceId": "none"}),
    Case("JoinSecurityGroup", "InvalidInstanceId.NotFound", 404, {**G, "InstanceId": "i-none"}),
    Case("JoinSecurityGroup", "InvalidEniId.NotFound", 404, {**G, "NetworkInterfaceId": "eni-none"}),
    Case("JoinSecurityGroup", "InvalidInstanceId.AlreadyExists", 403, {**G, "InstanceId": "{instance}"}),
    Case(
        "JoinSecurityGroup",
        "InvalidSecurityGroupAssociation.Duplicate",
        400,
        {**G, "NetworkInterfaceId": "{interface}"},
    ),
    Case(
        "JoinSecurityGroup",
        "InvalidParam.EniIdAndInstanceId.Conflict",
        403,
        {**G, "NetworkInterfaceId": "{interface}", "InstanceId": "{instance}"},
    ),
    Case(
        "JoinSecurityGroup", "InvalidSecurityGroupId.NotFound", 404, {**NO_GROUP, "InstanceId": "{instance}"}
    ),
    Case("LeaveSecurityGroup", "InstanceNotInSecurityGroup", 403, {**G, "InstanceId": "{running}"}),
    Case("LeaveSecurityGroup", "InstanceLastSecurityGroup", 403, {**G, "InstanceId": "{instance}"}),
    Case(
        "LeaveSecurityGroup",
        "InvalidSecurityGroupAssociation.NotFound",
        400,
        {**R, "SecurityGroupId": "{other}", "NetworkInterfaceId": "{interface}"},
    ),
    Case(
        "LeaveSecurityGroup",
        "InvalidOperation.AtLeastInOneGroup",
        403,
        {**G, "NetworkInterfaceId": "{interface}"},
    ),
    Case("LeaveSecurityGroup", "InvalidInstanceId.NotFound", 404, {**G, "InstanceId": "i-none"}),
    Case("RunInstances", "MissingParameter.RegionId", 400, {}),
    Case("RunInstances", "InvalidSecurityGroupId.NotFound", 404, NO_GROUP),
    Case(
        "RunInstances",
        "InvalidSecurityGroupId.SingleIdAndMultiIdConflict",
        400,
        {**G, "SecurityGroupIds": ["{other}"]},
    ),
    Case("RunInstances", "InvalidParameter.Amount", 400, {**G, "Amount": 101}),
    Case("RunInstances", "InvalidLaunchTemplate.NotFound", 404, {**R, "LaunchTemplateId": "lt-none"}),
    Case("RunInstances", "InvalidLaunchTemplateVersion.NotFound", 404, {**T, "LaunchTemplateVersion": 2}),
    Case("RunInstances", "InvalidParameter.LaunchTemplateVersion", 400, {**T, "LaunchTemplateVersion": "$x"}),
    Case("RunInstances", "DryRunOperation", 400, {**G, "DryRun": True}),
    Case(
        "RunInstances",
        "IdempotentParameterMismatch",
        400,
        {**G, "ClientToken": "t", "Amount": 2},
        {**G, "ClientToken": "t"},
    ),
    Case("CreateInstance", "MissingParameter.RegionId", 400, {"SecurityGroupId": "{group}"}),
    Case("CreateInstance", "InvalidSecurityGroupId.NotFound", 404, NO_GROUP),
    Case("CreateInstance", "DryRunOperation", 400, {**G, "DryRun": True}),
    Case("DescribeInstances", "MissingParameter.RegionId", 400, {}),
    Case("DescribeInstances", "InvalidParameter.InstanceIds", 400, {**R, "InstanceIds": "i-1"}),
    Case("DescribeInstances", "DryRunOperation", 400, {**R, "DryRun": True}),
    Case("ModifyInstanceAttribute", "MissingParameter", 400, {}),
    Case("ModifyInstanceAttribute", "InvalidInstanceId.Malformed", 400, {"InstanceId": "x"}),
    Case("ModifyInstanceAttribute", "InvalidInstanceId.NotFound", 404, {"InstanceId": "i-none"}),
    Case(
        "ModifyInstanceAttribute",
        "InvalidSecurityGroupId.NotFound",
        404,
        {"InstanceId": "{instance}", "SecurityGroupIds": ["sg-none"]},
    ),
    Case("ModifyInstanceVpcAttribute", "MissingParameter", 400, {"InstanceId": "{instance}"}),
    Case("ModifyInstanceVpcAttribute", "InvalidInstanceId.NotFound", 404, {"InstanceId": "i-none"}),
    Case(
        "ModifyInstanceVpcAttribute",
        "InvalidSecurityGroupId.NotFound",
        404,
        {"InstanceId": "{instance}", "VSwitchId": "vsw-1", "SecurityGroupId": ["sg-none"]},
    ),
    Case("DeleteInstance", "MissingParameter", 400, {}),
    Case("DeleteInstance", "InvalidInstanceId.NotFound", 404, {"InstanceId": "i-none"}),
    Case("DeleteInstance", "IncorrectInstanceStatus", 403, {"InstanceId": "{running}"}),
    Case("DeleteInstance", "InvalidOperation.DeletionProtection", 403, {"InstanceId": "{protected}"}),
    Case("DeleteInstance", "DryRunOperation", 400, {"InstanceId": "{instance}", "DryRun": True}),
    Case("DeleteInstances", "MissingParameter.RegionId", 400, {"InstanceId": ["{instance}"]}),
    Case("DeleteInstances", "MissingParameter", 400, R),
    Case(
        "DeleteInstances",
        "InvalidParameter.InstanceId",
        400,
        {**R, "InstanceId": [f"i-{n}" for n in range(101)]},
    ),
    Case("DeleteInstances", "InvalidInstanceId.NotFound", 404, {**R, "InstanceId": ["{instance}", "i-none"]}),
    Case("DeleteInstances", "IncorrectInstanceStatus", 403, {**R, "InstanceId": ["{instance}", "{running}"]}),
    Case("DeleteInstances", "DryRunOperation", 400, {**R, "InstanceId": ["{instance}"], "DryRun": True}),
    Case("CreateNetworkInterface", "MissingParameter.RegionId", 400, {"SecurityGroupId": "{group}"}),
    Case("CreateNetworkInterface", "MissingParameter", 400, G),
    Case("CreateNetworkInterface", "MissingSecurityGroupId", 400, ETH),
    Case(
        "CreateNetworkInterface",
        "InvalidSecurityGroupId.SingleIdAndMultiIdConflict",
        400,
        {**ETH, "SecurityGroupId": "{group}", "SecurityGroupIds": ["{other}"]},
    ),
    Case("CreateNetworkInterface", "InvalidSecurityGroupId.NotFound", 404, {**ETH, **NO_GROUP}),
    Case("DescribeNetworkInterfaces", "MissingParameter.RegionId", 400, {}),
    Case("ModifyNetworkInterfaceAttribute", "MissingParameter.RegionId", 400, {}),
    Case("ModifyNetworkInterfaceAttribute", "MissingParameter", 400, R),
    Case(
        "ModifyNetworkInterfaceAttribute", "InvalidEniId.NotFound", 404, {**R, "NetworkInterfaceId": "eni-0"}
    ),
    Case(
        "ModifyNetworkInterfaceAttribute",
        "InvalidSecurityGroupId.NotFound",
        404,
        {**R, "NetworkInterfaceId": "{interface}", "SecurityGroupId": ["sg-none"]},
    ),
    Case("DeleteNetworkInterface", "MissingParameter.RegionId", 400, {"NetworkInterfaceId": "{interface}"}),
    Case("DeleteNetworkInterface", "MissingParameter", 400, R),
    Case("DeleteNetworkInterface", "InvalidEniId.NotFound", 404, {**R, "NetworkInterfaceId": "eni-none"}),
    Case("CreateLaunchTemplate", "MissingParameter.RegionId", 400, {"LaunchTemplateName": "api"}),
    Case("CreateLaunchTemplate", "MissingParameter", 400, R),
    Case(
        "CreateLaunchTemplate", "InvalidLaunchTemplateName.Malformed", 400, {**R, "LaunchTemplateName": "1"}
    ),
    Case("CreateLaunchTemplate", "LaunchTemplateName.Duplicated", 403, {**R, "LaunchTemplateName": "web"}),
    Case(
        "CreateLaunchTemplateVersion",
        "InvalidLaunchTemplate.NotFound",
        404,
        {**R, "LaunchTemplateName": "no"},
    ),
    Case("DescribeLaunchTemplates", "MissingParameter.RegionId", 400, {}),
    Case(
        "DescribeLaunchTemplateVersions", "MissingParameter.RegionId", 400, {"LaunchTemplateId": "{template}"}
    ),
    Case(
        "ModifyLaunchTemplateDefaultVersion",
        "InvalidLaunchTemplate.NotFound",
        404,
        {**R, "LaunchTemplateId": "lt-none", "DefaultVersionNumber": 1},
    ),
    Case(
        "ModifyLaunchTemplateDefaultVersion",
        "InvalidLaunchTemplateVersion.NotFound",
        404,
        {**T, "DefaultVersionNumber": 2},
    ),
    Case("DeleteLaunchTemplate", "InvalidLaunchTemplate.NotFound", 404, {**R, "LaunchTemplateId": "lt-none"}),
    Case("DeleteLaunchTemplateVersion", "MissingParameter", 400, T),
    Case(
        "DeleteLaunchTemplateVersion",
        "InvalidLaunchTemplateVersion.NotFound",
        404,
        {**T, "DeleteVersion": ["2"]},
    ),
    Case("DeleteLaunchTemplateVersion", "DefaultVersion.DeleteForbidden", 403, {**T, "DeleteVersion": ["1"]}),
    Case("TagResources", "MissingParameter.RegionId", 400, {**TAGS, "RegionId": None, "Tag": TAG}),
    Case("TagResources", "MissingParameter", 400, {**R, "ResourceType": "instance", "Tag": TAG}),
    Case("TagResources", "MissingParameter.TagKey", 400, TAGS),
    Case(
        "TagResources", "NumberExceed.ResourceIds", 400, {**TAGS, "ResourceId": ["{group}"] * 51, "Tag": TAG}
    ),
    Case("TagResources", "InvalidResourceType.NotFound", 404, {**TAGS, "ResourceType": "disk", "Tag": TAG}),
    Case("TagResources", "InvalidResourceId.NotFound", 404, {**TAGS, "ResourceId": ["sg-none"], "Tag": TAG}),
    Case(
        "TagResources",
        "QuotaExceed.TagsPerResource",
        400,
        {**TAGS, "Tag": TAG},
        {**TAGS, "Tag": keys(*(f"k{n}" for n in range(20)))},
    ),
    Case("UntagResources", "MissingParameter.TagKey", 400, TAGS),
    Case(
        "UntagResources", "InvalidResourceId.NotFound", 404, {**TAGS, "ResourceId": ["sg-none"], "All": True}
    ),
    Case("ListTagResources", "MissingParameter.RegionId", 400, {"ResourceType": "securitygroup"}),
    Case("ListTagResources", "MissingParameter", 400, {**R, "ResourceType": "securitygroup"}),
]

"""The errors that safe_ecs raises. Each of them means that safe_ecs did not send the call.

::

    GuardError
    +-- ManagedSecurityGroupError  (also the SDK's ClientException)  a target is managed
    +-- StatusUnavailableError     (also the SDK's ClientException)  a status cannot be determined

Both have the attributes of the exception that the stock client raises for a refusal by ECS, so that handlers
written for that exception keep working. The attribute ``decision`` is new.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, cast
from uuid import uuid4

from alibabacloud_tea_openapi.exceptions import ClientException

from safe_ecs._core.decision import statuses_html
from safe_ecs._core.html import note
from safe_ecs._core.operations import STATUS_QUERY

if TYPE_CHECKING:
    from safe_ecs._core.decision import Decision, GroupStatus, Undetermined

MANAGED_CODE: Final = "InvalidOperation.ResourceManagedByCloudProduct"
UNAVAILABLE_CODE: Final = "SafeEcs.StatusUnavailable"
_TROUBLESHOOT: Final = "https://api.aliyun.com/troubleshoot"


class GuardError(Exception):
    """Base of the errors of safe_ecs. Raised instead of sending a call, or if ``client.guard`` has no answer.

    Attributes:
        decision: The decision that stopped the call, or that names the groups ``client.guard`` could not
            read.
    """

    decision: Decision


class _RefusedError(GuardError, ClientException):
    """A refusal in the shape of the SDK's ClientException for an answer of ECS.

    The values that all refusals share are class attributes. The texts are made when a program first reads
    them. This saves time: the SDK's own constructor would take as long as the whole review.
    """

    name = "ClientException"
    status_code = statusCode = 403  # noqa: N815 - the SDK has both
    # The stock client puts the text "None" here when the answer has no such field.
    detail = description = "None"
    access_denied_detail = accessDeniedDetail = cast("Any", None)  # noqa: N815 - the SDK has both
    retry_after = stack = None

    def __init__(self, decision: Decision, request_id: str | None = None) -> None:
        # Do not call the constructor of the SDK: the docstring of the class has the reason.
        self.decision = decision
        if request_id is not None:
            self.request_id = request_id

    @cached_property
    def request_id(self) -> str:  # type: ignore[override]  # it can be assigned to, like the SDK's attribute
        """A random UUID in capitals, the form of ECS. ECS did not make this id and does not know it."""
        return str(uuid4()).upper()

    @cached_property
    def message(self) -> str:
        """The text in the frame of the SDK: status, text and request id."""
        return f"code: {self.status_code}, {self._text} request id: {self.request_id}"

    @cached_property
    def data(self) -> dict[str, Any]:
        """The body that an answer of ECS would have."""
        return {
            "RequestId": self.request_id,
            "HostId": self.decision.endpoint,
            "Code": self.code,
            "Message": self._text,
            "Recommend": self._recommend,
            "statusCode": self.status_code,
        }

    @property
    def _text(self) -> str:
        raise NotImplementedError

    @property
    def _recommend(self) -> str:
        raise NotImplementedError

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.code}: {' '.join(self._text.split())}>"

    def _repr_html_(self) -> str:
        return note(self.code, self._text, is_bad=True) + statuses_html(
            self.decision.groups, self.decision.undetermined
        )

    def __reduce__(self) -> tuple[object, ...]:
        """Rebuild the error from its decision and its request id, the sources of all its texts."""
        return type(self), (self.decision, self.request_id)


class ManagedSecurityGroupError(_RefusedError):
    """A target of the call is a managed security group. safe_ecs did not send the call.

    The error has every attribute of the stock client's exception for the same call, with the same ``code``
    and ``status_code``. Its ``message`` begins as the text of ECS does, but without the product: no query
    returns the product.

    Source: ECS user guide, *Managed security groups*.

    Args:
        decision: The decision that stopped the call; its outcome is ``denied``.
        request_id: The id to carry; a new one if None.
    """

    code = MANAGED_CODE

    @property
    def _text(self) -> str:
        # The first sentence is the text of ECS, because programs search for it.
        managed = self.decision.managed
        named = " ".join(
            f'The specified SecurityGroup "{group.security_group_id}" has been managed by '
            f'serviceID "{group.owner}". {_since(group)}'
            for group in managed
        )
        owners = ", ".join(
            sorted({str(group.service_id) for group in managed if group.service_id is not None})
        )
        acting = (
            f"; if you act for it, say so with GuardPolicy(allowed_service_ids={{{owners}}})"
            if owners
            else ""
        )
        return (
            f"{named} safe_ecs refused {self.decision.action} before it was sent: nothing was changed. "
            f"Ask the product that owns the group for this change, or make it there{acting}."
        )

    @property
    def _recommend(self) -> str:
        return f"{_TROUBLESHOOT}?q={self.code}&product=Ecs&requestId={self.request_id}"


class StatusUnavailableError(_RefusedError):
    """The status of a group cannot be determined. safe_ecs did not send the call, if there was one.

    ``__cause__`` is the exception that stopped the look-up, or None. Pickling drops the exception.

    Args:
        decision: The decision that stopped the call, or that names the groups ``client.guard`` could not
            read. Its outcome is ``unavailable``.
        request_id: The id to carry; a new one if None.
    """

    code = UNAVAILABLE_CODE

    def __init__(self, decision: Decision, request_id: str | None = None) -> None:
        super().__init__(decision, request_id)
        # Several look-ups may have raised; an exception has room for one cause.
        self.__cause__ = next((u.cause for u in decision.undetermined if u.cause), None)

    @property
    def _text(self) -> str:
        decision = self.decision
        named = " ".join(
            f"{_subject(u, decision.action)} cannot be determined: {u.reason}." for u in decision.undetermined
        )
        next_steps = " ".join(dict.fromkeys(u.next_step for u in decision.undetermined))
        refused = f"safe_ecs refused {decision.action} before it was sent: nothing was changed. "
        return f"{named} {refused if decision.refused else ''}{next_steps}"

    @property
    def _recommend(self) -> str:
        # The page gives advice for a code of ECS. The code of this error is unknown to ECS.
        cause_code = next((u.code for u in self.decision.undetermined if u.code), None)
        if cause_code is None:
            return "https://api.aliyun.com/document/Ecs/2014-05-26/DescribeSecurityGroups"
        return f"{_TROUBLESHOOT}?q={cause_code}&product=Ecs"


def _since(group: GroupStatus) -> str:
    """Return a sentence with the origin and the age of a status."""
    ago = "just now" if group.age < 1 else f"{group.age:.0f} s ago"
    if group.source == "shared":
        return f"ECS said so to another process {ago}."
    if group.source == "learned":
        return f"ECS said so {ago} in answer to another call."
    return f"ECS said so {ago}{', and cannot be asked now' if group.source == 'stale' else ''}."


def _subject(undetermined: Undetermined, action: str) -> str:
    if undetermined.security_group_id:
        return f'Whether SecurityGroup "{undetermined.security_group_id}" is managed'
    if undetermined.launch_template:
        return f"Which security groups launch template {undetermined.launch_template} gives to {action}"
    return f"Which security groups {'are managed' if action == STATUS_QUERY else f'{action} targets'}"

"""A server that does next to nothing, so that a measurement against it shows the client.

Run as a process of its own. Prints its port, then answers a DescribeSecurityGroups with the groups asked for, and any
other request with 403 if it names sg-managed, else with 200.
"""

import asyncio
import json
import re
import sys

_REFUSAL = {
    "RequestId": "473469C7-AA6F-4DC5-B3DB-A3DC0DE3C83E",
    "HostId": "ecs.cn-hangzhou.aliyuncs.com",
    "Code": "InvalidOperation.ResourceManagedByCloudProduct",
    "Message": 'The specified SecurityGroup "sg-managed" has been managed by serviceID "1"; product "natgw".',
    "Recommend": "https://api.aliyun.com/troubleshoot?q=InvalidOperation.ResourceManagedByCloudProduct",
}


def _answer(status: bytes, body: object) -> bytes:
    encoded = json.dumps(body).encode()
    head = b"HTTP/1.1 %b\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
    return head % (status, len(encoded)) + encoded


_REFUSED = _answer(b"403 Forbidden", _REFUSAL)
_DONE = _answer(b"200 OK", {"RequestId": "A"})


def _listed(head: bytes) -> bytes:
    """Answer for the groups in the query of a DescribeSecurityGroups."""
    groups = [
        {"SecurityGroupId": group, "ServiceManaged": group == "sg-managed", "ServiceID": 1}
        for group in dict.fromkeys(re.findall(r"sg-[a-z0-9]+", head.split(b"\r\n", 1)[0].decode()))
    ]
    return _answer(b"200 OK", {"RequestId": "A", "SecurityGroups": {"SecurityGroup": groups}})


class _Connection(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._buffer = b""

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end].lower()
            at = head.find(b"content-length:")
            length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(self._buffer) < end + 4 + length:
                return
            self._buffer = self._buffer[end + 4 + length :]
            if b"describesecuritygroups" in head:
                answer = _listed(head)
            else:
                answer = _REFUSED if b"sg-managed" in head else _DONE
            self._transport.write(answer)  # type: ignore[attr-defined]  # a BaseTransport that is a Transport


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(_Connection, "127.0.0.1", 0, backlog=1024)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve())

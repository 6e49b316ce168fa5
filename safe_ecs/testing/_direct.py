"""The configuration of a client that goes to its endpoint directly, despite a proxy in the environment.

The SDK takes the proxy of ``HTTP_PROXY`` or ``http_proxy`` for every host, loopback included. It reads no ``NO_PROXY``,
and its setting ``no_proxy`` has no effect. Only a proxy in the configuration comes before the variables. So the endpoint
is its own proxy here: a server understands a request that is addressed to a proxy (RFC 9112, 3.2.2). That serves HTTP
alone, because for HTTPS the SDK would ask the proxy for a tunnel.
"""

from __future__ import annotations

from alibabacloud_tea_openapi.utils_models import Config

from safe_ecs._core.endpoints import bare_host


class DirectConfig(Config):
    """The configuration of a client that speaks HTTP and takes no proxy but one that is set here.

    Its requests go to the endpoint even if a header ``host`` names another.
    """

    @property  # type: ignore[override]  # the SDK's annotations leave out None
    def http_proxy(self) -> str | None:
        """The proxy that was set, or else the endpoint of this moment."""
        proxy: str | None = vars(self)["http_proxy"]
        return proxy or (self.endpoint and f"http://{bare_host(self.endpoint)}")

    @http_proxy.setter
    def http_proxy(self, proxy: str | None) -> None:
        vars(self)["http_proxy"] = proxy

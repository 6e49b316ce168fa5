"""FakeEcs over TLS, with certificates that are made for the test."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

from alibabacloud_ecs20140526.client import Client as StockClient
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from safe_ecs import Client, GuardPolicy, StatusCache
from safe_ecs.testing import FakeEcs

if TYPE_CHECKING:
    from pathlib import Path

    from alibabacloud_tea_openapi.utils_models import Config


def make_certificate(folder: Path, name: str) -> str:
    """Return the path of a new certificate of 127.0.0.1, signed by itself, with its key in the same file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509
        .CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / f"{name}.pem"
    path.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        + certificate.public_bytes(Encoding.PEM)
    )
    return str(path)


class TlsEcs(FakeEcs):
    """FakeEcs over TLS.

    Args:
        certificate: The path of its certificate.
        newest: The newest TLS version that it speaks.
        client_certificate: The path of the certificate that every client must have; "" for none.

    Attributes:
        certificate: As above.
    """

    def __init__(
        self,
        certificate: str,
        *,
        newest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3,
        client_certificate: str = "",
    ) -> None:
        super().__init__()
        self.certificate = certificate
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        context.maximum_version = newest
        if client_certificate:
            context.load_verify_locations(client_certificate)
            context.verify_mode = ssl.CERT_REQUIRED
        # The thread of a connection shakes hands at its first read, so that no client keeps others waiting.
        self._server.socket = context.wrap_socket(
            self._server.socket, server_side=True, do_handshake_on_connect=False
        )

    def tls_config(self, **settings: object) -> Config:
        """Return the configuration of a client that verifies the server, with more settings."""
        config = self.config()
        config.protocol = "HTTPS"
        vars(config).update({"ca": self.certificate, **settings})
        return config

    def stock(self, **settings: object) -> StockClient:
        """Return a stock client."""
        return StockClient(self.tls_config(**settings))

    def guarded(self, **settings: object) -> Client:
        """Return a guarded client that tries a look-up once, with a cache of its own."""
        return Client(
            self.tls_config(**settings),
            policy=GuardPolicy(lookup_attempts=1, failure_ttl=0),
            cache=StatusCache(),
        )

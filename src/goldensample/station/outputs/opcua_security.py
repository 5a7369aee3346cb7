"""Who may read from the OPC UA server, and how it is encrypted."""

import hmac
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from asyncua import Server, ua
from asyncua.crypto import cert_gen, uacrypto
from asyncua.crypto.permission_rules import User, UserRole
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from goldensample.errors import ArtifactError
from goldensample.storage.atomic import write_atomic

VALID_DAYS = 3650
CERTIFICATE, KEY = "certificate.der", "key.pem"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpcUaSecurity:
    """Users and encryption of the OPC UA server.

    Args:
        folder: of certificate and key, which are made there if they are missing; None for no
            encryption.
        users: password by user name; empty lets everybody read.

    Raises:
        ValueError: there are users and no encryption for their passwords.
    """

    folder: Path | None = None
    users: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.users and self.folder is None:
            raise ValueError(
                "--opcua-user must go with --opcua-encrypt, as passwords would be sent in the "
                "clear; give both"
            )


def application_uri(endpoint_port: int) -> str:
    """Return the URI of this server, which no other has: of this machine and port."""
    return f"urn:{socket.gethostname()}:goldensample:station:{endpoint_port}"


async def secure(server: Server, security: OpcUaSecurity, uri: str) -> None:
    """Set users and encryption of a server that has not been started.

    Raises:
        ArtifactError: certificate or key cannot be used.
    """
    tokens = [ua.UserNameIdentityToken] if security.users else [ua.AnonymousIdentityToken]
    server.set_identity_tokens(tokens)
    if security.folder is None:
        server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
        return
    certificate, key = security.folder / CERTIFICATE, security.folder / KEY
    try:
        if not certificate.exists() and not key.exists():
            _make_certificate(certificate, key, uri)
        await server.load_certificate(certificate)
        await server.load_private_key(key)
        end = server.iserver.certificate.not_valid_after_utc
    except (OSError, ValueError, uacrypto.InvalidSignature) as error:
        raise ArtifactError(
            f"{certificate} and {key} must be a certificate (DER) and its key (PEM); they cannot "
            f"be used ({error}); put others there, or remove both and new ones are made"
        ) from error
    if end < datetime.now(UTC):
        raise ArtifactError(
            f"{certificate} must be valid; it ended on {end:%Y-%m-%d}; put another there, or "
            "remove it and its key and new ones are made"
        )
    server.set_security_policy(
        [
            ua.SecurityPolicyType.Basic256Sha256_SignAndEncrypt,
            ua.SecurityPolicyType.Basic256Sha256_Sign,
        ]
    )


class Users:
    """Checks the passwords of users; nobody may write.

    Args:
        passwords: by user name; empty for anonymous readers alone.
    """

    def __init__(self, passwords: Mapping[str, str]) -> None:
        self._passwords = dict(passwords)

    def get_user(
        self,
        iserver: Any,
        username: str | None = None,
        password: str | None = None,
        certificate: Any = None,
    ) -> User | None:
        """Return the rights of a user, or None for nobody we know."""
        if not self._passwords:
            return User(role=UserRole.User)
        expected = self._passwords.get(username or "")
        matches = hmac.compare_digest((expected or "").encode(), (password or "").encode())
        return User(role=UserRole.User, name=username) if expected and matches else None


def _make_certificate(certificate: Path, key: Path, uri: str) -> None:
    """Make a key and a certificate signed by itself."""
    certificate.parent.mkdir(parents=True, exist_ok=True)
    private = cert_gen.generate_private_key()
    names = [x509.UniformResourceIdentifier(uri), x509.DNSName(socket.gethostname())]
    use = [ExtendedKeyUsageOID.SERVER_AUTH]
    signed = cert_gen.generate_self_signed_app_certificate(
        private, "Golden Sample station", {}, names, use, VALID_DAYS
    )
    write_atomic(key, cert_gen.dump_private_key_as_pem(private))
    os.chmod(key, 0o600)
    write_atomic(certificate, signed.public_bytes(Encoding.DER))

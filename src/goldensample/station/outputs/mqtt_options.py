"""Options of the connection to an MQTT broker, and its encryption."""

import ssl
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class MqttOptions:
    """Options of the connection to a broker.

    Args:
        client_id: name of the station at the broker; no two clients may have the same.
        expiry_s: seconds after which the broker forgets a verdict, or None for never.
        ca: file of the certificates that the broker's must be signed by, or None for the system's.
        certificate: file of the station's own certificate, or None.
        key: file of its key, or None where the same file has it.
    """

    client_id: str
    expiry_s: int | None = None
    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None


def make_tls(scheme: str, options: MqttOptions) -> ssl.SSLContext | None:
    """Return the TLS of a connection, or None for none.

    Raises:
        ValueError: a file is missing or is no certificate or key, or there is no TLS for it.
    """
    files = (options.ca, options.certificate, options.key)
    if scheme != "mqtts":
        if any(files):
            raise ValueError("--mqtt must begin with mqtts:// where certificates are given")
        return None
    if options.key and not options.certificate:
        raise ValueError("--mqtt-key must go with --mqtt-cert; give both")
    try:
        context = ssl.create_default_context(cafile=options.ca)
        if options.certificate:
            context.load_cert_chain(options.certificate, options.key)
    except OSError as error:
        names = ", ".join(str(path) for path in files if path)
        raise ValueError(
            f"--mqtt-ca, --mqtt-cert and --mqtt-key must be PEM files that belong together; "
            f"{names} cannot be used ({error.strerror or error})"
        ) from error
    return context

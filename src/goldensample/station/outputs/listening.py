"""Whether a server can listen at an address."""

import socket

from goldensample.errors import ArtifactError
from goldensample.station.outputs.addresses import Address


def check_free(server: str, address: Address) -> None:
    """Check that a server can listen at an address.

    Args:
        server: what it is, for people, such as "OPC UA server".
        address: where.

    Raises:
        ArtifactError: it cannot, as when another program does.
    """
    try:
        family, kind, _, _, place = socket.getaddrinfo(
            address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind) as listener:
            if socket.has_dualstack_ipv6() and family == socket.AF_INET6:
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            if hasattr(socket, "SO_REUSEPORT"):  # not Windows, where reusing would steal the port
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(place)
            listener.listen()
    except OSError as error:
        raise listen_error(server, address, error) from error


def listen_error(server: str, address: Address, error: BaseException) -> ArtifactError:
    """Return the error of a server that cannot listen."""
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return ArtifactError(
        f"the {server} must listen at {address.shown}; it cannot ({reason}); stop the program "
        "that does, or choose another port"
    )

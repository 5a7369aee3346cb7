"""The address of a server on a cluster's head, and checks of it."""

import socket
from dataclasses import dataclass

from goldensample.errors import RunnerError
from goldensample.ray_runner.cluster import is_reachable

LOOPBACK = ("127.0.0.1", "::1", "localhost")
ANY = ("0.0.0.0", "::")


@dataclass(frozen=True, slots=True)
class Address:
    """Host and port that a server on the cluster's head listens on.

    Args:
        host: an address of that machine, or one of ANY for all of them.
        port: likewise.
    """

    host: str
    port: int

    def check_free(self) -> None:
        """Check that a server on this machine can bind it.

        Raises:
            RunnerError: it is in use, or not an address of this machine.
        """
        try:
            family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
            with socket.socket(family) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind((self.host, self.port))
        except OSError as error:
            raise RunnerError(
                f"port {self.port} of {self.host} must be free; it is not ({error.strerror}); "
                "give another --port or --host"
            ) from error

    def check_reachable(self, head: str) -> None:
        """Check that a server answers there, if this machine can reach it.

        Args:
            head: address of the cluster's head.

        Raises:
            RunnerError: none does.
        """
        host = self._client_host(head)
        if (is_local(head) or host not in LOOPBACK) and not is_reachable((host, self.port)):
            raise RunnerError(
                f"replicas must be reached at {host}:{self.port}; nothing answers there: the "
                "cluster's Serve listens elsewhere; give its --host and --port, or stop it with: "
                "serve shutdown"
            )

    def describe(self, head: str) -> str:
        """Return it as a URL, with the machine if it is not this one."""
        host = self._client_host(head)
        suffix = "" if is_local(head) or host not in LOOPBACK else " on the cluster's head"
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}{suffix}"

    def _client_host(self, head: str) -> str:
        return head if self.host in ANY else self.host


def is_local(head: str) -> bool:
    """Return whether the cluster's head is this machine."""
    import ray

    return head in (*LOOPBACK, ray.util.get_node_ip_address())

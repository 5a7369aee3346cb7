"""Where a cluster's head is reached, and whether it is."""

import socket
from dataclasses import dataclass

from goldensample.errors import RunnerError
from goldensample.ray_runner.cluster import answers

LOOPBACK = ("127.0.0.1", "::1", "localhost")
ANY = ("0.0.0.0", "::")


@dataclass(frozen=True, slots=True)
class Address:
    """What a server on the cluster's head listens on.

    Args:
        host: an address of that machine, or one of ANY for all of them.
        port: likewise.
    """

    host: str
    port: int

    def check_free(self) -> None:
        """Make sure that a server on this machine can have it.

        Raises:
            RunnerError: another one has it, or it is no address of this machine.
        """
        try:
            kind = socket.AF_INET6 if ":" in self.host else socket.AF_INET
            with socket.socket(kind) as trial:
                trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                trial.bind((self.host, self.port))
        except OSError as error:
            raise RunnerError(
                f"port {self.port} of {self.host} must be free; it is not ({error.strerror}); "
                "give another --port or --host"
            ) from error

    def check_reached(self, head: str) -> None:
        """Make sure that a server answers there, where that can be told from this machine.

        Args:
            head: address of the cluster's head.

        Raises:
            RunnerError: none does.
        """
        host = self._seen(head)
        if (is_here(head) or host not in LOOPBACK) and not answers((host, self.port)):
            raise RunnerError(
                f"replicas must be reached at {host}:{self.port}; nothing answers there: the "
                "cluster's Serve listens elsewhere; give its --host and --port, or stop it with: "
                "serve shutdown"
            )

    def words(self, head: str) -> str:
        """Return it as people type it."""
        host = self._seen(head)
        where = "" if is_here(head) or host not in LOOPBACK else " on the cluster's head"
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}{where}"

    def _seen(self, head: str) -> str:
        return head if self.host in ANY else self.host


def is_here(head: str) -> bool:
    """Return whether the cluster's head is this machine."""
    import ray

    return head in (*LOOPBACK, ray.util.get_node_ip_address())

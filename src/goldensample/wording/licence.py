"""The licence of the network of a file."""

from goldensample.locales.language import gettext

OURS = ("builtin", "pixels", "effnet-lite0", "effnet-lite1", "effnet-lite2")


def network_licence(network: str) -> str:
    """Return the licence of a network, or of several in one, by its name."""
    ours = all(name in OURS for name in network.split(" + "))
    return "Apache-2.0" if ours else gettext("that of its weights; their author tells it")

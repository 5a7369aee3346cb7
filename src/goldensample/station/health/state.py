"""State of a connection, where the health of a station is told."""

from goldensample.station.connection_state import ConnectionState

__all__ = ["ConnectionState"]

"""How a station is, for people and for monitors.

`health.health` tells all of it.
"""

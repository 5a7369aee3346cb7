"""Health of a station, for people and for monitoring.

`health.health` returns all of it as JSON values.
"""

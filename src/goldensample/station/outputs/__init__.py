"""Sinks of verdicts: webhook, MQTT, OPC UA."""

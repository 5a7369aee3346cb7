"""Sinks of verdicts: webhook, MQTT, Modbus, S7, OPC UA."""

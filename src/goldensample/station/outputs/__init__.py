"""Where verdicts go: webhook, MQTT, OPC UA."""

"""Graphs as files: the only rooms that open up ONNX models.

`levels` cuts a network down to what is needed; `graph` bakes a whole inspector into one model;
`runtimes` runs models; `parity` compares them with the inspector.
"""

"""Graphs as files: the only rooms that open up ONNX models.

`levels` cuts a network down to what is needed; `graph` bakes a whole inspector into one model;
`parity` runs models beside the inspector and compares.
"""

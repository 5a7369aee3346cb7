"""ONNX graphs: the only modules that read and write ONNX models.

`open_backbone` opens networks, `levels` cuts them down to the levels needed, `graph` converts
an inspector to one model, and `runtimes` runs models.
"""

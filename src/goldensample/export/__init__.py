"""Export of inspectors as ONNX or OpenVINO models, checked against the inspector.

`export.export` writes a model; `parity.compare` compares it with the inspector.
"""

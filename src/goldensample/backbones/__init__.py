"""Pictures to feature maps, one per level.

`network.Backbone` is what each promises; `openvino.OpenVINOBackbone` runs on the line.
"""

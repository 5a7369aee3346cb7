"""Backbones: pictures to feature maps, one per level.

`network.Backbone` is their protocol; `openvino.OpenVINOBackbone` runs on the line.
"""

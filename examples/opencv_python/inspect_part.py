"""Inspect a picture with an exported model in OpenCV 5: python inspect_part.py part.onnx PICTURE"""

import sys

import cv2

net = cv2.dnn.readNetFromONNX(sys.argv[1])
net.setInput(cv2.cvtColor(cv2.imread(sys.argv[2]), cv2.COLOR_BGR2RGB)[None], "image")
names = net.getUnconnectedOutLayersNames()
found = dict(zip(names, net.forward(names), strict=True))  # all at once: OpenCV refuses a part

print(f"score {found['score'][0]:.6f}")
if "verdict" in found:  # a model without a threshold has none
    print("verdict", "defect" if found["verdict"][0] else "good")

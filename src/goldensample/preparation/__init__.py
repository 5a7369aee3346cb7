"""A picture's way to the network's canvas and back.

`preparation.Preparation` holds every setting of it; `placement.Placement` says where a picture
lies.
"""

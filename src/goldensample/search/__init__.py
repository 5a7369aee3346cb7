"""Nearest-neighbour search in a memory bank.

`exact.NearestSearch` is exact; `approximate.ApproximateSearch` is FAISS.
"""

"""From picture to verdict: accepted, queued, judged, stored, told.

`line.Line` does it; `jobs` are the pictures on their way.
"""

"""From picture to verdict: accepted, queued, inspected, stored, answered.

`line.Line` is the queue and its threads; `jobs.Job` is a picture in it; `scene.SceneMonitor`
detects changes of light, focus and camera.
"""

"""Work on a Ray cluster: on this machine's cores, or on many machines.

Each task is one Ray task with one processor, each state that is kept one Ray actor. They run in the
folder that the command was given in, so that paths mean the same everywhere, and write into a
folder that all machines share; a mark in it tells every worker that it sees that very folder.
"""

from goldensample.ray_runner.cluster import RETRIES as RETRIES
from goldensample.ray_runner.connect import open_runner as open_runner
from goldensample.ray_runner.runner import RayRunner as RayRunner

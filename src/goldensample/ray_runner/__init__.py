"""Distributed execution on a Ray cluster: on this machine's cores, or on many machines.

Each task is one Ray task with one processor, each persistent state one Ray actor. They run in the
working directory of the command, so that paths mean the same everywhere, and write into a folder
that all machines share; a marker file in it lets every worker check that it sees that folder.
"""

from goldensample.ray_runner.cluster import RETRIES as RETRIES
from goldensample.ray_runner.connect import open_runner as open_runner
from goldensample.ray_runner.runner import RayRunner as RayRunner

"""A Ray cluster for tests: one a process, for all files of tests that need one."""

import atexit
import os
import sys
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

import pytest

MISSING = "Ray is not installed: pip install 'goldensample[ray]'"
NODE = {"num_cpus": 1, "object_store_memory": 80_000_000}
PATHS = os.pathsep.join([str(Path(__file__).parent), *sys.path])
QUIET = {
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "PYTHONPATH": PATHS,
}


@cache
def started():
    """Start two nodes of one processor each, with as few processes as there can be."""
    from ray.cluster_utils import Cluster

    with suppress(Exception):  # on a busy machine a node may take longer than Ray waits
        return _started(Cluster)
    return _started(Cluster)


def _started(cluster):
    watch = {"health_check_period_ms": 500, "health_check_failure_threshold": 10}
    few = {"include_dashboard": False, "include_log_monitor": False, "no_monitor": True}
    made = cluster(True, head_node_args={**NODE, **few, "_system_config": watch})
    atexit.register(made.shutdown)
    made.add_node(**NODE)
    return made


@contextmanager
def two_nodes():
    """Give the two nodes, where commands find them by themselves."""
    pytest.importorskip("ray", reason=MISSING)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in QUIET.items():
            patch.setenv(name, value)
        made = started()
        patch.setenv("RAY_ADDRESS", made.address)
        yield made

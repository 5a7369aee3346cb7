"""A Ray cluster for tests: one a process, for all files of tests that need one."""

import atexit
import os
import sys
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

import pytest

RAY_MISSING = "Ray is not installed: pip install 'goldensample[ray]'"
NODE = {"num_cpus": 1, "object_store_memory": 80_000_000}
PYTHONPATH = os.pathsep.join([str(Path(__file__).parent), *sys.path])
RAY_ENVIRONMENT = {
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "PYTHONPATH": PYTHONPATH,
}


@cache
def start_cluster():
    """Start two nodes of one processor each, with as few processes as there can be."""
    from ray.cluster_utils import Cluster

    with suppress(Exception):  # on a busy machine a node may take longer than Ray waits
        return _start(Cluster)
    return _start(Cluster)


def _start(cluster_class):
    system_config = {"health_check_period_ms": 500, "health_check_failure_threshold": 10}
    options = {"include_dashboard": False, "include_log_monitor": False, "no_monitor": True}
    cluster = cluster_class(
        True, head_node_args={**NODE, **options, "_system_config": system_config}
    )
    atexit.register(cluster.shutdown)
    cluster.add_node(**NODE)
    return cluster


@contextmanager
def two_node_cluster():
    """Give a cluster of two nodes, with RAY_ADDRESS set to it."""
    pytest.importorskip("ray", reason=RAY_MISSING)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in RAY_ENVIRONMENT.items():
            patch.setenv(name, value)
        cluster = start_cluster()
        patch.setenv("RAY_ADDRESS", cluster.address)
        yield cluster

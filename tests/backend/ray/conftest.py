"""One Ray cluster of several local nodes for all tests here, started once."""

from __future__ import annotations

import socket
import warnings
from collections.abc import Iterator
from typing import Any

import pytest


@pytest.fixture(scope="session")
def client_port() -> int:
    """Where the cluster's head listens to Ray's client."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.fixture(scope="session")
def cluster(client_port: int) -> Iterator[Any]:
    """A cluster with a head and one more node, to which this process is connected."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import ray
        from ray.cluster_utils import Cluster

        cluster = Cluster(
            initialize_head=True,
            head_node_args={
                "num_cpus": 4,
                "include_dashboard": False,
                "ray_client_server_port": client_port,
                "resources": {"head": 4},
                "_system_config": {
                    # Ray lets its workers step back behind all other programs of a machine, and
                    # starts processes ahead that these tests have no use for.
                    "worker_niceness": 0,
                    "prestart_worker_first_driver": False,
                    # A node's death is known sooner.
                    "health_check_initial_delay_ms": 1000,
                    "health_check_period_ms": 1000,
                    "health_check_timeout_ms": 5000,
                    "health_check_failure_threshold": 2,
                },
            },
        )
        cluster.add_node(num_cpus=4, resources={"other": 4})
        ray.init(address=cluster.address, log_to_driver=False, logging_level="error")
        cluster.wait_for_nodes()
    yield cluster
    ray.shutdown()
    cluster.shutdown()

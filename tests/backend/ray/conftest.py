"""One Ray cluster of several local nodes for all tests here, started once."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import pytest


@pytest.fixture(scope="session")
def cluster() -> Iterator[Any]:
    """A cluster with a head and one more node, to which this process is connected."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import ray
        from ray.cluster_utils import Cluster

        cluster = Cluster(
            initialize_head=True,
            head_node_args={"num_cpus": 4, "include_dashboard": False, "resources": {"head": 4}},
        )
        cluster.add_node(num_cpus=4, resources={"other": 4})
        ray.init(address=cluster.address, log_to_driver=False, logging_level="error")
        cluster.wait_for_nodes()
    yield cluster
    ray.shutdown()
    cluster.shutdown()

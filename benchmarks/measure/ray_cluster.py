"""A Ray cluster of several nodes, each some processes of this machine, for measurements."""

from __future__ import annotations

import logging
import os
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import Any


@contextmanager
def ray_cluster(cpus_of_nodes: list[int]) -> Iterator[Any]:
    """A cluster to which this process is connected, and a new folder for experiments.

    What is printed meanwhile goes to standard error: the figures are all that standard output gets.

    Args:
        cpus_of_nodes: Logical CPUs of each node.
    """
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    import ray
    from ray.cluster_utils import Cluster

    os.environ["SYNETUNE_FOLDER"] = tempfile.mkdtemp()
    with redirect_stdout(sys.stderr):
        head = {
            "num_cpus": cpus_of_nodes[0],
            "include_dashboard": False,
            # Ray lets its workers step back behind all other programs of a machine.
            "_system_config": {"worker_niceness": 0},
        }
        cluster = Cluster(initialize_head=True, head_node_args=head)
        for cpus in cpus_of_nodes[1:]:
            cluster.add_node(num_cpus=cpus)
        ray.init(address=cluster.address, log_to_driver=False, logging_level="error")
        cluster.wait_for_nodes()
        try:
            yield cluster
        finally:
            ray.shutdown()
            cluster.shutdown()

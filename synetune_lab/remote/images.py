"""The image that runs a tuner where none is given: one of AWS's for PyTorch, which is public."""

from __future__ import annotations

import re
import sys
from typing import Final

from synetune_lab.backend.sagemaker_backend.instance_info import InstanceInfos
from synetune_lab.errors import BackendError

__all__ = ["default_image_uri", "python_of_image", "syne_tune_image_uri"]

_ACCOUNT: Final = "763104351884"
# As of November 2026; regions that are not listed have the account above.
_ACCOUNTS: Final = {
    "af-south-1": "626614931356",
    "ap-east-1": "871362719292",
    "ap-east-2": "975050140332",
    "ap-northeast-3": "364406365360",
    "ap-south-2": "772153158452",
    "ap-southeast-3": "907027046896",
    "ap-southeast-4": "457447274322",
    "ap-southeast-5": "550225433462",
    "ap-southeast-6": "633930458069",
    "ap-southeast-7": "590183813437",
    "ca-west-1": "204538143572",
    "cn-north-1": "727897471807",
    "cn-northwest-1": "727897471807",
    "eu-central-2": "380420809688",
    "eu-south-1": "692866216735",
    "eu-south-2": "503227376785",
    "il-central-1": "780543022126",
    "me-central-1": "914824155844",
    "me-south-1": "217643126080",
    "mx-central-1": "637423239942",
    "us-gov-east-1": "446045086412",
    "us-gov-west-1": "442386744353",
}
# The newest release of PyTorch for each Python.
_RELEASES: Final = {(3, 10): "2.2.0", (3, 11): "2.5.1", (3, 12): "2.8.0"}
_PYTHON: Final = re.compile(r"py3(\d+)")


def default_image_uri(
    region: str, instance_type: str, python: tuple[int, int] = sys.version_info[:2]
) -> str:
    """The image of AWS that has the Python of this process.

    Args:
        region: Region of the job.
        instance_type: Its instance; one with GPUs gets their libraries.
        python: Which Python.

    Raises:
        BackendError: If AWS has no image with that Python.
    """
    release = _RELEASES.get(python)
    if release is None:
        known = ", ".join(f"{major}.{minor}" for major, minor in _RELEASES)
        raise BackendError(
            f"image_uri was not given, and AWS has no image with Python {python[0]}.{python[1]} "
            f"(but with {known}): what is saved by one Python can't be loaded by another. Pass "
            "image_uri=... of an image with the same Python, or tune from a notebook with one of "
            "those"
        )
    infos = InstanceInfos()
    device = "gpu" if instance_type in infos and infos(instance_type).num_gpu else "cpu"
    domain = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    account = _ACCOUNTS.get(region, _ACCOUNT)
    tag = f"{release}-{device}-py{python[0]}{python[1]}"
    return f"{account}.dkr.ecr.{region}.{domain}/pytorch-training:{tag}"


def python_of_image(image_uri: str) -> tuple[int, int] | None:
    """The Python that an image names in its tag, None if it names none."""
    match = _PYTHON.search(image_uri.rpartition(":")[2])
    return None if match is None else (3, int(match[1]))


def syne_tune_image_uri() -> str:
    """Image of a job that tunes, for the account's region.

    No image has to be built: the library is sent along, its packages are installed at the start.

    Raises:
        BackendError: If no region is set, or AWS has no image with this Python.
    """
    from synetune_lab.backend.sagemaker_backend.aws import Aws
    from synetune_lab.remote.constants import DEFAULT_CPU_INSTANCE

    return default_image_uri(Aws().region, DEFAULT_CPU_INSTANCE)

"""Ready-made estimators, with the SDK itself; it is not part of any default installation."""

from __future__ import annotations

import importlib.util
import warnings
from pathlib import Path
from typing import Any

import pytest

from synetune_lab.backend.sagemaker_backend.translation import as_description
from synetune_lab.errors import MissingDependencyError
from synetune_lab.remote import estimators

ROLE = "arn:aws:iam::123456789012:role/mine"
KINDS = ["pytorch", "huggingface", "sklearn", "mxnet", "instance_sagemaker"]


def _has(module: str) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # release 2 says that there is a release 3
        try:
            return importlib.util.find_spec(module) is not None
        except ModuleNotFoundError:
            return False


@pytest.mark.skipif(not _has("sagemaker.pytorch"), reason="the SageMaker SDK 2 is not installed")
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", KINDS)
def test_estimators_become_jobs(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    import boto3
    from sagemaker.session import Session

    session = Session(boto3.Session(region_name="us-east-1"), default_bucket="bucket")
    script = tmp_path / "train.py"
    script.write_text("")
    instance = "ml.m5.xlarge" if kind == "sklearn" else "ml.g4dn.xlarge"
    make: Any = getattr(estimators, f"{kind}_estimator")
    estimator = make(
        entry_point=str(script),
        role=ROLE,
        instance_type=instance,
        sagemaker_session=session,
    )
    job = as_description(estimator)
    assert job.instance_type == instance
    assert job.role == ROLE
    assert ".amazonaws.com/" in job.image_uri
    cpu = estimators.basic_cpu_instance_sagemaker_estimator(
        entry_point=str(script), role=ROLE, sagemaker_session=session
    )
    assert as_description(cpu).instance_type == "ml.c5.4xlarge"


@pytest.mark.skipif(_has("sagemaker.pytorch"), reason="the SageMaker SDK 2 is installed")
def test_what_is_missing_is_said() -> None:
    expected = "sagemaker<3" if _has("sagemaker") else r"synetune_lab\[sagemaker\]"
    with pytest.raises(MissingDependencyError, match=expected):
        estimators.pytorch_estimator(entry_point="train.py", role=ROLE)

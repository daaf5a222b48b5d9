"""What the tests of objects of the SageMaker SDK have in common."""

from __future__ import annotations

import json
from importlib import metadata
from typing import Any

from synetune_lab.backend.sagemaker_backend.request import Placement, training_job_request
from synetune_lab.backend.sagemaker_backend.translation import as_description

ROLE = "arn:aws:iam::123456789012:role/trials"
REGION = "us-west-2"
IMAGE = f"123456789012.dkr.ecr.{REGION}.amazonaws.com/own:1"
PLACE = Placement(
    name="hpo-1-0",
    role_arn=ROLE,
    region=REGION,
    source_uri="s3://bucket/source/sourcedir.tar.gz",
    program="train.py",
    checkpoint_uri="s3://bucket/hpo/1/",
    request_uri="s3://bucket/hpo/jobs/hpo-1-0/request",
    output_path="s3://bucket/hpo/output",
)
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "x",
    "AWS_SECRET_ACCESS_KEY": "x",
    "AWS_DEFAULT_REGION": REGION,
    "AWS_EC2_METADATA_DISABLED": "true",
}


def release_of_sdk() -> int:
    """2 or 3, 0 if there is none; nothing is imported, since that takes seconds."""
    for package, release in (("sagemaker-train", 3), ("sagemaker", 2)):
        try:
            metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
        return release
    return 0


def request_of(sdk_object: Any, config: dict[str, Any] | None = None) -> dict[str, Any]:
    """Our request, which boto3 finds to be well-formed."""
    import botocore.session
    from botocore.validate import ParamValidator

    request = training_job_request(as_description(sdk_object), config or {}, PLACE)
    model = botocore.session.get_session().get_service_model("sagemaker")
    shape = model.operation_model("CreateTrainingJob").input_shape
    report = ParamValidator().validate(request, shape)
    assert not report.has_errors(), report.generate_report()
    return request


def decoded(hyperparameters: dict[str, str]) -> dict[str, Any]:
    """What script mode makes of hyperparameters, without those that name this very job."""
    found = {}
    for name, text in hyperparameters.items():
        try:
            found[name] = json.loads(text)
        except ValueError:
            found[name] = text
    for name in ("program", "submit_directory", "job_name", "region", "container_log_level"):
        found.pop(f"sagemaker_{name}", None)
    found.pop("st_checkpoint_dir", None)
    return found

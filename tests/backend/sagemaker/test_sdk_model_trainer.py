"""A `ModelTrainer` of the SageMaker SDK 3 becomes a request that holds all it says.

Runs where that is installed: `pip install 'sagemaker>=3'`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from synetune_lab.backend.sagemaker_backend import CustomFramework
from synetune_lab.backend.sagemaker_backend.from_model_trainer import (
    KNOWN_FIELDS,
    KNOWN_SOURCE_FIELDS,
)
from synetune_lab.backend.sagemaker_backend.sagemaker_utils import default_sagemaker_session
from synetune_lab.backend.sagemaker_backend.translation import as_description
from synetune_lab.errors import BackendError
from tests.backend.sagemaker.sdk_helpers import (
    ENVIRONMENT,
    IMAGE,
    PLACE,
    REGION,
    ROLE,
    decoded,
    release_of_sdk,
    request_of,
)

pytestmark = [
    pytest.mark.skipif(release_of_sdk() != 3, reason="the SageMaker SDK 3 is not installed"),
    # The SDK warns of its own doings.
    pytest.mark.filterwarnings("ignore"),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("train.py", "requirements.txt", "other.txt"):
        (tmp_path / name).write_text("")
    return tmp_path


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    from sagemaker.train.model_trainer import TrainDefaults

    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    # The trainer asks AWS what its role may do.
    monkeypatch.setattr(TrainDefaults, "get_role", lambda *_, **__: ROLE)


def make_trainer(folder: Path, **changes: Any) -> Any:
    import boto3
    from sagemaker.core.helper.session_helper import Session
    from sagemaker.core.training.configs import Compute, OutputDataConfig, SourceCode
    from sagemaker.train.model_trainer import ModelTrainer

    arguments: dict[str, Any] = {
        "training_image": IMAGE,
        "source_code": SourceCode(
            source_dir=str(folder), entry_script="train.py", requirements="requirements.txt"
        ),
        "compute": Compute(instance_type="ml.g4dn.xlarge", instance_count=1),
        "output_data_config": OutputDataConfig(s3_output_path="s3://bucket/models"),
        "role": ROLE,
        "sagemaker_session": Session(boto_session=boto3.Session(region_name=REGION)),
    }
    return ModelTrainer(**{**arguments, **changes})


def test_a_model_trainer_of_few_words_becomes_a_request(folder: Path) -> None:
    trainer = make_trainer(folder, hyperparameters={"lr": 0.1, "layers": [1, 2]})
    request, job = request_of(trainer), as_description(trainer)
    assert job.script == folder / "train.py"
    assert job.requirements == str(folder / "requirements.txt")
    assert job.region == REGION
    assert request["AlgorithmSpecification"] == {
        "TrainingImage": IMAGE,
        "TrainingInputMode": "File",
        "MetricDefinitions": [],
    }
    assert request["ResourceConfig"] == {
        "InstanceType": "ml.g4dn.xlarge",
        "InstanceCount": 1,
        "VolumeSizeInGB": 30,
    }
    assert request["StoppingCondition"] == {"MaxRuntimeInSeconds": 3600}
    assert request["OutputDataConfig"]["S3OutputPath"] == "s3://bucket/models"
    assert decoded(request["HyperParameters"]) == {"lr": 0.1, "layers": [1, 2]}
    assert request["RoleArn"] == ROLE
    assert "InputDataConfig" not in request
    assert "VpcConfig" not in request


def test_all_that_a_model_trainer_can_say_is_in_the_request(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    from sagemaker.core import shapes
    from sagemaker.core.training import configs

    channel = shapes.Channel(
        channel_name="test",
        data_source=shapes.DataSource(
            s3_data_source=shapes.S3DataSource(
                s3_data_type="ManifestFile", s3_uri="s3://bucket/manifest"
            )
        ),
        compression_type="Gzip",
    )
    trainer = make_trainer(
        folder,
        compute=configs.Compute(
            instance_type="ml.g5.xlarge",
            instance_count=2,
            volume_size_in_gb=100,
            volume_kms_key_id="volume-key",
            enable_managed_spot_training=True,
            training_plan_arn="arn:aws:sagemaker:us-west-2:123456789012:training-plan/plan",
        ),
        networking=configs.Networking(
            subnets=["subnet-1"],
            security_group_ids=["sg-1"],
            enable_network_isolation=True,
            enable_inter_container_traffic_encryption=True,
        ),
        stopping_condition=shapes.StoppingCondition(
            max_runtime_in_seconds=600, max_wait_time_in_seconds=900
        ),
        checkpoint_config=configs.CheckpointConfig(
            s3_uri="s3://bucket/mine", local_path="/opt/ml/kept"
        ),
        output_data_config=configs.OutputDataConfig(
            s3_output_path="s3://bucket/models", kms_key_id="output-key", compression_type="NONE"
        ),
        training_image_config=shapes.TrainingImageConfig(training_repository_access_mode="Vpc"),
        training_input_mode="FastFile",
        input_data_config=[
            configs.InputData(
                channel_name="train", data_source="s3://bucket/train", content_type="text/csv"
            ),
            channel,
        ],
        environment={"A": "1"},
        tags=[configs.Tag(key="team", value="vision")],
        base_job_name="hpo",
    )
    trainer = trainer.with_retry_strategy(shapes.RetryStrategy(maximum_retry_attempts=2))
    trainer = trainer.with_metric_definitions(
        [configs.MetricDefinition(name="loss", regex="loss=(.*)")]
    )
    request = request_of(trainer)
    assert request["ResourceConfig"] == {
        "InstanceType": "ml.g5.xlarge",
        "InstanceCount": 2,
        "VolumeSizeInGB": 100,
        "VolumeKmsKeyId": "volume-key",
        "TrainingPlanArn": "arn:aws:sagemaker:us-west-2:123456789012:training-plan/plan",
    }
    assert request["EnableManagedSpotTraining"] is True
    assert request["StoppingCondition"] == {
        "MaxRuntimeInSeconds": 600,
        "MaxWaitTimeInSeconds": 900,
    }
    assert request["VpcConfig"] == {"Subnets": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}
    assert request["EnableNetworkIsolation"] is True
    assert request["EnableInterContainerTrafficEncryption"] is True
    assert request["CheckpointConfig"] == {
        "S3Uri": PLACE.checkpoint_uri,
        "LocalPath": "/opt/ml/kept",
    }
    assert "s3_uri='s3://bucket/mine' is not used" in caplog.text
    assert request["OutputDataConfig"] == {
        "S3OutputPath": "s3://bucket/models",
        "KmsKeyId": "output-key",
        "CompressionType": "NONE",
    }
    algorithm = request["AlgorithmSpecification"]
    assert algorithm["TrainingImageConfig"] == {"TrainingRepositoryAccessMode": "Vpc"}
    assert algorithm["TrainingInputMode"] == "FastFile"
    assert algorithm["MetricDefinitions"] == [{"Name": "loss", "Regex": "loss=(.*)"}]
    train, test, code = request["InputDataConfig"]
    assert train == {
        "ChannelName": "train",
        "ContentType": "text/csv",
        "DataSource": {
            "S3DataSource": {
                "S3DataType": "S3Prefix",
                "S3Uri": "s3://bucket/train",
                "S3DataDistributionType": "FullyReplicated",
            }
        },
    }
    assert test["CompressionType"] == "Gzip"
    assert test["DataSource"]["S3DataSource"]["S3DataType"] == "ManifestFile"
    assert code["ChannelName"] == "code"
    assert request["Environment"]["A"] == "1"
    assert request["Tags"] == [{"Key": "team", "Value": "vision"}]
    assert request["RetryStrategy"] == {"MaximumRetryAttempts": 2}
    assert as_description(trainer).base_job_name == "hpo"


def test_what_a_model_trainer_says_in_vain_is_refused_by_name(folder: Path) -> None:
    from sagemaker.core.training import configs
    from sagemaker.train.distributed import Torchrun

    source = configs.SourceCode(source_dir=str(folder), command="python train.py")
    with pytest.raises(BackendError, match="entry_script, without a command"):
        as_description(make_trainer(folder, source_code=source))
    with pytest.raises(BackendError, match="distributed is not served"):
        as_description(make_trainer(folder, distributed=Torchrun()))
    with pytest.raises(BackendError, match="algorithm_name is not served"):
        as_description(make_trainer(folder, training_image=None, algorithm_name="algorithm"))
    local = configs.InputData(channel_name="train", data_source=str(folder))
    with pytest.raises(BackendError, match="'train' must be an address on S3"):
        as_description(make_trainer(folder, input_data_config=[local]))


def test_fields_that_a_later_release_adds_are_told(
    folder: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sagemaker.core.training.configs import SourceCode
    from sagemaker.train.model_trainer import ModelTrainer

    assert set(ModelTrainer.model_fields) <= KNOWN_FIELDS
    assert set(SourceCode.model_fields) <= KNOWN_SOURCE_FIELDS
    trainer = make_trainer(folder)
    as_description(trainer)
    assert "is not used" not in caplog.text
    monkeypatch.setattr(type(trainer), "model_fields", {"lasers": None}, raising=False)
    object.__setattr__(trainer, "__dict__", {**trainer.__dict__, "lasers": "on"})
    as_description(trainer)
    assert "lasers='on' is not used" in caplog.text


def test_a_session_of_the_sdk_is_made_and_models_of_the_other_release_are_not(
    folder: Path,
) -> None:
    from sagemaker.core.helper.session_helper import Session

    assert isinstance(default_sagemaker_session(), Session)
    framework = CustomFramework(str(folder / "train.py"), IMAGE, role=ROLE)
    with pytest.raises(BackendError, match="another release is installed"):
        framework.create_model()

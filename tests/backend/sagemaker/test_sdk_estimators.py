"""Estimators of the SageMaker SDK 2 become the request that the SDK would send.

Runs where that is installed: `pip install 'sagemaker<3' boto3 'moto[s3,iam,sts]'`.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from synetune_lab.backend.sagemaker_backend import CustomFramework
from synetune_lab.backend.sagemaker_backend.sagemaker_utils import (
    add_syne_tune_dependency,
    default_sagemaker_session,
)
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
    pytest.mark.skipif(release_of_sdk() != 2, reason="the SageMaker SDK 2 is not installed"),
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
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def session(_environment: None) -> Iterator[Any]:
    boto3 = pytest.importorskip("boto3")
    moto = pytest.importorskip("moto")
    import sagemaker

    with moto.mock_aws():
        boto3.client("s3").create_bucket(
            Bucket="bucket", CreateBucketConfiguration={"LocationConstraint": REGION}
        )
        yield sagemaker.Session(
            boto_session=boto3.Session(region_name=REGION), default_bucket="bucket"
        )


def request_of_sdk(estimator: Any, inputs: Any = None) -> dict[str, Any]:
    """What the SDK itself would send."""
    from sagemaker.estimator import _TrainingJob

    estimator._prepare_for_training("hpo-1-0")
    arguments = _TrainingJob._get_train_args(estimator, inputs, None)
    return dict(estimator.sagemaker_session._get_train_request(**arguments))


SAME = (
    "RoleArn",
    "ResourceConfig",
    "StoppingCondition",
    "Tags",
    "VpcConfig",
    "EnableNetworkIsolation",
    "EnableInterContainerTrafficEncryption",
    "EnableManagedSpotTraining",
    "RetryStrategy",
    "InfraCheckConfig",
    "RemoteDebugConfig",
    "SessionChainingConfig",
    "TensorBoardOutputConfig",
)


def assert_same(ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    for name in SAME:
        # False is what SageMaker takes for what is not given.
        assert ours.get(name) == (theirs.get(name) or None), name
    for name, value in theirs["AlgorithmSpecification"].items():
        assert ours["AlgorithmSpecification"].get(name) == value, name
    for name, value in theirs["OutputDataConfig"].items():
        if name != "S3OutputPath":  # a folder of the experiment, if none was given
            assert ours["OutputDataConfig"].get(name) == value, name
    for name, value in (theirs.get("Environment") or {}).items():
        assert ours["Environment"][name] == value, name
    assert decoded(ours["HyperParameters"]) == decoded(theirs["HyperParameters"])


def estimators() -> dict[str, Any]:
    """Makers of estimators as their users write them, by name."""

    def pytorch(**common: Any) -> Any:
        from sagemaker.pytorch import PyTorch

        return PyTorch(
            framework_version="2.1", py_version="py310", keep_alive_period_in_seconds=600, **common
        )

    def hugging_face(**common: Any) -> Any:
        from sagemaker.huggingface import HuggingFace

        return HuggingFace(
            transformers_version="4.28",
            pytorch_version="2.0",
            py_version="py310",
            environment={"TOKENIZERS_PARALLELISM": "false"},
            **common,
        )

    def sklearn(**common: Any) -> Any:
        from sagemaker.sklearn import SKLearn

        return SKLearn(framework_version="1.2-1", **{**common, "instance_type": "ml.m5.large"})

    def tensorflow(**common: Any) -> Any:
        from sagemaker.tensorflow import TensorFlow

        return TensorFlow(framework_version="2.12", py_version="py310", model_dir=False, **common)

    def distributed(**common: Any) -> Any:
        from sagemaker.pytorch import PyTorch

        return PyTorch(
            framework_version="2.1.0",
            py_version="py310",
            distribution={"torch_distributed": {"enabled": True}},
            **{**common, "instance_count": 2, "instance_type": "ml.p4d.24xlarge"},
        )

    def plain(**common: Any) -> Any:
        from sagemaker.estimator import Estimator

        return Estimator(IMAGE, use_spot_instances=True, max_wait=7200, **common)

    def everything(**common: Any) -> Any:
        from sagemaker.debugger import TensorBoardOutputConfig
        from sagemaker.pytorch import PyTorch

        return PyTorch(
            image_uri=IMAGE,
            volume_size=100,
            volume_kms_key="volume-key",
            output_path="s3://bucket/models",
            output_kms_key="output-key",
            disable_output_compression=True,
            subnets=["subnet-1"],
            security_group_ids=["sg-1"],
            encrypt_inter_container_traffic=True,
            metric_definitions=[{"Name": "loss", "Regex": "loss=(.*)"}],
            max_retry_attempts=3,
            input_mode="FastFile",
            enable_sagemaker_metrics=True,
            enable_infra_check=True,
            enable_remote_debug=True,
            enable_session_tag_chaining=True,
            container_entry_point=["/bin/run"],
            container_arguments=["--fast"],
            training_repository_access_mode="Vpc",
            training_repository_credentials_provider_arn="arn:aws:lambda:us-west-2:1:function:f",
            tensorboard_output_config=TensorBoardOutputConfig("s3://bucket/board"),
            debugger_hook_config=False,
            disable_profiler=True,
            **common,
        )

    makers = (pytorch, hugging_face, sklearn, tensorflow, distributed, plain, everything)
    return {maker.__name__: maker for maker in makers}


@pytest.mark.parametrize("name", list(estimators()))
def test_an_estimator_makes_the_request_that_the_sdk_would_send(
    name: str, session: Any, folder: Path
) -> None:
    estimator = estimators()[name](
        entry_point="train.py",
        source_dir=str(folder),
        role=ROLE,
        instance_type="ml.g4dn.xlarge",
        instance_count=1,
        max_run=3600,
        tags=[{"Key": "team", "Value": "vision"}],
        hyperparameters={"lr": 0.1, "name": "a b", "flag": True, "layers": [1, 2], "depth": 3},
        sagemaker_session=session,
    )
    ours = request_of(estimator)
    job = as_description(estimator)
    assert (job.script, job.region) == (folder / "train.py", REGION)
    assert_same(ours, request_of_sdk(estimator))


def test_a_configuration_replaces_hyperparameters_of_an_estimator(
    session: Any, folder: Path
) -> None:
    estimator = estimators()["pytorch"](
        entry_point=str(folder / "train.py"),
        role=ROLE,
        instance_type="ml.g4dn.xlarge",
        instance_count=1,
        hyperparameters={"lr": 0.1, "depth": 3},
        container_log_level=logging.DEBUG,
        sagemaker_session=session,
    )
    request = request_of(estimator, {"lr": 0.2, "st_instance_type": "ml.g5.xlarge"})
    got = decoded(request["HyperParameters"])
    assert (got["lr"], got["depth"]) == (0.2, 3)
    assert request["HyperParameters"]["sagemaker_container_log_level"] == "10"
    assert request["ResourceConfig"]["InstanceType"] == "ml.g5.xlarge"


def test_a_job_without_network_has_its_source_by_a_channel(session: Any, folder: Path) -> None:
    estimator = estimators()["pytorch"](
        entry_point="train.py",
        source_dir=str(folder),
        role=ROLE,
        instance_type="ml.g4dn.xlarge",
        instance_count=1,
        enable_network_isolation=True,
        model_uri="s3://bucket/model.tar.gz",
        sagemaker_session=session,
    )
    ours = request_of(estimator)
    theirs = request_of_sdk(estimator)
    assert_same(ours, theirs)
    name = "sagemaker_submit_directory"
    assert ours["HyperParameters"][name] == theirs["HyperParameters"][name]
    channels = {channel["ChannelName"]: channel for channel in ours["InputDataConfig"]}
    expected = {channel["ChannelName"]: channel for channel in theirs["InputDataConfig"]}
    assert channels.keys() == expected.keys() == {"code", "model"}
    assert channels["model"] == expected["model"]
    source = channels["code"]["DataSource"]["S3DataSource"]
    assert source["S3Uri"] == PLACE.source_uri


def test_what_trials_do_without_is_told(
    session: Any, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    from sagemaker.debugger import Rule, rule_configs
    from sagemaker.estimator import Estimator

    common = {"entry_point": str(folder / "train.py"), "role": ROLE, "sagemaker_session": session}
    kind = {"instance_type": "ml.m5.large", "instance_count": 1}
    as_description(
        Estimator(
            IMAGE,
            rules=[Rule.sagemaker(rule_configs.vanishing_gradient())],
            checkpoint_s3_uri="s3://bucket/checkpoints",
            code_location="s3://bucket/code",
            **common,
            **kind,
        )
    )
    for name in ("rules", "checkpoint_s3_uri", "code_location"):
        assert f"{name}=" in caplog.text
    from sagemaker.instance_group import InstanceGroup

    groups = [InstanceGroup("a", "ml.m5.large", 1), InstanceGroup("b", "ml.m5.xlarge", 1)]
    with pytest.raises(BackendError, match="instance_groups is not served"):
        as_description(Estimator(IMAGE, instance_groups=groups, **common))


def test_no_argument_of_an_estimator_is_passed_over(session: Any, folder: Path) -> None:
    from sagemaker.estimator import Estimator, EstimatorBase, Framework

    class Recording(Estimator):
        def __getattribute__(self, name: str) -> Any:
            asked.add(name)
            return super().__getattribute__(name)

    asked: set[str] = set()
    estimator = Recording(
        IMAGE,
        entry_point=str(folder / "train.py"),
        role=ROLE,
        instance_type="ml.m5.large",
        instance_count=1,
        model_uri="s3://bucket/model",
        sagemaker_session=session,
    )
    asked.clear()
    as_description(estimator)
    renamed = {
        "enable_remote_debug": "get_remote_debug_config",
        "enable_session_tag_chaining": "get_session_chaining_config",
    }
    for kind in (EstimatorBase, Estimator, Framework):
        arguments = set(inspect.signature(kind.__init__).parameters) - {"self", "kwargs"}
        assert {renamed.get(name, name) for name in arguments} - asked == set()


def test_a_session_and_a_model_of_the_sdk_are_made(session: Any, folder: Path) -> None:
    import sagemaker
    from sagemaker.model import Model

    assert isinstance(default_sagemaker_session(), sagemaker.Session)
    framework = CustomFramework(
        str(folder / "train.py"), IMAGE, role=ROLE, subnets=["s"], security_group_ids=["g"]
    )
    model = framework.create_model(model_server_workers=2, sagemaker_session=session)
    assert isinstance(model, Model)
    assert (model.image_uri, model.role) == (IMAGE, ROLE)
    assert model.env == {"SAGEMAKER_MODEL_SERVER_WORKERS": "2"}
    assert model.vpc_config == {"Subnets": ["s"], "SecurityGroupIds": ["g"]}


def test_the_library_is_added_to_an_estimator(session: Any, folder: Path) -> None:
    estimator = estimators()["plain"](
        entry_point=str(folder / "train.py"),
        role=ROLE,
        instance_type="ml.m5.large",
        instance_count=1,
        sagemaker_session=session,
    )
    add_syne_tune_dependency(estimator)
    (path,) = estimator.dependencies
    assert Path(path).name == "synetune_lab"

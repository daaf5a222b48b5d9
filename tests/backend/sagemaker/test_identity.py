"""Whose credentials are used: after they expired, after a run is resumed, from a session."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from synetune_lab.backend import SageMakerBackend
from synetune_lab.backend.sagemaker_backend import CustomFramework, JobDescription, jobs
from synetune_lab.backend.sagemaker_backend.aws import Aws, AwsError
from synetune_lab.errors import BackendError
from synetune_lab.testing.backend_contract import config
from tests.backend.sagemaker.helpers import look_until, steps_of, until

OTHER_KEY = "AKIAOTHEROTHEROTHERX"
OTHER = "999999999999"
CREDENTIALS = """
[default]
aws_access_key_id = DEFAULT
aws_secret_access_key = x
[work]
aws_access_key_id = WORK
aws_secret_access_key = x
"""


def key_of(aws: Aws) -> str:
    return str(aws.client("sts")._request_signer._credentials.access_key)


@pytest.fixture
def profiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("boto3")
    (tmp_path / "credentials").write_text(CREDENTIALS)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)


def test_credentials_of_another_account_pause_the_watching(
    make_driver: Callable[..., Any],
    cloud: Any,
    stepping: Callable[[float], str],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(jobs, "_VISIBLE_AFTER_S", -1.0)  # a job that AWS does not know is lost
    cloud.accounts[OTHER_KEY] = OTHER
    driver = make_driver(entry_point=stepping(0.05))
    driver.start(0, {"steps": 10})
    driver.until_reported(0, 2)
    with monkeypatch.context() as other:
        cloud.credentials_are_expired = True
        look_until(driver, lambda: "have expired" in caplog.text)
        other.setenv("AWS_ACCESS_KEY_ID", OTHER_KEY)
        cloud.credentials_are_expired = False
        look_until(driver, lambda: f"of account {OTHER} now" in caplog.text)
        (job,) = cloud.jobs.values()
        until(lambda: job.is_over)
        driver.stop(0)
        driver.start(1, {"steps": 3})
        asked = cloud.calls["POST sts"]
        look_until(driver, lambda: cloud.calls["POST sts"] > asked + 2)
        assert cloud.calls["StopTrainingJob"] == 0, "nothing is asked in another account"
        assert cloud.calls["CreateTrainingJob"] == 1
    ends = driver.until_ended(0, 1)
    assert [end.cause for end in ends] == ["stopped", "exited"]
    assert steps_of(driver, 0) == list(range(1, 11))
    assert steps_of(driver, 1) == [1, 2, 3]


def test_a_run_is_not_resumed_with_credentials_of_another_account(
    make_driver: Callable[..., Any],
    make_backend: Callable[..., Any],
    cloud: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    driver = make_driver()
    driver.start(0, config("hang"))
    handle = driver.handle(0)
    body = pickle.dumps(driver.backend)
    driver.backend.close(leave_running=True)
    folder, name = driver.folder, driver.folder.name
    cloud.accounts[OTHER_KEY] = OTHER
    told = f"of account {OTHER} now, and the jobs of this run are in account 123456789012"
    with monkeypatch.context() as other:
        other.setenv("AWS_ACCESS_KEY_ID", OTHER_KEY)
        with pytest.raises(BackendError, match=told):
            pickle.loads(body).open(folder, name)
        # The state may be older than the first trial, whose handle is in the log.
        fresh = make_backend()
        fresh.open(folder, name)
        with pytest.raises(BackendError, match=told):
            fresh.adopt({0: (0, handle)})
    again = pickle.loads(body)
    again.open(folder, name)
    assert again.adopt({0: (0, handle)}) == {0: 0}
    again.close()
    until(lambda: not cloud.running())


def test_the_profile_of_a_session_is_kept(profiles: None, tmp_path: Path) -> None:
    import boto3

    (tmp_path / "train.py").write_text("")
    session = boto3.Session(profile_name="work", region_name="us-west-2")
    framework = CustomFramework(
        tmp_path / "train.py",
        "image",
        instance_type="ml.m5.large",
        sagemaker_session=SimpleNamespace(boto_session=session),
    )
    backend = SageMakerBackend(framework)
    assert (backend.job.profile, backend.job.region) == ("work", "us-west-2")
    assert key_of(backend._account()) == "WORK"
    backend.initialize_sagemaker_session()
    assert key_of(backend._account()) == "WORK"
    assert key_of(pickle.loads(pickle.dumps(backend))._account()) == "WORK"
    assert key_of(Aws("us-west-2", session=session)) == "WORK"
    plain = boto3.Session(region_name="us-west-2")
    framework.sagemaker_session = SimpleNamespace(boto_session=plain)
    assert SageMakerBackend(framework).job.profile is None


def test_keys_that_only_a_session_holds_are_not_replaced_silently(
    profiles: None, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    import boto3

    (tmp_path / "train.py").write_text("")
    session = boto3.Session("OWN", "x", region_name="us-west-2")
    framework = CustomFramework(
        tmp_path / "train.py",
        "image",
        instance_type="ml.m5.large",
        sagemaker_session=SimpleNamespace(boto_session=session),
    )
    backend = SageMakerBackend(framework)
    assert key_of(backend._account()) == "OWN"
    assert caplog.text == ""
    loaded = pickle.loads(pickle.dumps(backend))
    assert key_of(loaded._account()) == "DEFAULT"
    assert "keys of its own, which are not saved" in caplog.text
    caplog.clear()
    backend.initialize_sagemaker_session()
    assert key_of(backend._account()) == "DEFAULT"
    assert "keys of its own, which can't be renewed" in caplog.text
    caplog.clear()
    again = Aws("us-west-2", session=boto3.Session(region_name="us-west-2"))
    again.forget()
    assert key_of(again) == "DEFAULT"
    assert caplog.text == "", "the default profile is found again"


def test_an_account_that_is_expected_is_looked_at_before_the_first_call(
    cloud: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert Aws(account="123456789012").account == "123456789012"
    cloud.accounts[OTHER_KEY] = OTHER
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", OTHER_KEY)
    aws = Aws(account="123456789012")
    for ask in (lambda: aws.account, lambda: aws.call("sagemaker", "list_training_jobs")):
        with pytest.raises(AwsError, match="of account") as caught:
            ask()
        assert caught.value.passes, "other credentials may come"
    assert cloud.calls["ListTrainingJobs"] == 0


def test_the_session_of_a_job_description_is_that_of_its_profile(
    profiles: None, tmp_path: Path
) -> None:
    (tmp_path / "train.py").write_text("")
    job = JobDescription(
        tmp_path / "train.py", image_uri="image", profile="work", region="us-west-2"
    )
    assert key_of(SageMakerBackend(job)._account()) == "WORK"

"""The cloud that the tests of this folder talk to."""

from __future__ import annotations

import importlib.util
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

MISSING = [
    name
    for name in ("boto3", "moto", "flask", "flask_cors")
    if importlib.util.find_spec(name) is None
]


@pytest.fixture(scope="session")
def moto() -> Iterator[Any]:
    if MISSING:
        pytest.skip(
            f"{', '.join(MISSING)} missing: pip install boto3 "
            "'moto[server,s3,sagemaker,logs,iam,sts]'"
        )
    import botocore.session
    from botocore.loaders import create_loader

    from tests.backend.sagemaker.moto_server import Moto

    # The descriptions of AWS's services are large; one reading of them serves all sessions.
    loader = create_loader()
    patch = pytest.MonkeyPatch()
    patch.setattr(botocore.session, "create_loader", lambda *_: loader)
    server = Moto()
    yield server
    patch.undo()
    server.close()


@pytest.fixture
def cloud(moto: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Any]:
    from tests.backend.sagemaker.fake_cloud import ENVIRONMENT, FakeCloud

    cloud = FakeCloud(moto)
    for name, value in {
        **ENVIRONMENT,
        "AWS_ENDPOINT_URL": cloud.url,
        "AWS_CONFIG_FILE": str(tmp_path / "no-config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "no-credentials"),
    }.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_PROFILE", "AWS_ROLE"):
        monkeypatch.delenv(name, raising=False)
    yield cloud
    errors = list(cloud.errors)
    cloud.close()
    assert errors == []


@pytest.fixture
def bucket(cloud: Any) -> str:
    name = f"trials-{uuid.uuid4().hex[:12]}"
    cloud.s3.create_bucket(Bucket=name)
    return name


@pytest.fixture
def make_backend(cloud: Any, bucket: str) -> Callable[..., Any]:
    """Makes backends that look often; arguments replace those of the job or of the backend."""
    from synetune_lab.backend.sagemaker_backend import JobDescription, SageMakerBackend
    from synetune_lab.testing import trial_bodies
    from tests.backend.sagemaker.fake_cloud import IMAGE, ROLE

    def make(**kwargs: Any) -> Any:
        fields = JobDescription.__dataclass_fields__
        job = {"entry_point": trial_bodies.__file__, "image_uri": IMAGE, "role": ROLE}
        job.update({name: kwargs.pop(name) for name in list(kwargs) if name in fields})
        settings: dict[str, Any] = {
            "s3_path": f"s3://{bucket}/experiments",
            "log_settle_s": 0.0,
            "retry_s": (0.05, 0.2),
            "limit_retry_s": (0.05, 0.2),
        }
        backend = SageMakerBackend(JobDescription(**job), **{**settings, **kwargs})
        backend.sleep_time = 0.05
        return backend

    return make


@pytest.fixture
def make_driver(make_backend: Callable[..., Any], tmp_path: Path) -> Iterator[Callable[..., Any]]:
    from synetune_lab.testing.backend_driver import BackendDriver

    drivers: list[Any] = []

    def make(**kwargs: Any) -> Any:
        drivers.append(BackendDriver(make_backend(**kwargs), tmp_path / "experiment"))
        return drivers[-1]

    yield make
    for driver in drivers:
        driver.backend.close()


@pytest.fixture
def stepping(tmp_path: Path) -> Callable[[float], str]:
    """Writes a script that reports its steps, from its checkpoint on, with pauses in between."""
    from tests.backend.sagemaker.helpers import STEPPING

    def write(pause: float) -> str:
        path = tmp_path / "stepping.py"
        path.write_text(STEPPING.replace("{pause}", str(pause)))
        return str(path)

    return write

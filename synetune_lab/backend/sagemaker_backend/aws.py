"""Calls to AWS: clients that are made when needed, errors sorted by what can be done about them.

boto3 is imported when the first client is made.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final, Literal

from synetune_lab.errors import BackendError
from synetune_lab.extras import require

__all__ = [
    "Aws",
    "AwsError",
    "Trouble",
    "as_aws_error",
    "boto_config",
    "check_same_account",
    "has_own_keys",
    "profile_of",
]

logger = logging.getLogger(__name__)

Trouble = Literal["throttled", "limit", "network", "credentials", "denied", "missing", "refused"]
"""Ask less often; wait for resources; wait for the network; have them renewed; ask for a
permission; it is not there; it never will be done."""

_THROTTLED: Final = {
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "TooManyRequestsException",
    "RequestLimitExceeded",
    "SlowDown",
    "RequestThrottled",
    "RequestThrottledException",
    "BandwidthLimitExceeded",
    "LimitExceededException",
    "PriorRequestNotComplete",
}
_LIMIT: Final = {"ResourceLimitExceeded", "CapacityError"}
_EXPIRED: Final = {"ExpiredToken", "ExpiredTokenException", "RequestExpired"}
_UNKNOWN_IDENTITY: Final = {
    "UnrecognizedClientException",
    "InvalidClientTokenId",
    "InvalidAccessKeyId",
    "InvalidToken",
    "SignatureDoesNotMatch",
    "InvalidSignatureException",
    "RequestTimeTooSkewed",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
    "AuthFailure",
}
_DENIED: Final = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "403"}
_MISSING: Final = {
    "ResourceNotFound",
    "ResourceNotFoundException",
    "NoSuchEntity",
    "NoSuchBucket",
    "NoSuchKey",
    "NotFound",
    "404",
}
_SERVER_ERROR: Final = 500
# Ways to credentials that a new session finds again.
_FOUND_AGAIN: Final = {
    "assume-role",
    "assume-role-with-web-identity",
    "boto-config",
    "config-file",
    "container-role",
    "custom-process",
    "env",
    "iam-role",
    "login",
    "shared-credentials-file",
    "sso",
}
_RENEW: Final = (
    "run `aws sso login` (with `--profile NAME` if you use one), or `aws configure` for a key of "
    "your own, or renew AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN; "
    "`aws sts get-caller-identity` tells whether it worked"
)


class AwsError(BackendError):
    """A call to AWS failed.

    Attributes:
        trouble: What kind of trouble it is.
        code: The code that AWS gave, or the class of the error.
    """

    def __init__(self, trouble: Trouble, code: str, message: str) -> None:
        super().__init__(message)
        self.trouble = trouble
        self.code = code

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.trouble, self.code, str(self))

    @property
    def passes(self) -> bool:
        """Whether the same call may succeed later."""
        return self.trouble in ("throttled", "limit", "network", "credentials")


def boto_config(max_attempts: int = 2) -> Any:
    """Settings for clients: short waits for a network that is gone, retries that back off.

    Args:
        max_attempts: How often boto3 itself tries again, waiting in between.
    """
    config = require("botocore.config", extra="aws", purpose="the SageMaker backend")
    return config.Config(
        connect_timeout=5,
        read_timeout=30,
        retries={"total_max_attempts": max_attempts + 1, "mode": "standard"},
    )


class Aws:
    """One account and region.

    Args:
        region: The region; None takes the one that boto3 finds.
        profile: Profile of the credentials; None takes the one that boto3 finds.
        session: A boto3 session to use instead, for as long as its credentials are good; then one
            of the same profile.
        account: Number of the account that it has to be; None for any.

    Attributes:
        calls: How often each operation was called.
    """

    def __init__(
        self,
        region: str | None = None,
        profile: str | None = None,
        session: Any = None,
        account: str | None = None,
    ) -> None:
        self.calls: Counter[str] = Counter()
        # The region of a given session outlives it, see `forget`.
        self._wanted_region = region or getattr(session, "region_name", None)
        self._profile, self._session = profile or profile_of(session), session
        self._is_given = session is not None
        self._account, self._is_checked = account, False
        self._clients: dict[tuple[str, bool], Any] = {}
        self._lock = threading.Lock()

    @property
    def region(self) -> str:
        """The region.

        Raises:
            BackendError: If there is none.
        """
        region = self._wanted_region or self._boto_session().region_name
        if not region:
            raise BackendError(
                "no AWS region is set; run `aws configure set region us-east-1` (or another one), "
                "or set the environment variable AWS_DEFAULT_REGION"
            )
        return str(region)

    @property
    def account(self) -> str:
        """Number of the account. From the first call on, no other one is taken for it.

        Raises:
            AwsError: If AWS can't be asked, or it is another one than it has to be.
        """
        if self._account is None:
            found = str(self.call("sts", "get_caller_identity")["Account"])
            with self._lock:
                self._account, self._is_checked = found, True
        elif not self._is_checked:
            self.call("sts", "get_caller_identity")
        return self._account

    def client(self, service: str) -> Any:
        """The boto3 client of a service, for example `s3`.

        Raises:
            AwsError: If the credentials are of another account than before.
        """
        return self._client(service, is_patient=True)

    def use(self, service: str, client: Any) -> None:
        """Take this client for a service."""
        with self._lock:
            self._clients[service, True] = self._clients[service, False] = client
        self._wanted_region = self._wanted_region or client.meta.region_name

    def call(self, service: str, operation: str, **arguments: Any) -> dict[str, Any]:
        """Call an operation, and wait a few seconds to try again if AWS is busy.

        Args:
            service: For example `s3`.
            operation: For example `head_object`.
            **arguments: What it takes.

        Raises:
            AwsError: If it fails.
        """
        return self._call(service, operation, arguments, is_patient=True)

    def call_once(self, service: str, operation: str, **arguments: Any) -> dict[str, Any]:
        """The same as `call` for who comes back later by itself: it is tried once, no wait.

        Raises:
            AwsError: If it fails.
        """
        return self._call(service, operation, arguments, is_patient=False)

    def _client(self, service: str, *, is_patient: bool) -> Any:
        region = self.region
        key = service, is_patient
        with self._lock:
            if self._account is not None and not self._is_checked:
                self._check_account(self._account, region)
            if key not in self._clients:
                config = boto_config() if is_patient else boto_config(max_attempts=0)
                self._clients[key] = self._boto_session().client(
                    service, region_name=region, config=config
                )
            return self._clients[key]

    def _check_account(self, account: str, region: str) -> None:
        """Whether new credentials are of the account that is worked in."""
        sts = self._boto_session().client("sts", region_name=region, config=boto_config())
        self.calls["get_caller_identity"] += 1
        found = str(sts.get_caller_identity()["Account"])
        if found != account:
            self._session = None  # other credentials are looked for at the next call
        check_same_account(found, account)
        self._is_checked = True

    def _call(
        self, service: str, operation: str, arguments: Mapping[str, Any], *, is_patient: bool
    ) -> dict[str, Any]:
        self.calls[operation] += 1
        botocore = require("botocore.exceptions", extra="aws", purpose="the SageMaker backend")
        parsers = require("botocore.parsers", extra="aws", purpose="the SageMaker backend")
        kinds = botocore.BotoCoreError, botocore.ClientError, parsers.ResponseParserError, OSError
        try:
            client = self._client(service, is_patient=is_patient)
            answer: dict[str, Any] = getattr(client, operation)(**arguments)
        except kinds as error:
            known = as_aws_error(error, f"{service}:{operation}")
            if known.trouble == "credentials":
                self.forget()
            raise known from error
        return answer

    def forget(self) -> None:
        """Make new clients at the next call, so that renewed credentials are read."""
        with self._lock:
            if self._is_given and self._profile is None and has_own_keys(self._session):
                logger.warning(
                    "The boto3 session that was given holds keys of its own, which can't be "
                    "renewed: from now on the credentials that boto3 finds are used (profile "
                    "'default', or AWS_PROFILE). To use others, give profile=... or a session of "
                    "a profile"
                )
            self._clients.clear()
            self._session, self._is_given, self._is_checked = None, False, False

    def _boto_session(self) -> Any:
        if self._session is None:
            boto3 = require("boto3", extra="aws", purpose="the SageMaker backend")
            botocore = require("botocore.exceptions", extra="aws")
            try:
                self._session = boto3.Session(profile_name=self._profile)
            except botocore.BotoCoreError as error:
                raise as_aws_error(error, "reading the AWS profile") from error
        return self._session


def profile_of(session: Any) -> str | None:
    """The profile of a boto3 session; None if it has none of its own."""
    name = getattr(session, "profile_name", None)
    return name if isinstance(name, str) and name != "default" else None


def has_own_keys(session: Any) -> bool:
    """Whether a boto3 session holds credentials that another session would not find."""
    find = getattr(session, "get_credentials", None)
    if find is None:
        return False
    botocore = require("botocore.exceptions", extra="aws")
    try:
        credentials = find()
    except (botocore.BotoCoreError, OSError):
        return False
    return credentials is not None and credentials.method not in _FOUND_AGAIN


def check_same_account(found: str, wanted: str) -> None:
    """Refuse the credentials of another account: none of the jobs would be found in it.

    Args:
        found: Number of the account that the credentials are of.
        wanted: Number of the account that the jobs are in.

    Raises:
        AwsError: If they differ.
    """
    if found != wanted:
        raise AwsError(
            "credentials",
            "AnotherAccount",
            f"the AWS credentials are of account {found} now, and the jobs of this run are in "
            f"account {wanted}; choose credentials of that one: run `aws sso login --profile NAME` "
            "and set the environment variable AWS_PROFILE, or renew AWS_ACCESS_KEY_ID, "
            "AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN; until then nothing is asked",
        )


def as_aws_error(error: Exception, what: str) -> AwsError:
    """The kind of an error of boto3, with a message that says what to do.

    Args:
        error: An error of botocore, or of the network.
        what: What failed.
    """
    response: Mapping[str, Any] = getattr(error, "response", None) or {}
    details = response.get("Error", {})
    code = str(details.get("Code") or type(error).__name__)
    text = str(details.get("Message") or error)
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    trouble = _trouble_of(code, text, status, isinstance(error, OSError))
    if code in _EXPIRED or "expired" in text.lower():
        hint = f"the AWS credentials have expired: {_RENEW}"
    elif trouble == "credentials":
        hint = f"AWS does not know who you are: {_RENEW}"
    elif trouble == "denied":
        hint = "ask whoever administers the account for this permission"
    elif trouble == "network":
        hint = "AWS can't be reached; check the network and the region's name"
    elif trouble == "limit":
        hint = "use fewer workers or another instance type, or ask for a higher quota"
    else:
        hint = ""
    return AwsError(
        trouble, code, f"{what} failed ({code}): {text}" + (f"; {hint}" if hint else "")
    )


def _trouble_of(code: str, text: str, status: int, is_os_error: bool) -> Trouble:
    sets: list[tuple[set[str], Trouble]] = [
        (_THROTTLED, "throttled"),
        (_LIMIT, "limit"),
        (_EXPIRED | _UNKNOWN_IDENTITY, "credentials"),
        (_DENIED, "denied"),
        (_MISSING, "missing"),
    ]
    for codes, trouble in sets:
        if code in codes:
            return trouble
    if any(word in code for word in ("Credential", "SSO", "Token", "ProfileNotFound")):
        return "credentials"
    if code == "ValidationException" and ("not found" in text or "could not find" in text.lower()):
        return "missing"
    is_network = any(
        word in code for word in ("Connect", "Timeout", "HTTPClient", "SSLError", "Parser")
    )
    if is_network or is_os_error or status >= _SERVER_ERROR:
        return "network"
    return "refused"

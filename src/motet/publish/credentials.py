"""Who one is to an S3-compatible store, by the usual chain: the environment, a profile of ~/.aws, the machine's role.

The environment and roles (web identity, containers, instances) are read by the store's own client; here the two files are, whose
form the AWS CLI documents as "Configuration and credential file settings". Secrets are handed on and kept nowhere else.
"""

from __future__ import annotations

import configparser
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from motet.errors import UserError

__all__ = ["Account", "account"]

_ELSEWHERE = ("credential_process", "sso_session", "sso_start_url", "role_arn", "login_session")


@dataclass(frozen=True)
class Account:
    """`keys` are options of the client: none where the environment or a role has them, or nobody is named."""

    keys: Mapping[str, str] = field(default_factory=dict, repr=False)
    region: str = ""
    endpoint: str = ""
    anonymous: bool = False


def account(environment: Mapping[str, str] | None = None) -> Account:
    """Raises UserError for a profile that is not there, or needs a program to log in."""
    env = os.environ if environment is None else environment
    name = env.get("AWS_PROFILE") or env.get("AWS_DEFAULT_PROFILE") or ""
    home = Path.home() / ".aws"
    credentials = _file(Path(env.get("AWS_SHARED_CREDENTIALS_FILE") or home / "credentials"))
    config = _file(Path(env.get("AWS_CONFIG_FILE") or home / "config"))
    wanted = name or "default"
    section = "default" if wanted == "default" else f"profile {wanted}"
    settings = {**config.get(section, {}), **credentials.get(wanted, {})}
    if name and wanted not in credentials and section not in config:
        raise UserError(f"There is no profile {name[:60]!r} in ~/.aws: name another in AWS_PROFILE, or run `aws configure`.")
    region = env.get("AWS_REGION") or env.get("AWS_DEFAULT_REGION") or settings.get("region", "")
    endpoint = env.get("AWS_ENDPOINT_URL_S3") or env.get("AWS_ENDPOINT_URL") or settings.get("endpoint_url", "")
    anonymous = env.get("AWS_SKIP_SIGNATURE", "").lower() in ("true", "1")
    given = any(env.get(variable) for variable in ("AWS_ACCESS_KEY_ID", "AWS_WEB_IDENTITY_TOKEN_FILE"))
    if anonymous or (given and not name) or (env.get("AWS_ACCESS_KEY_ID") and env.get("AWS_SECRET_ACCESS_KEY")):
        return Account({}, region, endpoint, anonymous)
    if "aws_access_key_id" in settings and "aws_secret_access_key" in settings:
        keys = {"access_key_id": settings["aws_access_key_id"], "secret_access_key": settings["aws_secret_access_key"]}
        if token := settings.get("aws_session_token"):
            keys["session_token"] = token
        return Account(keys, region, endpoint)
    if any(key in settings for key in _ELSEWHERE):
        raise UserError(
            f"The profile {wanted[:60]!r} logs in by a program: `eval $(aws configure export-credentials --format env)` first."
        )
    return Account({}, region, endpoint)


def _file(path: Path) -> dict[str, dict[str, str]]:
    """Sections of an INI file; none where there is no such file."""
    read = configparser.RawConfigParser(strict=False, interpolation=None, default_section="\0none")
    try:
        read.read_string(path.read_text())
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, configparser.Error):
        # The library's words would show the line, which may hold a secret.
        raise UserError(f"{path} cannot be read as a file of AWS settings: mend it, or say AWS_ACCESS_KEY_ID.") from None
    return {" ".join(name.split()): dict(read.items(name)) for name in read.sections()}

"""Where each environment is deployed, and its tags: `accounts.toml`, which holds no secret."""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

FILE = Path(__file__).parents[1] / "accounts.toml"
# Tells another file, such as that of the tests.
FILE_VARIABLE = "ACCOUNTS_FILE"

# What the workflows deploy and look at. Another environment must get no role that GitHub's jobs can
# assume: nothing protects its namesake at GitHub, which is made for the first job that names it.
DELIVERED = ("dev", "staging", "prod")

_MAX_QUALIFIER_LETTERS = 10  # the CDK's
_OF_THE_APP = ("environment", "commit")
# What every service takes in tags; AWS keeps keys that begin with `aws:` for itself.
_TAG_KEY = re.compile(r"(?!aws:)[\w .:/=+@-]{1,128}", re.IGNORECASE)
_TAG_VALUE = re.compile(r"[\w .:/=+@-]{0,256}")
_ACCOUNT = re.compile(r"[0-9]{12}")
# No `*` or `?`, which a policy could read as any letters.
_REPOSITORY = re.compile(r"[A-Za-z0-9-]{1,39}/[A-Za-z0-9._-]{1,100}")
_COMMIT = re.compile(r"[0-9a-f]{7,64}")


@dataclass(frozen=True, kw_only=True)
class Place:
    """An account and region; None for whichever the credentials are of."""

    account: str | None = None
    region: str | None = None


@dataclass(frozen=True, kw_only=True)
class Repository:
    """The repository at GitHub whose jobs deploy.

    Repositories that were made, renamed or moved since July 2026 have their ids in the subject of
    a job's token, the older ones have not: with the ids, both forms are trusted.
    """

    name: str
    ids: tuple[int, int] | None = None
    accounts_with_provider: tuple[str, ...] = ()

    def subjects(self, environment: str) -> list[str]:
        """Return the subjects of the jobs that run in an environment of GitHub's."""
        subjects = [f"repo:{self.name}:environment:{environment}"]
        if self.ids:
            owner, _, repository = self.name.partition("/")
            numbered = f"{owner}@{self.ids[0]}/{repository}@{self.ids[1]}"
            subjects.append(f"repo:{numbered}:environment:{environment}")
        return subjects


@dataclass(frozen=True, kw_only=True)
class Accounts:
    """What the file says, and the shell instead of it."""

    places: Mapping[str, Place]
    repository: Repository | None
    tags: Mapping[str, str]
    shell: Mapping[str, str]

    def place(self, environment: str) -> Place:
        """Return where an environment is deployed; `DEV_ACCOUNT` and `DEV_REGION` go first."""
        filed = self.places.get(environment, Place())
        prefix = environment.upper()
        return Place(
            account=self.shell.get(f"{prefix}_ACCOUNT") or filed.account,
            region=self.shell.get(f"{prefix}_REGION") or filed.region,
        )

    def tags_of(self, environment: str, commit: str | None) -> dict[str, str]:
        """Return the tags of an environment's stacks; raises ValueError for what is no commit."""
        if commit is None:
            return {**self.tags, "environment": environment}
        if not _COMMIT.fullmatch(commit):
            raise ValueError(f"commit must be the hash of a commit, got {commit!r}")
        return {**self.tags, "environment": environment, "commit": commit}


def read_accounts(shell: Mapping[str, str]) -> Accounts:
    """Return what the file says; raises ValueError for what it must not say."""
    file = Path(shell.get(FILE_VARIABLE) or FILE)
    try:
        return _accounts(tomllib.loads(file.read_text()), shell)
    except OSError as error:
        raise ValueError(f"{file} must be readable: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, ValueError) as error:
        raise ValueError(f"{file.name}: {error}") from error


def qualifier(environment: str) -> str:
    """Return the qualifier of an environment's own CDK bootstrap; raises ValueError."""
    made = f"llm{environment}"
    if len(made) > _MAX_QUALIFIER_LETTERS or not made.isalnum():
        most = _MAX_QUALIFIER_LETTERS - len("llm")
        raise ValueError(
            f"an environment's name must be of at most {most} letters, got {environment!r}"
        )
    return made


def bootstrap_role(environment: str, kind: str, account: str | None, region: str | None) -> str:
    """Return the name of a role of an environment's own CDK bootstrap, such as `deploy`."""
    return f"cdk-{qualifier(environment)}-{kind}-role-{account}-{region}"


def _accounts(said: Mapping[str, Any], shell: Mapping[str, str]) -> Accounts:
    _check_keys("the file", said, ("tags", "environments", "github"))
    environments = _table("environments", said.get("environments", {}))
    tags = _table("tags", said.get("tags", {}))
    for key, value in tags.items():
        _check_tag(key, value)
    return Accounts(
        places={name: _place(name, values) for name, values in environments.items()},
        repository=_repository(said["github"]) if "github" in said else None,
        tags=MappingProxyType(dict(tags)),
        shell=shell,
    )


def _place(name: str, values: object) -> Place:
    table = _table(f"environments.{name}", values)
    _check_keys(f"environments.{name}", table, ("account", "region"))
    for key, value in table.items():
        if not isinstance(value, str):
            raise ValueError(f"{key} of {name} must be a text in quotes, got {value!r}")  # noqa: TRY004 - words for a person
    place = Place(**table)
    if (place.account is None) != (place.region is None):
        raise ValueError(
            f"account and region of {name} must be given together or not at all,"
            f" got {place.account!r} and {place.region!r}"
        )
    if place.account is not None and not _ACCOUNT.fullmatch(place.account):
        raise ValueError(f"account of {name} must be 12 digits, got {place.account!r}")
    return place


def _repository(value: object) -> Repository:
    table = _table("github", value)
    _check_keys(
        "github", table, ("repository", "owner_id", "repository_id", "accounts_with_provider")
    )
    name, accounts = table.get("repository"), table.get("accounts_with_provider", [])
    if not isinstance(name, str) or not _REPOSITORY.fullmatch(name):
        raise ValueError(f"repository must be owner/name, got {name!r}")
    return Repository(
        name=name,
        ids=_ids(table.get("owner_id"), table.get("repository_id")),
        accounts_with_provider=_twelve_digits(accounts),
    )


def _ids(owner: object, repository: object) -> tuple[int, int] | None:
    if owner is None and repository is None:
        return None
    if type(owner) is not int or type(repository) is not int or min(owner, repository) < 1:
        raise ValueError(
            "owner_id and repository_id must be numbers, or neither given,"
            f" got {owner!r} and {repository!r}"
        )
    return owner, repository


def _twelve_digits(accounts: object) -> tuple[str, ...]:
    if not isinstance(accounts, list) or not all(_ACCOUNT.fullmatch(str(a)) for a in accounts):
        raise ValueError(f"accounts_with_provider must be a list of 12 digits, got {accounts!r}")
    return tuple(map(str, accounts))


def _table(name: str, value: object) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{name} must be a table, got {value!r}")  # noqa: TRY004 - likewise
    return value


def _check_keys(where: str, given: Iterable[str], known: tuple[str, ...]) -> None:
    if unknown := [key for key in given if key not in known]:
        raise ValueError(f"{where} may have {' and '.join(known)}, got {', '.join(unknown)}")


def _check_tag(key: str, value: object) -> None:
    if key in _OF_THE_APP:
        raise ValueError(f"the tag {key} is written by the app: take it out of tags")
    if not _TAG_KEY.fullmatch(key):
        raise ValueError(f"a tag's key must be 1 to 128 letters, digits or _ .:/=+@-, got {key!r}")
    if not isinstance(value, str) or not _TAG_VALUE.fullmatch(value):
        raise ValueError(
            f"the tag {key} must be a text of at most 256 letters, digits or _ .:/=+@-,"
            f" got {value!r}"
        )

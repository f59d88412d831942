"""The file of accounts: what it places and tags, and what it must not say."""

from pathlib import Path

import pytest
import yaml

from stacks.accounts import (
    DELIVERED,
    FILE,
    FILE_VARIABLE,
    Accounts,
    Place,
    Repository,
    qualifier,
    read_accounts,
)

_PLACED = """
[tags]
owner = "me"

[environments.dev]
account = "111111111111"
region = "eu-west-1"

[environments.prod]
account = "111111111111"
region = "eu-west-1"
"""
_COMMIT = "0123456789abcdef0123456789abcdef01234567"


def _read(folder: Path, text: str, **shell: str) -> Accounts:
    file = folder / "accounts.toml"
    file.write_text(text)
    return read_accounts({FILE_VARIABLE: str(file), **shell})


def test_two_environments_may_share_an_account_and_one_may_have_none(tmp_path: Path) -> None:
    accounts = _read(tmp_path, _PLACED)
    assert accounts.place("dev") == accounts.place("prod")
    assert accounts.place("dev") == Place(account="111111111111", region="eu-west-1")
    assert accounts.place("staging") == Place()


def test_the_workflows_deploy_and_look_at_the_delivered_environments() -> None:
    main, nightly = (
        yaml.safe_load((FILE.parent / ".github" / "workflows" / f"{name}.yml").read_text())["jobs"]
        for name in ("main", "nightly")
    )
    given = (job.get("with", {}).get("environment") for job in main.values())
    assert [name for name in given if name] == [*DELIVERED]
    assert nightly["look"]["strategy"]["matrix"]["environment"] == [*DELIVERED]


def test_the_shell_goes_before_the_file(tmp_path: Path) -> None:
    accounts = _read(tmp_path, _PLACED, DEV_ACCOUNT="999999999999", PROD_REGION="us-east-1")
    assert accounts.place("dev") == Place(account="999999999999", region="eu-west-1")
    assert accounts.place("prod") == Place(account="111111111111", region="us-east-1")


def test_the_commit_is_a_tag_when_it_is_given_only(tmp_path: Path) -> None:
    accounts = _read(tmp_path, _PLACED)
    assert accounts.tags_of("dev", None) == {"owner": "me", "environment": "dev"}
    assert accounts.tags_of("dev", _COMMIT)["commit"] == _COMMIT


@pytest.mark.parametrize("commit", ["", "main", "0123456789ABCDEF", "$(git rev-parse HEAD)"])
def test_what_is_no_commit_is_refused(tmp_path: Path, commit: str) -> None:
    with pytest.raises(ValueError, match="commit must be the hash of a commit, got"):
        _read(tmp_path, _PLACED).tags_of("dev", commit)


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        ("[tags", "accounts.toml: Expected"),
        ("dev = 1", "the file may have tags and environments and github, got dev"),
        ("environments = 1", "environments must be a table, got 1"),
        ("environments.dev = 1", "environments.dev must be a table, got 1"),
        ('environments.dev.acount = "1"', "environments.dev may have account and region, got ac"),
        ("environments.dev.account = 111111111111", "account of dev must be a text in quotes"),
        ('environments.dev.region = "eu-west-1"', "account and region of dev must be given toget"),
        (
            '[environments.dev]\naccount = "12"\nregion = "eu-west-1"',
            "account of dev must be 12 digits, got '12'",
        ),
        ("github.owner_id = 1", "repository must be owner/name, got None"),
        ('github.repository = "octo/*"', "repository must be owner/name, got 'octo/*'"),
        ('github.repository = "a/b"\ngithub.owner_id = 1', "must be numbers, or neither"),
        (
            'github.repository = "a/b"\ngithub.accounts_with_provider = ["1"]',
            "accounts_with_provider must be a list of 12 digits, got ['1']",
        ),
        ('tags.commit = "x"', "the tag commit is written by the app"),
        ('tags."aws:owner" = "x"', "a tag's key must be 1 to 128 letters"),
        ('tags.owner = "a&b"', "the tag owner must be a text of at most 256 letters"),
        ("tags.owner = 1", "the tag owner must be a text of at most 256 letters"),
    ],
)
def test_what_the_file_must_not_say_is_refused(tmp_path: Path, text: str, refusal: str) -> None:
    with pytest.raises(ValueError, match=r"accounts\.toml") as refused:
        _read(tmp_path, text)
    assert refusal in str(refused.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"none\.toml must be readable: No such file"):
        read_accounts({FILE_VARIABLE: str(tmp_path / "none.toml")})


def test_the_file_of_this_repository_is_accepted() -> None:
    assert "owner" in read_accounts({}).tags
    assert FILE.name == "accounts.toml"


def test_a_repository_has_its_subjects_with_and_without_its_numbers(tmp_path: Path) -> None:
    named = 'github.repository = "octo-org/mistral"\n'
    plain = "repo:octo-org/mistral:environment:dev"
    numbered = "repo:octo-org@12/mistral@345:environment:dev"
    found = _read(tmp_path, named).repository
    assert found == Repository(name="octo-org/mistral")
    assert found.subjects("dev") == [plain]
    found = _read(tmp_path, f"{named}github.owner_id = 12\ngithub.repository_id = 345").repository
    assert found
    assert found.subjects("dev") == [plain, numbered]


def test_a_qualifier_is_as_short_as_the_cdk_wants_it() -> None:
    assert qualifier("staging") == "llmstaging"
    with pytest.raises(ValueError, match="at most 7 letters, got 'production'"):
        qualifier("production")

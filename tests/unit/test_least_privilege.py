"""The mutation of policies: what is taken away, put back, and how its trial is judged."""

from pathlib import Path
from typing import Any

import pytest

from least_privilege import table
from least_privilege.mutants import Mutant, mutants, of_adapters
from least_privilege.only_aws import EXPLANATIONS
from least_privilege.policies import Policy
from least_privilege.refusals import Refusal, Refusals
from least_privilege.trial import Outcome, Verdict, judge, run
from least_privilege.waiting import ForbiddenError, ProbeError

Json = dict[str, Any]

READ = {"Effect": "Allow", "Action": ["s3:GetObject", "s3:ListBucket"], "Resource": ["a", "b"]}
ASK = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "queue"}
TRACE = {"Effect": "Allow", "Action": "xray:PutTraceSegments", "Resource": "*"}
DENY = {"Effect": "Deny", "Action": "s3:*", "Principal": "*", "Resource": "a"}
ROLE = "Training-Role-1"


def document(*statements: Json) -> Json:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def policy(*statements: Json, puts: list[Json] | None = None) -> Policy:
    put = (puts if puts is not None else []).append
    return Policy("Training Role", "Job", document(*statements), put, ROLE)


def test_each_statement_action_and_resource_is_taken_away_once() -> None:
    found = [(m.statement, m.removed) for m in mutants(document(READ, ASK))]
    assert found == [
        (0, "statement"),
        (0, "s3:GetObject"),
        (0, "s3:ListBucket"),
        (0, "a"),
        (0, "b"),
        (1, "statement"),
    ]


def test_of_a_stage_with_adapters_only_what_they_add_is_taken_away() -> None:
    archive = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/1.tar.gz"}
    base = "arn:aws:sagemaker:us-east-1:1:inference-component/base-e"
    invoke = {"Effect": "Allow", "Action": "sagemaker:Invoke", "Resource": ["endpoint/e", base]}
    found = [(m.statement, m.removed) for m in of_adapters(document(READ, archive, invoke))]
    assert found == [(1, "statement"), (2, "statement"), (2, base)]


def test_a_mutant_lacks_one_thing_and_leaves_the_document_as_it_was() -> None:
    original = document(READ, ASK)
    whole, action, _, resource, *_ = mutants(original)
    assert whole.document["Statement"] == [ASK]
    assert action.document["Statement"] == [{**READ, "Action": ["s3:ListBucket"]}, ASK]
    assert resource.document["Statement"] == [{**READ, "Resource": ["b"]}, ASK]
    assert original == document(READ, ASK)


def test_a_lone_statement_outside_a_list_is_a_statement() -> None:
    (mutant,) = mutants({"Version": "2012-10-17", "Statement": ASK})
    assert mutant.document["Statement"] == []


def test_a_policy_is_put_back_even_when_the_probe_breaks() -> None:
    puts: list[Json] = []
    replaced = policy(ASK, puts=puts)
    with pytest.raises(ZeroDivisionError), replaced.replaced(document()):
        _ = 1 // 0
    assert puts == [document(), document(ASK)]


def verdict(statement: Json, removed: str, failure: str, *seen: Refusal) -> Verdict:
    mutant = Mutant(0, removed, document())
    failed = ProbeError(failure) if failure else None
    return judge(policy(statement), mutant, failed, list(seen)).verdict


def refused(action: str, principal: str = ROLE) -> Refusal:
    return Refusal(f"arn:aws:sts::000000000000:assumed-role/{principal}/s", action, "resource")


def test_a_failure_counts_when_what_was_taken_away_was_refused() -> None:
    assert verdict(READ, "s3:GetObject", "it fails", refused("s3:GetObject")) == Verdict.KILLED
    assert verdict(READ, "statement", "it fails", refused("s3:ListBucket")) == Verdict.KILLED
    assert verdict(READ, "b", "it fails", refused("s3:ListBucket")) == Verdict.KILLED


def test_a_failure_for_another_reason_is_unclear() -> None:
    assert verdict(READ, "s3:GetObject", "it fails") == Verdict.UNCLEAR
    assert verdict(READ, "s3:GetObject", "it fails", refused("s3:ListBucket")) == Verdict.UNCLEAR
    other = refused("s3:GetObject", "Another-Role")
    assert verdict(READ, "s3:GetObject", "it fails", other) == Verdict.UNCLEAR


def test_a_denial_counts_when_what_it_denies_works_without_it() -> None:
    mutant, works = Mutant(0, "statement", document()), ForbiddenError("it works")
    assert judge(policy(DENY), mutant, works, []).verdict == Verdict.KILLED
    assert judge(policy(READ), mutant, works, []).verdict == Verdict.UNCLEAR


def test_a_probe_that_passes_is_a_survivor_unless_only_aws_can_show_it() -> None:
    assert verdict(READ, "s3:GetObject", "") == Verdict.SURVIVED
    assert verdict(TRACE, "statement", "") == Verdict.ONLY_AWS
    assert verdict(DENY, "statement", "") == Verdict.ONLY_AWS


def test_an_explanation_that_no_longer_holds_is_told() -> None:
    seen = refused("xray:PutTraceSegments")
    assert verdict(TRACE, "statement", "it fails", seen) == Verdict.STALE


def test_every_explanation_names_its_source() -> None:
    assert all(explanation.reason and explanation.source for explanation in EXPLANATIONS)


def test_the_refusals_of_a_trial_are_those_of_the_log_since_it_began(tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    log.write_text("x denied: old may not s3:GetObject on a\n")
    refusals = Refusals(log)

    def probe() -> None:
        with log.open("a") as file:
            file.write(f"t WARNING [local] denied: {ROLE} may not sqs:SendMessage on queue\n")
        raise ProbeError("it fails", "because")

    (mutant,) = mutants(document(ASK))
    outcome = run(policy(ASK), mutant, probe, refusals)
    assert (outcome.verdict, outcome.failure) == (Verdict.KILLED, "it fails")
    assert refusals.seen() == [Refusal(ROLE, "sqs:SendMessage", "queue")]


def test_the_summary_counts_policies_statements_and_mutants() -> None:
    outcomes = [Outcome(policy(READ, ASK), m, Verdict.KILLED) for m in mutants(document(READ, ASK))]
    assert table.summary(outcomes) == "1 policies, 2 statements, 6 mutants, 6 killed"


def test_the_table_shows_no_name_that_the_next_deployment_changes() -> None:
    bucket = "arn:aws:s3:::local-training-storagedata6bb23f4e-fd1431720a318/data/*"
    assert table.masked(bucket) == "arn:aws:s3:::local-training-storagedata6bb23f4e/data/*"
    base = "inference-component/support-localsg-llm-84ff0492-ic-b3ed5250"
    assert table.masked(base) == "inference-component/support-localsg-llm-84ff0492-ic-*"
    group = "model-package/local-training-648b3804-smollm2-135m-instruct/*"
    assert table.masked(group) == "model-package/local-training-*-smollm2-135m-instruct/*"


def test_the_page_keeps_the_sections_of_groups_that_were_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "permissions.md"
    page.write_text(f"# Permissions\n\n{table._MARK}")
    monkeypatch.setattr(table, "_PAGE", page)
    (mutant,) = mutants(document(ASK))
    for owner, found in (("A", Verdict.KILLED), ("B", Verdict.NOT_RUN), ("B", Verdict.KILLED)):
        its = Policy(owner, "Job", document(ASK), lambda _document: None, ROLE)
        table.write([Outcome(its, mutant, found, "it fails" if found == "killed" else "")])
    text = page.read_text()
    assert "All in all: 2 policies, 2 statements, 2 mutants, 2 killed.\n" in text
    assert text.index("## A") < text.index("## B") < text.index("## What only AWS can show")
    assert "| Job | 1 | `sqs:SendMessage` | it fails |" in text
    assert "not run" not in text

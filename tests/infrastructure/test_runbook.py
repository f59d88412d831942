"""The runbook has a section for each alarm, whose description names it."""

import re

from tests.infrastructure.assembly import ROOT, Assembly

_RUNBOOK = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
_SECTIONS = dict(re.findall(r"^## (.+)\n((?:(?!## ).*\n)*)", _RUNBOOK, re.MULTILINE))


def test_each_alarm_names_its_section_of_the_runbook(assembly: Assembly) -> None:
    alarms = {
        (template.stack.partition("/")[2], alarm["Properties"].get("AlarmDescription", name))
        for template in assembly.templates()
        for name, alarm in template.resources("AWS::CloudWatch::Alarm").items()
    }
    named = {(text.partition("runbook: ")[2], stack) for stack, text in alarms}
    assert len(named) >= 5
    assert {section for section, _ in named} <= _SECTIONS.keys()
    # The table at its beginning says which stack has the alarm.
    listed = re.findall(r"^\| \[(.+)\]\(#(.+)\) \| `(\w+)` \|", _RUNBOOK, re.MULTILINE)
    assert {(section, stack) for section, _, stack in listed} == named


def test_each_alarms_section_says_what_it_means_where_to_look_and_what_helps() -> None:
    for section in re.findall(r"^\| \[(.+)\]\(#", _RUNBOOK, re.MULTILINE):
        text = _SECTIONS[section]
        assert all(f"**{word}" in text for word in ("Means.", "Look", "Helps.")), section
        assert "`make " in text or "](#" in text, section

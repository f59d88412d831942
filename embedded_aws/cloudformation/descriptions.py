"""Descriptions of stacks that change sets made: ministack leaves those of their templates out."""

from embedded_aws.cloudformation.provisioning import on_stack_status, stack_records


def install() -> None:
    """Describe each stack as its template does, once that is deployed."""
    on_stack_status(_describe)


def _describe(stack_id: str, status: str, _reason: str, _token: str) -> None:
    if status not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
        return
    for stack in stack_records.all_values():
        if stack["StackId"] == stack_id:
            stack["Description"] = stack["_template"].get("Description", "")

"""Resource types that are not emulated: refused by name, before anything is created."""

from collections.abc import Callable

from ministack.services.cloudformation import changesets, handlers

_UNKNOWN = "Unrecognized resource types"

_Validate = Callable[..., None]


def install() -> None:
    """Say of unknown types that it is not AWS that refuses them."""
    handlers.validate_template_support = _in_own_name(handlers.validate_template_support)
    changesets.validate_template_support = _in_own_name(changesets.validate_template_support)


def _in_own_name(validate: _Validate) -> _Validate:
    def validated(*template: object, **parameters: object) -> None:
        try:
            validate(*template, **parameters)
        except ValueError as error:
            if _UNKNOWN not in str(error):
                raise
            raise ValueError(
                f"{error}: the embedded CloudFormation does not emulate them, leave them out of"
                " what is deployed into it"
            ) from None

    return validated

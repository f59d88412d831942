"""The pages that the code writes."""

from collections.abc import Callable, Mapping

from .commands_page import commands_page
from .costs import costs_page
from .rest import rest_page
from .settings import settings_page
from .verbs import verbs_page

PAGES: Mapping[str, Callable[[], str]] = {
    "reference/settings.md": settings_page,
    "reference/rest.md": rest_page,
    "reference/costs.md": costs_page,
    "reference/commands.md": commands_page,
    "reference/verbs.md": verbs_page,
}

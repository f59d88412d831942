"""Why a release does not begin or did not work: the package's fault, the account's, or too early.

ReleaseError
├── ReleaseRefusedError  the package is at fault: it is rejected
├── ReleaseBlockedError  the stack, the endpoint or a quota is: the package stays approved
└── ReleaseWaitsError    something else changes the endpoint: the message comes again
"""


class ReleaseError(Exception):
    """A release that does not go on; the text says why."""


class ReleaseRefusedError(ReleaseError):
    """A package that is not released."""


class ReleaseBlockedError(ReleaseError):
    """A release that fails whatever its package is; the text says what to do."""


class ReleaseWaitsError(ReleaseError):
    """A release that may begin, or be judged, later."""

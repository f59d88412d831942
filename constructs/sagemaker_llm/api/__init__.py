"""The REST API in front of an endpoint: routes, clients, proxy, authorizer and firewall."""

import sys

from sagemaker_llm.common.sources import FUNCTIONS

# The proxy's wire types and errors are imported from its sources, which a wheel has in a folder.
if str(FUNCTIONS) not in sys.path:
    sys.path.append(str(FUNCTIONS))

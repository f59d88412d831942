"""The API that tests/embedded deploys as it was reviewed: golden/iam/api.json.

Whoever deploys it need not start jsii, which takes seconds in each process that imports the CDK.
"""

from tests.infrastructure.assembly import ROOT

TEMPLATE = ROOT / "tests" / "infrastructure" / "golden" / "iam" / "api.json"
ORIGIN = "https://app.example.com"
# In the place of the function that is there.
PROXY_ARN = "arn:aws:lambda:us-east-1:000000000000:function:Proxy"

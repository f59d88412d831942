"""The network of a managed proxy: three zones, and no way out but to the services that it calls."""

from typing import Any

import aws_cdk as cdk
import aws_cdk.aws_ec2 as ec2
from constructs import Construct

from sagemaker_llm.common.acknowledge import acknowledge, acknowledge_scan
from sagemaker_llm.sizing.hosting import CALLED_SERVICES

_NETWORK = "10.0.0.0/22"
# Unverified: that the account's first three zones have the instance type and the endpoints'
# services, as not every zone of us-east-1 does; look at the stack's events.
# Of the network, a zone each, with addresses for 200 instances and the endpoints.
_ZONES = {"SubnetA": "10.0.0.0/24", "SubnetB": "10.0.1.0/24", "SubnetC": "10.0.2.0/24"}
_ENDPOINTS = dict(zip(("SageMakerRuntime", "Logs", "XRay"), CALLED_SERVICES, strict=True))
_HTTPS = 443
_HTTPS_WITHIN: dict[str, Any] = {
    "cidr_ip": _NETWORK,
    "ip_protocol": "tcp",
    "from_port": _HTTPS,
    "to_port": _HTTPS,
}


class ManagedNetwork(Construct):
    """Owns a VPC whose subnets reach the services that the proxy calls, and nothing else.

    L1, because the CDK's Vpc would look up the account's zones at synth.
    """

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        vpc = ec2.CfnVPC(
            self,
            "Vpc",
            cidr_block=_NETWORK,
            enable_dns_support=True,
            enable_dns_hostnames=True,  # the endpoints' private names need it
        )
        reason = (
            "no packet leaves it: it has neither gateway nor peer, and CloudTrail has the calls"
        )
        acknowledge(vpc, "VPC7", reason=reason)
        acknowledge_scan(vpc, "Checkov::CKV2_AWS_11", reason=reason)
        self._vpc_id = vpc.attr_vpc_id
        self.subnets = [
            ec2.CfnSubnet(
                self,
                name,
                vpc_id=self._vpc_id,
                cidr_block=block,
                availability_zone=cdk.Fn.select(number, cdk.Fn.get_azs()),
            )
            for number, (name, block) in enumerate(_ZONES.items())
        ]
        self.instances = ec2.CfnSecurityGroup(
            self,
            "Instances",
            group_description="Instances of the proxy",
            vpc_id=self._vpc_id,
            security_group_egress=[
                ec2.CfnSecurityGroup.EgressProperty(
                    **_HTTPS_WITHIN, description="HTTPS to the endpoints"
                )
            ],
        )
        self._add_endpoints()

    def _add_endpoints(self) -> None:
        group = ec2.CfnSecurityGroup(
            self,
            "Endpoints",
            group_description="Endpoints of the services that the proxy calls",
            vpc_id=self._vpc_id,
            security_group_ingress=[
                ec2.CfnSecurityGroup.IngressProperty(
                    **_HTTPS_WITHIN, description="HTTPS from the instances"
                )
            ],
            security_group_egress=[],
        )
        stack = cdk.Stack.of(self)
        # Nobody else's credentials work from here, wherever they come from. Unverified: that Lambda
        # writes the logs from here with the function's role; look for lines in the proxy's log.
        own = {"StringEquals": {"aws:PrincipalAccount": stack.account}}
        for name, service in _ENDPOINTS.items():
            ec2.CfnVPCEndpoint(
                self,
                name,
                vpc_id=self._vpc_id,
                vpc_endpoint_type="Interface",
                service_name=f"com.amazonaws.{stack.region}.{service}",
                private_dns_enabled=True,
                subnet_ids=[subnet.attr_subnet_id for subnet in self.subnets],
                security_group_ids=[group.attr_group_id],
                policy_document={
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Principal": {"AWS": "*"},
                            "Action": f"{service.partition('.')[0]}:*",
                            "Resource": "*",
                            "Condition": own,
                        }
                    ],
                },
            )

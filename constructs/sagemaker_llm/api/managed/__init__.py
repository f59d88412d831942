"""The proxy on EC2 instances that Lambda manages: their network and their capacity."""

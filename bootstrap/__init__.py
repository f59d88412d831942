"""What the deployments of one environment may do, and what the roles that they create may at most.

`make bootstrap` deploys `<environment>.json`, which `make golden` writes from the stage's templates
and CloudFormation's own description of its resource types.
"""

"""SageMaker's resource types in CloudFormation."""

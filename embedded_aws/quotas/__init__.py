"""Service Quotas: what an account may use of SageMaker and Lambda."""

"""The REST API's proxy: OpenAI's and TGI's routes in front of one SageMaker endpoint."""

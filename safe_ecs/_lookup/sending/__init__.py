"""Sends a Describe query to ECS: the connection, the retries, and the failures."""

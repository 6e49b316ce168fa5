"""Asks ECS for the statuses of security groups, with as few Describe calls as possible."""

"""Asks ECS which security groups are managed, with as few Describe calls as possible."""

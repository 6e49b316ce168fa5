"""The command line: ``python -m safe_ecs``."""

"""Tells observers and the logger what the guard did, where anybody listens."""

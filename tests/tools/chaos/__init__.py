"""Calls from everywhere, while everything fails that can: what must hold of them is counted, and has to be 0."""

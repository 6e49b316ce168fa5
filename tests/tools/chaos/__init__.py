"""Calls from everywhere under every kind of failure. The program counts violations, and each count has to be 0."""

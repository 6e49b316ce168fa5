"""Remembers statuses, failures and launch templates: in this process, and on a server that processes share."""

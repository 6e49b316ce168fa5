"""The rules, pure: no SDK, no I/O, no clock, no threads."""

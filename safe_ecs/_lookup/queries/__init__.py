"""The Describe queries of a look-up and their answers, pure: no SDK, no library, no I/O, no clock."""

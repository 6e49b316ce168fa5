"""The clock of the process, and threads for its event loops."""

"""The operations of FakeEcs, by theme; OPERATIONS.md says of each what is kept and what is checked."""

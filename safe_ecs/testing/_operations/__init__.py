"""The operations of FakeEcs, by theme. OPERATIONS.md lists the stored fields and the checks of each."""

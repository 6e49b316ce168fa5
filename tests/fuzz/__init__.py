"""A coverage-guided fuzzer over the properties of ``tests.test_hostile_input``. Needs the extra ``fuzz``."""

"""A coverage-guided fuzzer over the properties of ``tests.bypass_attempts.test_hostile_input``. Needs the extra ``fuzz``."""

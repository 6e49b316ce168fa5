"""``python -m tests.tools.fuzz TARGET --seconds N`` looks for input that breaks a property, guided by coverage.

The properties are the ones of the test suite. There Hypothesis drives them, and here Hypothesis only makes values from
the fuzzer's bytes. The fuzzer prints input that breaks a property, and keeps it in a file.
``python -m tests.tools.fuzz TARGET FILE`` runs this input again.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from hashlib import sha1
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

TARGETS = {
    "request": ("test_reading_a_call_never_fails", "test_no_garbage_hides_a_group"),
    "describe": (
        "test_an_answer_says_unmanaged_or_missing_only_in_so_many_words",
        "test_a_listing_never_says_two_things_of_a_group",
        "test_the_groups_of_a_template_are_ids_that_stand_in_the_answer",
    ),
    "redis": ("test_a_stored_value_is_what_was_stored_or_a_miss",),
}


_LONGEST = 1024
_SEEDS = 200


def main() -> None:
    """Fuzz one target for a while, or give it one file. Never returns: the fuzzer ends the process."""
    parser = argparse.ArgumentParser(prog="python -m tests.tools.fuzz", description=__doc__)
    parser.add_argument("target", choices=sorted(TARGETS))
    parser.add_argument("file", nargs="?", type=Path, help="what broke it")
    parser.add_argument("--seconds", type=int, default=60)
    chosen = parser.parse_args()
    # atheris has no annotations, and exists for some systems only: see the extra "fuzz".
    atheris: Any = import_module("atheris")
    with atheris.instrument_imports(include=["safe_ecs._core", "safe_ecs._lookup", "safe_ecs.cache.redis"]):
        properties = import_module("tests.bypass_attempts.test_hostile_input")
    tests = [getattr(properties, name).hypothesis.fuzz_one_input for name in TARGETS[chosen.target]]
    if chosen.file:
        _run(tests, chosen.file.read_bytes())
        print("nothing is broken")
        return
    folder = Path(tempfile.mkdtemp(prefix=f"safe_ecs-{chosen.target}-"))

    def run(data: bytes) -> None:
        try:
            _run(tests, data)
        except BaseException:
            kept = folder / f"crash-{sha1(data, usedforsecurity=False).hexdigest()}"
            print(f"To do it again: python -m tests.tools.fuzz {chosen.target} {kept}", file=sys.stderr)
            raise

    # Hypothesis discards input too short for a whole value, so the fuzzer begins with long inputs.
    seeds, corpus = random.Random(chosen.target), folder / "corpus"  # noqa: S311 - to begin alike each time
    corpus.mkdir()
    for number in range(_SEEDS):
        (corpus / str(number)).write_bytes(seeds.randbytes(_LONGEST))
    options = (f"-max_total_time={chosen.seconds}", f"-artifact_prefix={folder}/", "-print_final_stats=1")
    atheris.Setup([sys.argv[0], f"-max_len={_LONGEST}", "-len_control=0", *options, str(corpus)], run)
    atheris.Fuzz()


def _run(tests: list[Callable[[bytes], object]], data: bytes) -> None:
    """Give the bytes to the property that the first byte names."""
    if data:
        tests[data[0] % len(tests)](data[1:])


if __name__ == "__main__":
    main()

"""The tests, and the programs that run against servers of this machine: chaos, comparisons, benchmarks.

Many of their clients are made by hand, and the SDK would send such a client through a proxy of the environment even to
this machine. So no test, and no process that a test starts, sees such a variable. Tests of FakeEcs and of the command
line set the variables themselves (testing/test_proxies.py).
"""

from __future__ import annotations

import os

for _name in [name for name in os.environ if name.lower() in {"http_proxy", "https_proxy", "all_proxy"}]:
    del os.environ[_name]

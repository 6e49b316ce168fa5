"""The command line begins, or names the extra to install."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def test_without_rich_the_command_line_says_what_to_install() -> None:
    code = "import sys; sys.modules['rich'] = None; from safe_ecs.cli._entry import main; sys.exit(main(['demo']))"
    done = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == "The command line needs the extra cli: pip install 'safe-ecs[cli]'\n"


def test_the_command_is_installed_under_its_name() -> None:
    """The command's usage shows this name."""
    script = Path(sys.executable).with_name("safe-ecs")
    done = subprocess.run([script, "check"], capture_output=True, text=True, check=False, timeout=60)  # noqa: S603 - our own
    assert done.returncode == 3
    assert done.stderr.startswith("usage: safe-ecs check ")

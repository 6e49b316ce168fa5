"""``python -m safe_ecs``."""

import sys

from safe_ecs.cli.entry import main

sys.exit(main())

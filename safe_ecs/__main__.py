"""``python -m safe_ecs``."""

import sys

from safe_ecs.cli._entry import main

sys.exit(main())

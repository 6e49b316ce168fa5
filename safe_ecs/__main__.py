"""``python -m safe_ecs``."""

import sys

from safe_ecs.cli.main import main

sys.exit(main())

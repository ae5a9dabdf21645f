"""The container's program. It is run by path, so nothing of the folder it lies in, or is started in, is imported."""

import os
import sys

from greenloop.action import main

sys.exit(main(os.environ))

"""``python -m beanops.embedded``."""

import sys

from beanops.embedded.launch import run

if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))

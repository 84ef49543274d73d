import sys
from pathlib import Path

ATHENA = Path(__file__).parents[1]
sys.path[:0] = [str(ATHENA), str(ATHENA.parent / "local")]

import reader_packages

reader_packages.make_importable()

import sys
from pathlib import Path

INFRA = Path(__file__).parents[2]
sys.path[:0] = [str(INFRA / "grafana"), str(INFRA / "local" / "tests")]

"""Stands in for Spark: runs a Glue script of the tests with plain Python, under the contract of
--glue-runner."""

import runpy
import sys

script = sys.argv[1]
sys.argv = sys.argv[1:]
runpy.run_path(script, run_name="__main__")

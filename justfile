# Every command of this project by name. `just` without a name lists them; CONTRIBUTING.md has the plain commands.

# Lists the commands.
default:
    @just --list --unsorted

# Runs the whole pipeline on this machine; options of `ibov run` may follow.
run *options:
    cargo ibov run {{ options }}

# Calls another command of `ibov`, such as `just ibov parked`.
ibov *arguments:
    cargo ibov {{ arguments }}

# Formats Rust and Python.
fmt:
    cargo fmt --all
    .ibov/lint/bin/ruff format infra tests

# Lints Rust, Python, templates and workflows.
lint:
    cargo clippy --workspace --all-targets -- --deny warnings
    .ibov/lint/bin/ruff check infra tests
    .ibov/lint/bin/cfn-lint infra/template.yaml infra/deploy-role.yaml
    PATH="$PWD/.ibov/lint/bin:$PATH" actionlint
    .ibov/lint/bin/zizmor --offline --quiet --no-progress .github

# Formatting, lints, and the tests that need neither the emulator nor Spark.
fast:
    .ci/run --fast

# All that has to hold before a change lands.
ci:
    .ci/run

# All tests, or those that the arguments choose, such as `just test --test deployed`.
test *arguments:
    cargo test --workspace {{ arguments }}

# Unit tests, or those with a word in their name, such as `just unit backoff`.
unit *words:
    cargo test --workspace --lib --bins -- {{ words }}

# The refine state in all orders of its steps.
simulation:
    cargo test --workspace --lib -- simulation::

# Rules of AWS that can be read off the template.
template:
    cargo test --workspace --test template

# Links, lengths and runbooks of the documents.
docs:
    cargo test --workspace --test documents --test runbook

# Tests of the emulator; arguments of pytest may follow.
emulator *arguments:
    .ibov/venv/bin/python -m pytest infra/local/tests {{ arguments }}

# Tests of the Glue job; arguments of pytest may follow.
job *arguments:
    cd infra/glue && ../../.ibov/venv/bin/python -m pytest tests {{ arguments }}

# Runs the notebook; `just notebook --write-notebook` also writes its outputs into it.
notebook *arguments:
    .ibov/venv/bin/python -m pytest infra/athena/notebook/tests {{ arguments }}

# Tests of the Grafana dashboard; arguments of pytest may follow.
grafana *arguments:
    .ibov/venv/bin/python -m pytest infra/grafana/tests {{ arguments }}

# Breaks the code on purpose, and fails if no test notices; words choose among the mutations.
mutants *words:
    cargo run -p e2e --bin mutants -- {{ words }}

# Sends many events among poison, kills and failing runs, and accounts for each.
storm events="2000" seed="7":
    cargo run --release -p e2e --bin storm -- --events {{ events }} --seed {{ seed }} --json

# Fuzzes the decoding of bytes from outside; needs a nightly compiler and cargo-fuzz.
fuzz seconds="60":
    mkdir -p shared/fuzz/corpus/decoding
    cd shared && cargo +nightly fuzz run decoding fuzz/corpus/decoding ../events -- -max_total_time={{ seconds }}

# Measures the four functions beside Python ones or, with `--local-run`, the memory of a local run.
bench *options:
    .ibov/venv/bin/python tests/bench/functions.py {{ options }}

# Measures the Glue job beside the one before it.
bench-job:
    .ibov/venv/bin/python tests/bench/refine_job.py

# Measures how the cost of a portfolio, a date or a written file changes: `writer`, `job` or `write`; counts may follow.
bench-growth what *counts:
    .ibov/venv/bin/python tests/bench/growth.py {{ what }} {{ counts }}

# Measures a year of days that land at once on a local stack.
bench-year days="366":
    .ibov/venv/bin/python tests/bench/year.py {{ days }}

# Checks licences, advisories, bans and sources of the dependencies; needs cargo-deny.
deny:
    cargo deny check

# Has git run the checks of `.pre-commit-config.yaml`; needs pre-commit.
hooks:
    pre-commit install

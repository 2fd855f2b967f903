# The commands of contributors. Each one also works by hand: the recipe is the documentation.

python := ".venv/bin/python"

# list the recipes
default:
    @just --list

# install the tool and everything that tests and checks need into .venv/
setup:
    ./tidewright setup

# lint, format, types, layers, spelling, unit tests
check:
    .ci/check
    ./tidewright test tests/unit -q

# the plain tests, as CI runs them
test *ARGS:
    ./tidewright test {{ARGS}}

# rewrite the golden trees; read the difference before committing
golden:
    TIDEWRIGHT_GOLDEN=write {{python}} -m pytest tests/unit/test_cases.py

# regenerate docs/reference/ from the code
docs:
    {{python}} docs/generate.py

# the examples, run as a user would
e2e *ARGS:
    {{python}} -m pytest -m heavy tests/e2e {{ARGS}}

# the console in Chromium, screenshots kept in .ci/out/
console *ARGS:
    {{python}} -m pytest -m heavy tests/e2e/test_console_browser.py {{ARGS}}

# the wheel, in dist/
build:
    {{python}} -m pip wheel --no-deps --no-build-isolation --wheel-dir dist .

# everything that a release needs, without publishing it
release: build
    .ci/run
    {{python}} .ci/release.py

# resolve the lock files anew (needs uv)
lock *ARGS:
    .ci/lock {{ARGS}}

# the style table of STYLE.md for our own tree
shape:
    @{{python}} .ci/shape.py

# Short names for what ./onmaru does; `just check` is the one definition of clean.

default: check

# lint → format → types → imports → docs → interface → tests
check *args:
    ./onmaru test {{args}}

# Put code into shape and generated pages up to date
tidy:
    ./onmaru docs reference
    .venv/bin/ruff check --fix src tests bench
    .venv/bin/ruff format src tests bench

# The documentation as a site in ./site
docs:
    ./onmaru docs build --out site

bench name *args:
    ./onmaru bench {{name}} {{args}}

prove point:
    ./onmaru prove {{point}}

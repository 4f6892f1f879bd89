"""The shipped table of SearchParameters is what the official package gives, to the byte."""

from collections.abc import Callable
from pathlib import Path

import pytest
from tools.build_search import TARGET, Package, build, render


@pytest.mark.slow
def test_the_shipped_table_is_what_the_package_gives(shared_data: Callable[[str], Path]) -> None:
    (path,) = shared_data("fhir-core").glob("*.tgz")
    package = Package(path)
    text = render(build(package, []))
    assert text == TARGET.read_text("utf-8")
    known = sorted(package.parameters, reverse=True)
    renumbered = build(package, known)["parameters"]
    assert [row[0] for row in renumbered] == known, "a number once given is kept"

"""The generated pages about search tell what the code does."""

from pathlib import Path

import pytest
from tools.build_search_pages import pages

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.mark.parametrize("page", sorted(pages()))
def test_a_generated_page_is_fresh(page: str) -> None:
    assert (DOCS / page).read_text("utf-8") == pages()[page], "run python tools/build_search_pages.py"

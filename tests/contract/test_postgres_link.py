"""A question to PostgreSQL is parsed and planned once, and planned again as tables grow."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from onmaru.engines.postgres.link import Link

HELD = "SELECT generic_plans FROM pg_prepared_statements WHERE statement = 'SELECT n FROM grown WHERE n = $1'"
ASKED = "SELECT n FROM grown WHERE n = ?"


@pytest.fixture
def link(database: str) -> Iterator[Link]:
    made = Link(database, "")
    made.script("CREATE TABLE public.grown(n int4); CREATE INDEX ON public.grown(n); SET search_path = public")
    yield made
    made.script("DROP TABLE public.grown")
    made.close()


def test_a_question_stays_prepared(link: Link) -> None:
    assert [list(link.execute(ASKED, (1,))) for _ in range(3)] == [[], [], []]
    assert link.execute(HELD).get == 3


def test_a_plan_of_a_small_table_is_let_go_as_it_grows(link: Link) -> None:
    link.script("INSERT INTO grown VALUES(0); ANALYZE grown; ALTER TABLE grown SET (autovacuum_enabled = off)")
    link.execute(ASKED, (1,))
    link.execute("INSERT INTO grown SELECT * FROM generate_series(1, 200000)")
    read = "SELECT coalesce(sum(seq_tup_read), 0)::int8 FROM pg_stat_xact_user_tables WHERE relname = 'grown'"
    while link._asked & (link._asked + 1):
        link.execute("SELECT 1")
    with link.transaction():
        before = link.execute(read).get
        for _ in range(5):
            assert link.execute(ASKED, (77,)).get == 77
        assert link.execute(read).get - before < 5 * 200_000

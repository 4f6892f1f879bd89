"""Spark SQL in this process: views over Parquet files. Spark (the extra `scale`) and a JVM are looked for when asked for."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

_SETTINGS = {
    "spark.ui.enabled": "false",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.shuffle.partitions": "1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.memory": "1g",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.catalogImplementation": "in-memory",
}


def missing() -> str:
    """What Spark needs and this machine has not, "" where all is there."""
    if find_spec("pyspark") is None:
        return "pyspark is not installed: pip install 'onmaru[scale]'"
    return "" if shutil.which("java") else "there is no Java: Spark needs a Java runtime of version 17 or later"


class SparkSession:
    """A local session. Tables are handed over as Parquet in a folder of its own, which leaves with it."""

    def __init__(self, cores: int = 1) -> None:
        from pyspark.sql import SparkSession as Session

        self._folder = Path(tempfile.mkdtemp(prefix="onmaru-spark-"))
        self._tables = 0
        builder = Session.builder.master(f"local[{cores}]").appName("onmaru")
        settings = _SETTINGS | {"spark.sql.warehouse.dir": str(self._folder), "spark.local.dir": str(self._folder)}
        for name, value in settings.items():
            builder = builder.config(name, value)
        self._session: Any = builder.getOrCreate()
        self._session.sparkContext.setLogLevel("OFF")

    def table(self, name: str, data: pa.Table) -> None:
        """Give a table a name; an earlier one of this name is forgotten."""
        self._tables += 1
        file = self._folder / f"{self._tables}.parquet"
        pq.write_table(data, file)
        self._session.read.parquet(str(file)).createOrReplaceTempView(name)

    def rows(self, sql: str, tables: Mapping[str, pa.Table]) -> pa.Table:
        """The whole answer. Errors are Spark's own."""
        for name, data in tables.items():
            self.table(name, data)
        answer: pa.Table = self._session.sql(sql).toArrow()
        return answer

    def close(self) -> None:
        """End the session and remove its folder."""
        self._session.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

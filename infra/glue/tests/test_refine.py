"""The transformation: sectors, exact sums, days."""

import random
from collections import defaultdict
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from lake import Lake
from pyspark.sql import DataFrame, Row, SparkSession

import refine as job
from conftest import DAY, NEXT_DAY

AS_OF = date(2026, 11, 30)


def raw_frame(spark: SparkSession, rows: list[tuple]) -> DataFrame:
    """The same rows as a DataFrame, with the columns that `refine` reads."""
    return spark.createDataFrame([(s, c, Decimal(p), q, DAY) for s, c, p, q in rows], job.RAW_ROW)


def refined(spark: SparkSession, rows: list[tuple], as_of: date = AS_OF) -> dict[str, Row]:
    return {row["Setor"]: row for row in job.refine(raw_frame(spark, rows), as_of).collect()}


def test_columns_and_types_are_the_tables(spark: SparkSession) -> None:
    frame = job.refine(raw_frame(spark, [("Petróleo", "PETR4", "1.000", 1)]), AS_OF)
    assert [(field.name, field.dataType.simpleString()) for field in frame.schema] == [
        ("Setor", "string"),
        ("Data", "date"),
        ("soma_part", "decimal(16,3)"),
        ("total_codigo", "bigint"),
        ("soma_qtd_teorica", "bigint"),
        ("dias_desde_carteira", "int"),
    ]


def test_a_row_without_segment_counts_under_sem_setor(spark: SparkSession) -> None:
    rows = refined(
        spark,
        [(None, "PETR4", "1.500", 10), ("", "VALE3", "0.250", 5), ("Outros", "B3SA3", "1", 1)],
    )
    assert rows.keys() == {"Sem setor", "Outros"}
    assert rows["Sem setor"]["soma_part"] == Decimal("1.750")
    assert rows["Sem setor"]["total_codigo"] == 2


def test_sums_are_exact_where_doubles_are_not(spark: SparkSession) -> None:
    beyond = 2**53 + 1
    rows = [
        ("Bancos", "ITUB4", "0.100", beyond),
        ("Bancos", "BBDC4", "0.200", 2),
        ("Bancos", "BBAS3", "0.001", 0),
    ]
    found = refined(spark, rows)["Bancos"]
    assert found["soma_part"] == Decimal("0.301")
    assert found["soma_qtd_teorica"] == beyond + 2
    assert float(beyond) + 2 != beyond + 2


def test_a_sum_beyond_bigint_fails_its_date_alone(lake: Lake) -> None:
    lake.write_raw(DAY, [("Bancos", "ITUB4", "50", 2**63 - 1), ("Bancos", "BBDC4", "50", 1)])
    lake.write_raw(NEXT_DAY, [("Bancos", "ITUB4", "100", 2**63 - 1)])
    report, failed = lake.try_run(DAY, NEXT_DAY)
    assert report["dates"] == [str(NEXT_DAY)]
    assert "holds a sector whose sum does not fit into its column" in failed[DAY]
    assert lake.table() == {(str(NEXT_DAY), "Bancos"): (Decimal("100.000"), 1, 2**63 - 1, 7)}


@pytest.mark.parametrize(
    ("as_of", "days"),
    [(DAY, 0), (NEXT_DAY, 3), (date(2026, 11, 19), -1), (date(2027, 11, 20), 365)],
)
def test_days_since_the_portfolio(spark: SparkSession, as_of: date, days: int) -> None:
    assert (
        refined(spark, [("Bancos", "ITUB4", "1", 1)], as_of)["Bancos"]["dias_desde_carteira"]
        == days
    )


@pytest.mark.parametrize(
    ("utc", "local_day"),
    [
        (datetime(2026, 11, 21, 2, 59, 59, tzinfo=UTC), date(2026, 11, 20)),
        (datetime(2026, 11, 21, 3, 0, 0, tzinfo=UTC), date(2026, 11, 21)),
    ],
)
def test_today_is_sao_paulos(spark: SparkSession, utc: datetime, local_day: date) -> None:
    assert job.today_in_sao_paulo(spark, utc.timestamp()) == local_day


def test_random_portfolios_equal_an_independent_computation(spark: SparkSession) -> None:
    rng = random.Random(20261120)
    sectors = ["Bens Indls / Máqs e Equips", "Petr  Gás", "123", None, "100% ação: x=y", "Fim. "]
    rows = []
    for number in range(400):
        part = Decimal(rng.randrange(0, 1_000_000)) / 1000
        rows.append(
            (rng.choice(sectors), f"COD{number}", str(part), rng.randrange(0, 6_000_000_000))
        )
    parts, counts, quantities = defaultdict(list), defaultdict(int), defaultdict(int)
    for sector, _, part, quantity in rows:
        key = "Sem setor" if sector is None else sector
        parts[key].append(int(Decimal(part) * 1000))
        counts[key] += 1
        quantities[key] += quantity
    expected = {
        key: (Decimal(sum(parts[key])) / 1000, counts[key], quantities[key], 10) for key in counts
    }
    found = {
        key: (
            row["soma_part"],
            row["total_codigo"],
            row["soma_qtd_teorica"],
            row["dias_desde_carteira"],
        )
        for key, row in refined(spark, rows).items()
    }
    assert found == expected

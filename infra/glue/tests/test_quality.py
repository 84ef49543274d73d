"""The rules of quality.dqdl: what each refuses, who enforces it, and that none is forgotten."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from itertools import permutations

import pytest
import yaml
from dqdl import holds
from fake_s3 import refusal
from lake import Lake
from pyspark.sql import DataFrame, Row, SparkSession

import quality
import refine as job
from conftest import DAY, INFRA, NEXT_DAY

RULES = {rule.name: rule for rule in quality.parse(quality.FILE.read_text())}
ENFORCED = [name for name, rule in RULES.items() if not rule.is_warning]
ROWS = [("Petróleo", "PETR4", "60.000", 6_000_000_000), ("Bancos", "ITUB4", "40.000", 1)]


def test_the_job_knows_the_rules_of_the_file_and_no_others() -> None:
    assert set(job.Rule) == RULES.keys()
    assert [name for name, rule in RULES.items() if rule.is_warning] == ["constituents"]


# ---------------------------------------------------------------- the job enforces them


def no_rows(lake: Lake, _: pytest.MonkeyPatch) -> str:
    lake.write_raw(DAY, ROWS, change="SELECT * FROM portfolio LIMIT 0")
    return "it holds no rows"


def a_sector_twice(lake: Lake, patch: pytest.MonkeyPatch) -> str:
    lake.write_raw(DAY, ROWS)
    spoil(patch, lambda rows: [*rows, rows[0]])
    return "it came to a second row of '"


def a_sum_beyond_its_column(lake: Lake, _: pytest.MonkeyPatch) -> str:
    most = 2**63 - 1
    lake.write_raw(DAY, [("Bancos", "ITUB4", "50", most), ("Bancos", "BBDC4", "50", 1)])
    return "it holds a sector whose sum does not fit into its column"


def a_weight_too_many(lake: Lake, _: pytest.MonkeyPatch) -> str:
    lake.write_raw(DAY, [*ROWS, ("Bancos", "BBDC4", "0.011", 1)])
    return "it holds a part of 100.011 in all, which is not 100 within 0.010"


def a_footer_of_another_portfolio(lake: Lake, _: pytest.MonkeyPatch) -> str:
    lake.write_raw(DAY, ROWS, says={"total-theorical-qty": "7"})
    return "it holds a theoricalQty of 6000000001 in all, and says 7"


BREAKING: dict[str, Callable[[Lake, pytest.MonkeyPatch], str]] = {
    "rows": no_rows,
    "key": a_sector_twice,
    "sums": a_sum_beyond_its_column,
    "weights": a_weight_too_many,
    "totals": a_footer_of_another_portfolio,
}


def spoil(patch: pytest.MonkeyPatch, change: Callable[[list[Row]], list[Row]]) -> None:
    """What no raw object can bring about: the sums themselves of DAY are wrong."""
    summed = job.rows_by_date

    def rows_by_date(refined: DataFrame) -> dict[date, list[Row]]:
        return {day: change(rows) if day == DAY else rows for day, rows in summed(refined).items()}

    patch.setattr(job, "rows_by_date", rows_by_date)


@pytest.mark.parametrize("name", ENFORCED)
def test_a_broken_rule_fails_its_date_alone_with_rule_and_value_and_replaces_nothing(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    lake.write_raw(DAY, [("Petróleo", "PETR4", "100.000", 5)])
    lake.run(DAY)
    table, done = lake.table(), lake.done()
    cause = BREAKING[name](lake, monkeypatch)
    lake.write_raw(NEXT_DAY, ROWS)
    lake.s3.calls.clear()
    report, failed = lake.try_run(DAY, NEXT_DAY)
    assert report["dates"] == [str(NEXT_DAY)]
    assert failed.keys() == {DAY}
    assert failed[DAY].startswith(f"{lake.raw_path(DAY)} breaks the rule {name}: {cause}")
    assert {key: row for key, row in lake.table().items() if key[0] == str(DAY)} == table
    assert {key: said for key, said in lake.done().items() if key.startswith(str(DAY))} == done
    changed = [key for what, key in lake.s3.calls if what in ("put", "delete")]
    assert [key for key in changed if f"date={DAY}" in key.lower()] == [lake.mark_key(DAY)]


@pytest.mark.parametrize("sector", ["", None])
def test_a_sector_without_a_name_breaks_the_key(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, sector: str | None
) -> None:
    lake.write_raw(DAY, ROWS)
    unnamed = {"Setor": sector}
    spoil(monkeypatch, lambda rows: [Row(**rows[0].asDict() | unnamed), *rows[1:]])
    assert "breaks the rule key: it came to an unnamed sector" in lake.try_run(DAY)[1][DAY]


def test_rows_that_spark_lost_break_the_rules_too(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake.write_raw(DAY, ROWS)
    with monkeypatch.context() as patch:
        spoil(patch, lambda rows: [])
        assert "breaks the rule rows: it came to no rows" in lake.try_run(DAY)[1][DAY]
    spoil(monkeypatch, lambda rows: [Row(**row.asDict() | {"total_codigo": 2}) for row in rows])
    told = "breaks the rule totals: it holds 2 rows, and 4 were counted"
    assert told in lake.try_run(DAY)[1][DAY]


@pytest.mark.parametrize("total", ["99.990", "100.010"])
def test_weights_may_be_a_hundredth_off(lake: Lake, total: str) -> None:
    lake.write_raw(DAY, [("Bancos", "ITUB4", Decimal(total) - 1, 1), ("Bancos", "BBDC4", "1", 1)])
    assert lake.run(DAY)["dates"] == [str(DAY)]


# ---------------------------------------------------------------- a warning fails nobody

SESSIONS = [date(2026, 11, day) for day in (16, 17, 18, 19, 20)]


def many(constituents: int) -> list[tuple]:
    rest = [("Bancos", f"COD{number}", "0", 1) for number in range(1, constituents)]
    return [("Petróleo", "PETR4", "100", 1), *rest]


def drop(before: date, were: int, day: date, now: int, share: str) -> str:
    return f"constituents: {day} has {now}, {share} % fewer than the {were} of {before}"


def test_a_session_with_fewer_constituents_is_refined_and_done_says_so(lake: Lake) -> None:
    for day, constituents in ((DAY, 80), (NEXT_DAY, 63)):
        lake.write_raw(day, many(constituents))
        report = lake.run(day)
    warning = drop(DAY, 80, NEXT_DAY, 63, "21.2")
    assert report["dates"] == [str(NEXT_DAY)]
    assert report["warnings"] == [warning]
    warnings = {key.partition("/")[0]: said.get("warnings") for key, said in lake.done().items()}
    assert warnings == {str(DAY): None, str(NEXT_DAY): [warning]}
    assert len(lake.table()) == 4


def test_a_fifth_of_the_constituents_may_leave(lake: Lake) -> None:
    for day, constituents in ((DAY, 80), (NEXT_DAY, 64)):
        lake.write_raw(day, many(constituents))
    assert lake.run(DAY, NEXT_DAY)["warnings"] == []


def test_a_session_that_arrives_late_is_compared_with_the_one_after_it(lake: Lake) -> None:
    lake.write_raw(NEXT_DAY, many(60))
    assert lake.run(NEXT_DAY)["warnings"] == []
    lake.write_raw(DAY, many(80))
    assert lake.run(DAY)["warnings"] == [drop(DAY, 80, NEXT_DAY, 60, "25.0")]


def told_in_order(order: list[list[int]], counts: list[int]) -> list[str]:
    """What is told by runs of these sessions, one after the other."""
    arrived: list[date] = []
    told = []
    for run in order:
        good = {SESSIONS[place]: counts[place] for place in run}
        arrived = sorted({*arrived, *good})
        warnings = job.session_warnings(arrived, good, lambda day: raw_of(counts, day))
        assert warnings.keys() == good.keys()
        told += [text for day in good for text in warnings[day]]
    return told


def raw_of(counts: list[int], day: date) -> job.RawObject:
    return job.RawObject("", BODIES[counts[SESSIONS.index(day)]], {}, "")


def body(rows: int) -> bytes:
    sink = job.pa.BufferOutputStream()
    job.pq.write_table(job.pa.table({"cod": [str(n) for n in range(rows)]}), sink)
    return sink.getvalue().to_pybytes()


COUNTS = [80, 60, 90, 71, 50]
BODIES = {count: body(count) for count in COUNTS}


def test_every_drop_between_neighbours_is_told_once_in_whatever_order_days_arrive() -> None:
    drops = {
        drop(SESSIONS[0], 80, SESSIONS[1], 60, "25.0"),
        drop(SESSIONS[2], 90, SESSIONS[3], 71, "21.1"),
        drop(SESSIONS[3], 71, SESSIONS[4], 50, "29.6"),
    }
    for order in permutations(range(5)):
        runs = [[place] for place in order]
        # One by one, in two runs, in one.
        for grouped in (runs, [[*order[:2]], [*order[2:]]], [[*order]]):
            told = told_in_order(grouped, COUNTS)
            assert len(set(told)) == len(told), told
            assert drops <= set(told), grouped
            # What else is told was true when it was: nothing lay between the two sessions then.
            for text in set(told) - drops:
                days = [text.split()[1], text.split()[-1]]
                places = sorted(SESSIONS.index(date.fromisoformat(day)) for day in days)
                between = set(range(places[0] + 1, places[1]))
                since = {place for run in grouped[last(grouped, places) + 1 :] for place in run}
                assert between <= since, (text, grouped)
    assert set(told_in_order([[*range(5)]], COUNTS)) == drops


def last(runs: list[list[int]], places: list[int]) -> int:
    """The run with which both had arrived."""
    return max(number for number, run in enumerate(runs) if set(run) & set(places))


def test_a_session_that_fails_is_no_neighbour(lake: Lake) -> None:
    third = date(2026, 11, 24)
    lake.write_raw(DAY, many(100))
    lake.write_raw(NEXT_DAY, many(50), says={"total-part": "50"})
    lake.write_raw(third, many(70))
    told = drop(DAY, 100, third, 70, "30.0")
    report, failed = lake.try_run(DAY, NEXT_DAY, third)
    assert (failed.keys(), report["warnings"]) == ({NEXT_DAY}, [told])
    # Nor is one of another run that cannot be read.
    lake.put_raw(NEXT_DAY, b"<html>sorry</html>")
    assert lake.run(third)["warnings"] == [told]


def test_objects_that_are_no_sessions_are_not_compared(lake: Lake) -> None:
    lake.write_raw(DAY, many(100))
    for stray in (f"raw/date={DAY}/other.parquet", "raw/date=2026-13-01/ibov_setor.parquet"):
        lake.s3.objects[stray] = lake.s3.objects[lake.raw_key(DAY)]
    del lake.s3.objects[lake.raw_key(DAY)]
    lake.write_raw(NEXT_DAY, many(60))
    assert lake.run(NEXT_DAY)["warnings"] == []


def test_sessions_that_s3_does_not_list_are_a_warning_and_no_failure(lake: Lake) -> None:
    lake.write_raw(DAY, ROWS)

    def refuse(operation: str, key: str) -> None:
        if (operation, key) == ("list", "raw/"):
            raise refusal("ListObjectsV2", "AccessDenied")

    lake.s3.before_call = refuse
    (warning,) = lake.run(DAY)["warnings"]
    assert warning.startswith("constituents: not compared with other sessions: ")
    assert "AccessDenied" in warning


# ---------------------------------------------------------------- Glue evaluates them

REFINED = "data date, setor string, soma_part decimal(16,3), total_codigo bigint, "
REFINED += "soma_qtd_teorica bigint"
RAW = "datacarteira date, segment string, part decimal(6,3), theoricalqty bigint"
OIL, BANKS, LATER = (
    (DAY, "Petróleo", Decimal("60.000"), 10, 5),
    (DAY, "Bancos", Decimal("40.000"), 10, 7),
    (NEXT_DAY, "Bancos", Decimal("100.004"), 16, 7),
)


def changed(row: tuple, **values: object) -> tuple:
    names = [column.split()[0] for column in REFINED.split(", ")]
    return tuple((dict(zip(names, row, strict=True)) | values).values())


HALF = changed(LATER, soma_part=Decimal("50.002"), total_codigo=8)
BAD: dict[str, list[tuple]] = {
    "rows": [],
    "key": [OIL, BANKS, HALF, changed(HALF, soma_qtd_teorica=0)],
    "sums": [OIL, changed(BANKS, soma_qtd_teorica=None), LATER],
    "weights": [OIL, BANKS, changed(LATER, soma_part=Decimal("100.011"))],
    "totals": [OIL, changed(BANKS, soma_qtd_teorica=8), LATER],
    "constituents": [OIL, BANKS, changed(LATER, total_codigo=15)],
}


def constituents(rows: list[tuple]) -> list[tuple]:
    """Raw rows that add up to refined ones."""
    return [
        (day, sector, part if first else Decimal(0), (quantity or 0) if first else 0)
        for day, sector, part, count, quantity in rows
        for first in [True] + [False] * (count - 1)
    ]


def table(spark: SparkSession, columns: str, rows: list[tuple]) -> DataFrame:
    """Rows as literals: as Python objects they would take Spark a second."""
    types = dict(column.split() for column in columns.split(", "))
    values = ", ".join(
        f"({', '.join(map(literal, row))})" for row in rows or [(None,) * len(types)]
    )
    casts = ", ".join(f"cast({name} as {kind}) {name}" for name, kind in types.items())
    found = spark.sql(f"SELECT {casts} FROM VALUES {values} AS t({', '.join(types)})")
    return found if rows else found.where("false")


def literal(value: object) -> str:
    return "NULL" if value is None else f"'{value}'"


def broken_by(spark: SparkSession, rows: list[tuple], raw: list[tuple]) -> set[str]:
    primary, tables = table(spark, REFINED, rows), {"tb_ibov_raw": table(spark, RAW, raw)}
    return {name for name, rule in RULES.items() if not holds(rule.text, primary, **tables)}


def test_good_sessions_break_no_rule_of_the_file(spark: SparkSession) -> None:
    good = [OIL, BANKS, LATER]
    assert broken_by(spark, good, constituents(good)) == set()


@pytest.mark.parametrize("name", RULES)
def test_the_rule_of_the_file_refuses_what_the_job_refuses(spark: SparkSession, name: str) -> None:
    rows = BAD[name]
    raw = constituents([OIL, BANKS, LATER] if name == "totals" else rows)
    assert broken_by(spark, rows, raw) == {name}


def test_a_drop_of_long_ago_is_no_news_to_the_console(spark: SparkSession) -> None:
    third = changed(LATER, data=date(2026, 11, 24), total_codigo=15)
    rows = [*BAD["constituents"], third]
    assert broken_by(spark, rows, constituents(rows)) == set()


class Loader(yaml.SafeLoader):
    """Reads a template as far as it needs no function of CloudFormation's."""


Loader.add_multi_constructor("!", lambda loader, tag, node: f"{tag} {node.value}")


def test_the_template_has_every_rule_but_those_left_out_with_a_reason() -> None:
    template = yaml.load((INFRA / "template.yaml").read_text(), Loader)
    deployed = template["Resources"]["RefinedQuality"]["Properties"]
    assert deployed["TargetTable"]["TableName"] == "Ref RefinedTable"
    rules = quality.without(quality.NOT_IN_THE_TEMPLATE)
    assert deployed["Ruleset"] == quality.ruleset(rules)
    assert quality.NOT_IN_THE_TEMPLATE.keys() == {"totals"}
    assert RULES.keys() - {rule.name for rule in rules} == quality.NOT_IN_THE_TEMPLATE.keys()


@pytest.mark.parametrize(
    "document",
    [
        "Rules = [\n    RowCount > 0\n]\n",
        "Rules = [\n    # no name\n    RowCount > 0\n]\n",
        "RowCount > 0\nRules = [\n    # rows: a\n    RowCount > 0\n]\n",
        "Rules = [\n    # rows: a\n    RowCount > 0\n",
    ],
)
def test_a_rule_without_a_name_is_noticed(document: str) -> None:
    with pytest.raises(ValueError, match=r"argument 2 is|gives no rule a name|a document is"):
        quality.parse(document)

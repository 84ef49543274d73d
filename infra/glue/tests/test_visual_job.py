"""The visual job: valid, fed, apart from the script's rows, and of the same result."""

import json
import re
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.model import Shape
from botocore.validate import ParamValidator
from lake import Lake
from pyspark.sql import SparkSession
from visual_nodes import Nodes, QualityError

import quality
import refine as job
import visual_job
from conftest import DAY, NEXT_DAY

MODEL = botocore.session.get_session().get_service_model("glue")
SHAPE = MODEL.operation_model("CreateJob").input_shape
NAMES = {
    "BucketName": "ibov-lake-000000000000",
    "DatabaseName": "default",
    "GlueJobName": "glue_job_refinamento_bovespa",
    "StackName": "ibov",
    "VisualJobRole": "ibov-VisualJobRole-1A2B3C",
}


def test_the_file_is_what_the_definition_gives() -> None:
    assert visual_job.FILE.read_text() == visual_job.text()


def faults(value: Any, shape: Shape, path: str = "") -> Iterator[str]:
    """Which texts break a pattern or enum of the service's model: botocore leaves that to AWS."""
    match shape.type_name:
        case "structure":
            for name, inner in value.items():
                yield from faults(inner, shape.members[name], f"{path}.{name}")
        case "list":
            for place, inner in enumerate(value):
                yield from faults(inner, shape.member, f"{path}[{place}]")
        case "map":
            for name, inner in value.items():
                yield from faults(name, shape.key, f"{path}<{name}>")
                yield from faults(inner, shape.value, f"{path}.{name}")
        case "string":
            if shape.enum and value not in shape.enum:
                yield f"{path}: {value} is none of {shape.enum}"
            # Java writes characters beyond the basic plane as two.
            pattern = shape.metadata.get("pattern", "(?s:.)*")
            pattern = pattern.replace(r"\uD800\uDC00-\uDBFF\uDFFF", r"\U00010000-\U0010FFFF")
            if not re.fullmatch(pattern, value):
                yield f"{path}: {value!r} does not match {pattern}"


def test_the_job_is_what_glue_takes() -> None:
    filled = visual_job.filled(NAMES)
    assert ParamValidator().validate(filled, SHAPE).generate_report() == ""
    assert list(faults(filled, SHAPE)) == []
    assert "${" not in json.dumps(filled)


@pytest.mark.parametrize(
    ("node", "kind", "change", "fault"),
    [
        ("aggregate", "Aggregate", {"Aggs": [{"Column": ["part"], "AggFunc": "soma"}]}, "none of"),
        ("quality", "EvaluateDataQuality", {"Ruleset": 'Rules = [ IsComplete "ação" ]'}, "match"),
        ("target", "S3GlueParquetTarget", {"Compression": "zip"}, "is none of"),
        ("source", "S3ParquetSource", {"Name": "two\nlines"}, "does not match"),
    ],
)
def test_what_glue_would_refuse_is_noticed(node: str, kind: str, change: dict, fault: str) -> None:
    filled = visual_job.filled(NAMES)
    filled["CodeGenConfigurationNodes"][node][kind] |= change
    (found,) = faults(filled, SHAPE)
    assert fault in found


def test_seven_nodes_stand_in_a_row_from_source_to_target() -> None:
    nodes = visual_job.nodes()
    names = list(nodes)
    assert names == ["source", "sectors", "aggregate", "mapping", "days", "quality", "target"]
    for before, (name, node) in zip([None, *names], nodes.items(), strict=False):
        ((_, said),) = node.items()
        assert said.get("Inputs", []) == ([before] if before else []), name


def test_nothing_of_the_job_is_the_scripts() -> None:
    filled = visual_job.filled(NAMES)
    assert filled["Name"] == f"{NAMES['GlueJobName']}_visual"
    target = filled["CodeGenConfigurationNodes"]["target"]["S3GlueParquetTarget"]
    assert target["Path"] == f"s3://{NAMES['BucketName']}/refined_visual/"
    assert target["SchemaChangePolicy"]["Table"] == "tb_ibov_refined_visual"
    assert target["SchemaChangePolicy"]["UpdateBehavior"] == "LOG"
    text = json.dumps(filled)
    assert not re.search(r"/refined/|\btb_ibov_refined\b(?!_)", text)
    # No trigger, no schedule, no notification: CreateJob has none of them to set.
    assert "Triggers" not in SHAPE.members


def test_the_quality_node_has_every_rule_but_those_left_out_with_a_reason() -> None:
    ruleset = visual_job.nodes()["quality"]["EvaluateDataQuality"]["Ruleset"]
    for rule in quality.parse(quality.FILE.read_text()):
        text = rule.text.replace('"data"', '"Data"').replace('"setor"', '"Setor"')
        assert (text in ruleset) == (rule.name not in quality.NOT_IN_THE_VISUAL_JOB), rule.name
    assert quality.NOT_IN_THE_VISUAL_JOB.keys() == {"totals", "constituents"}


# ---------------------------------------------------------------- the same rows

SECTORS = ["Bens Indls / Máqs e Equips", "Petr  Gás e Biocombustíveis", "100% ação: x=y", "", None]


def portfolio(constituents: int) -> list[tuple]:
    return [
        (SECTORS[n % len(SECTORS)], f"COD{n}", Decimal(100) / constituents, 5_000_000_000 + n)
        for n in range(constituents)
    ]


def visual(spark: SparkSession, lake: Lake, bucket: Path) -> dict[tuple[str, str], tuple]:
    """What the nodes make of the lake's raw objects."""
    for key in lake.keys("raw/"):
        path = bucket / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(lake.s3.objects[key])
    Nodes(spark, bucket).run(visual_job.filled(NAMES)["CodeGenConfigurationNodes"])
    spark.conf.set("spark.sql.sources.partitionColumnTypeInference.enabled", "false")
    try:
        found = spark.read.parquet((bucket / "refined_visual").as_uri())
        kinds = ["decimal(16,3)", "bigint", "bigint", "int", "string", "string"]
        assert [kind for _, kind in found.dtypes] == kinds
        rows = found.collect()
    finally:
        spark.conf.unset("spark.sql.sources.partitionColumnTypeInference.enabled")
    assert len({(row["Data"], row["Setor"]) for row in rows}) == len(rows)
    return {(row["Data"], row["Setor"]): tuple(row)[:4] for row in rows}


def test_the_nodes_give_the_rows_of_the_script(
    spark: SparkSession, lake: Lake, tmp_path: Path
) -> None:
    days = {DAY: 80, NEXT_DAY: 50, date(2026, 11, 24): 100}
    for day, constituents in days.items():
        lake.write_raw(day, portfolio(constituents))
    before = job.today_in_sao_paulo(spark, job.time.time())
    found = visual(spark, lake, tmp_path / "bucket")
    after = job.today_in_sao_paulo(spark, job.time.time())
    as_of = DAY + timedelta(days=found[str(DAY), "Sem setor"][3])
    assert before <= as_of <= after
    lake.run(*days, as_of=as_of)
    assert found == lake.table()
    assert len(found) == 3 * 4


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "Pacific/Honolulu"])
def test_days_are_counted_to_sao_paulos_today_in_any_session(
    spark: SparkSession, zone: str
) -> None:
    select = visual_job.COUNT_DAYS.replace("localtimestamp()", "TIMESTAMP_NTZ'{}'")
    # One moment on three clocks: in Sao Paulo it is half past ten in the evening of the 20th.
    local = {
        "UTC": "2026-11-21 01:30",
        "Asia/Tokyo": "2026-11-21 10:30",
        "Pacific/Honolulu": "2026-11-20 15:30",
    }
    spark.conf.set("spark.sql.session.timeZone", zone)
    try:
        spark.sql(
            f"SELECT 'a' Setor, DATE'{DAY}' Data, 1 soma_part, 1 total_codigo, 1 soma_qtd_teorica"
        ).createOrReplaceTempView("myDataSource")
        (row,) = spark.sql(select.format(local[zone])).collect()
    finally:
        spark.conf.set("spark.sql.session.timeZone", "UTC")
    assert row["dias_desde_carteira"] == 0


def test_a_session_that_breaks_a_rule_stops_the_job_before_it_writes(
    spark: SparkSession, lake: Lake, tmp_path: Path
) -> None:
    lake.write_raw(DAY, portfolio(80))
    lake.write_raw(NEXT_DAY, [("Bancos", "ITUB4", "99.989", 1)])
    with pytest.raises(QualityError, match=r"abs\(sum\(soma_part\) - 100\)"):
        visual(spark, lake, tmp_path / "bucket")
    assert not (tmp_path / "bucket" / "refined_visual").exists()

"""The catalog calls: batches, pages, repair, and errors that Glue hides in successful answers."""

from datetime import date

import pytest
from fake_glue import STORAGE, FakeGlue

import refine as job
from conftest import DAY, NEXT_DAY


@pytest.fixture
def glue() -> FakeGlue:
    return FakeGlue()


def catalog(glue: FakeGlue) -> job.Catalog:
    return job.Catalog(glue, "default", "tb_ibov_refined")


def locations(count: int, day: date = DAY) -> dict[tuple[str, str], str]:
    return {
        (str(day), f"Setor {n}"): f"s3://lake/refined/Data={day}/Setor=Setor {n}/"
        for n in range(count)
    }


def test_creates_at_most_100_a_call(glue: FakeGlue) -> None:
    catalog(glue).register(locations(230), {})
    assert glue.calls == [("create", 100), ("create", 100), ("create", 30)]
    assert glue.partitions.keys() == locations(230).keys()


def test_drops_at_most_25_a_call(glue: FakeGlue) -> None:
    catalog(glue).register(locations(60), {})
    glue.calls.clear()
    catalog(glue).drop(list(locations(60)))
    assert glue.calls == [("delete", 25), ("delete", 25), ("delete", 10)]
    assert not glue.partitions


def test_reads_every_page_and_only_the_dates_asked_for(glue: FakeGlue) -> None:
    catalog(glue).register(locations(8) | locations(8, NEXT_DAY), {})
    glue.partitions["__HIVE_DEFAULT_PARTITION__", "Setor 1"] = STORAGE
    found = catalog(glue).partitions([DAY])
    assert found.keys() == {str(DAY)}
    assert found[str(DAY)].keys() == locations(8).keys()


def test_repairs_a_partition_that_points_elsewhere(glue: FakeGlue) -> None:
    wanted = locations(2)
    first, second = wanted
    glue.partitions = {
        first: {**STORAGE, "Location": "s3://old/"},
        second: {**STORAGE, "Location": wanted[second]},
    }
    catalog(glue).register(wanted, catalog(glue).partitions([DAY])[str(DAY)])
    assert ("update", 1) in glue.calls
    assert glue.partitions[first]["Location"] == wanted[first]


@pytest.mark.parametrize("verb", ["create", "update", "drop"])
def test_an_error_of_one_partition_is_surfaced(glue: FakeGlue, verb: str) -> None:
    wanted = locations(3)
    existing = (
        {} if verb == "create" else {key: {**STORAGE, "Location": "s3://old/"} for key in wanted}
    )
    glue.partitions = dict(existing)
    glue.refused = {"Setor 1": ("InternalServiceException", "try later")}
    message = (
        rf"refused to {verb} 1 partition\(s\) of default.tb_ibov_refined, first {DAY}/Setor 1: "
    )
    act = {
        "create": lambda: catalog(glue).register(wanted, existing),
        "update": lambda: catalog(glue).register(wanted, existing),
        "drop": lambda: catalog(glue).drop(list(wanted)),
    }[verb]
    with pytest.raises(job.RefineError, match=message + ".* try later"):
        act()


def test_a_call_whose_answer_was_lost_may_be_made_again(glue: FakeGlue) -> None:
    wanted = locations(1)
    catalog(glue).register(wanted, {})
    catalog(glue).register(wanted, {})
    catalog(glue).drop(list(wanted))
    catalog(glue).drop(list(wanted))
    assert not glue.partitions


def test_a_missing_table_is_named(glue: FakeGlue) -> None:
    with pytest.raises(
        job.RefineError, match=r"table default\.nowhere is not in the catalog: deploy"
    ):
        job.Catalog(glue, "default", "nowhere")


def test_a_table_with_other_partition_keys_is_refused(glue: FakeGlue) -> None:
    glue.table = {**glue.table, "PartitionKeys": [{"Name": "date", "Type": "date"}]}
    with pytest.raises(job.RefineError, match=r"partitioned by \['date'\], expected data, setor"):
        catalog(glue)

import datetime
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from emulator_process import Emulator
from test_athena import Lake


class Workgroup(Lake):
    """A lake whose queries run in a workgroup that enforces where results lie."""

    def __init__(self, emulator: Emulator, name: str, folder: Path) -> None:
        super().__init__(emulator, name, folder)
        self.s3.create_bucket(Bucket=name)
        settings = {
            "EnforceWorkGroupConfiguration": True,
            "ResultConfiguration": {"OutputLocation": f"s3://{name}/enforced/"},
        }
        self.athena.create_work_group(Name=name, Configuration=settings)

    def ended(self, sql: str, *values: str, **more: Any) -> tuple[dict[str, Any], str]:
        if values:
            more["ExecutionParameters"] = list(values)
        return super().ended(sql, WorkGroup=self.name, **more)

    def rows_with(self, sql: str, *values: str) -> list[list[str | None]]:
        status, query_id = self.ended(sql, *values)
        assert status["State"] == "SUCCEEDED", status
        rows = self.athena.get_query_results(QueryExecutionId=query_id)["ResultSet"]["Rows"]
        return [[cell.get("VarCharValue") for cell in row["Data"]] for row in rows][1:]


@pytest.fixture
def workgroup(emulator: Emulator, name: str, tmp_path: Path) -> Workgroup:
    return Workgroup(emulator, name, tmp_path)


def test_results_lie_where_the_workgroup_enforces_it(workgroup: Workgroup) -> None:
    # The query asks for athena/.
    workgroup.rows_with("SELECT 1")
    keys = [each["Key"] for each in workgroup.s3.list_objects_v2(Bucket=workgroup.name)["Contents"]]
    assert {key.split("/")[0] for key in keys} == {"enforced"}


def test_a_workgroup_that_does_not_exist_is_refused(workgroup: Workgroup) -> None:
    with pytest.raises(ClientError, match="WorkGroup nobody is not found"):
        workgroup.athena.start_query_execution(QueryString="SELECT 1", WorkGroup="nobody")


def test_values_stand_for_question_marks_in_order(workgroup: Workgroup) -> None:
    sql = """
        -- not here: ?
        SELECT 'nor here: ?' AS text, day FROM (VALUES (DATE '2026-11-20')) AS days (day)
        WHERE day = CAST(? AS date) AND ? = 2 AND ? = 'it''s'
    """
    found = workgroup.rows_with(sql, "'2026-11-20'", "2", "'it''s'")
    assert found == [["nor here: ?", str(datetime.date(2026, 11, 20))]]


def test_a_query_keeps_its_question_marks(workgroup: Workgroup) -> None:
    _, query_id = workgroup.ended("SELECT 1 WHERE 1 = ?", "1")
    execution = workgroup.athena.get_query_execution(QueryExecutionId=query_id)["QueryExecution"]
    assert (execution["Query"], execution["ExecutionParameters"]) == ("SELECT 1 WHERE 1 = ?", ["1"])


@pytest.mark.parametrize(("values", "found"), [((), 0), (("1", "2"), 2)])
def test_too_few_and_too_many_values_fail_the_query(
    workgroup: Workgroup, values: tuple[str, ...], found: int
) -> None:
    status, _ = workgroup.ended("SELECT 1 WHERE 1 = ?", *values)
    assert status["State"] == "FAILED"
    reason = f"Incorrect number of parameters: expected 1 but found {found}"
    assert status["StateChangeReason"] == reason

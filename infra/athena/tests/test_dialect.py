"""Each statement is Athena's SQL. The emulator runs DuckDB, which takes more than Athena."""

import pytest
import yaml
from trino_sql import FUNCTIONS, Schema, columns, complaints, functions

from sql_files import Query, View, queries, views
from write_template import TEMPLATE, athena_type


def named(found: list) -> list:
    return [pytest.param(each, id=each.name) for each in found]


@pytest.fixture(scope="module")
def schema() -> Schema:
    """The columns of every table and view: the tables' as the template has them."""
    yaml.SafeLoader.add_multi_constructor("!", lambda _loader, _tag, node: node.value)
    resources = yaml.safe_load(TEMPLATE.read_text())["Resources"]
    tables = [resources[name]["Properties"]["TableInput"] for name in ("RawTable", "RefinedTable")]
    found = {}
    for table in tables:
        columns = [*table["StorageDescriptor"]["Columns"], *table["PartitionKeys"]]
        found[table["Name"]] = {each["Name"]: athena_type(each["Type"]) for each in columns}
    for view in views():
        found[view.name] = {each.name: athena_type(each.type) for each in view.columns}
    return found


@pytest.mark.parametrize("query", named(queries()))
def test_query_is_athenas_sql(query: Query, schema: Schema) -> None:
    assert complaints(query.text, schema) == []


@pytest.mark.parametrize("view", named(views()))
def test_view_is_athenas_sql(view: View, schema: Schema) -> None:
    assert complaints(view.sql, schema) == []


@pytest.mark.parametrize("view", named(views()))
def test_view_has_the_columns_that_it_declares(view: View, schema: Schema) -> None:
    # Otherwise Athena calls the view stale, and does not read it.
    assert list(columns(view.sql, schema).items()) == list(schema[view.name].items())


@pytest.mark.parametrize(
    "foreign",
    [
        "SELECT data::date FROM tb_ibov_refined",
        "SELECT * EXCLUDE (data) FROM tb_ibov_refined",
        "SELECT setor FROM tb_ibov_refined QUALIFY row_number() OVER (ORDER BY setor) = 1",
        "SELECT setor, sum(soma_part) AS s FROM tb_ibov_refined GROUP BY ALL",
        "SELECT strftime(data, '%Y') AS ano FROM tb_ibov_refined",
        "SELECT list(setor) AS setores FROM tb_ibov_refined",
        "SELECT DATEDIFF(CURRENT_DATE(), data) AS dias FROM tb_ibov_refined",
        "SELECT datediff('day', data, current_date) AS dias FROM tb_ibov_refined",
        "SELECT `setor` FROM tb_ibov_refined",
        "SELECT setor FROM tb_ibov_refined LIMIT 5 OFFSET 5",
        "FROM tb_ibov_refined SELECT setor",
        "SELECT CAST(setor AS string) AS setor FROM tb_ibov_refined",
        "SELECT setor FROM tb_ibov_refined USING SAMPLE 10",
        "SELECT sector FROM tb_ibov_refined",
        "SELECT setor FROM tb_ibov_refinada",
        "SELECT setor FROM",
    ],
)
def test_sql_of_others_is_refused(foreign: str, schema: Schema) -> None:
    assert complaints(foreign, schema) != []


def test_no_function_is_listed_that_no_statement_uses() -> None:
    statements = [query.text for query in queries()] + [view.sql for view in views()]
    assert set().union(*map(functions, statements)) == FUNCTIONS.keys()

"""The dashboard's JSON is what the program writes, and each panel's query gives the right rows on
the emulator's Athena, over the tables of the template."""

import datetime
import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

import ibov_dashboard
from emulator_process import Emulator, running
from template_part import template_part
from test_athena import Lake

FIRST, SECOND, LAST = (datetime.date(2026, 11, day) for day in (18, 19, 20))
# Outside of the range that the panels show.
BEFORE, AFTER = datetime.date(2026, 11, 17), datetime.date(2026, 11, 23)
FROM = datetime.datetime(2026, 11, 18, 3, 30, tzinfo=datetime.UTC)
TO = datetime.datetime(2026, 11, 20, 21, 0, tzinfo=datetime.UTC)
BANKS, OIL, MACHINES, WATER = "Financ / Bancos", "Petróleo, Gás", "Bens Indls / Máqs", "Água"

# Sector, ticker, and the weight in each of the five sessions; None where it is not in the index.
# The last session does not add up: no panel may show its weights.
HOLDINGS = [
    (OIL, "PETR4", ("20.000", "21.000", "20.500", "19.000", "10.000")),
    (OIL, "PETR3", ("10.000", "9.500", "9.000", "8.000", "20.000")),
    (BANKS, "ITUB4", ("15.000", "15.500", "16.250", "17.000", "18.000")),
    (BANKS, "BBDC4", ("12.000", "12.000", "11.500", "12.000", "12.000")),
    (BANKS, "BBAS3", ("9.000", "9.000", "9.000", "9.000", "9.000")),
    (MACHINES, "WEGE3", ("8.000", "8.000", "8.750", "9.000", "9.000")),
    (MACHINES, "EMBR3", ("7.000", "7.000", "7.000", "7.000", "7.000")),
    (MACHINES, "POMO4", ("6.000", "5.000", "5.000", "5.000", "5.000")),
    (WATER, "SBSP3", (None, "5.000", "6.000", "7.000", "5.000")),
    (WATER, "CSMG3", ("13.000", "4.000", "3.500", "3.500", "2.500")),
    (WATER, "SAPR4", (None, "4.000", "3.500", "3.500", None)),
]
SESSIONS = (BEFORE, FIRST, SECOND, LAST, AFTER)
IN_RANGE = (FIRST, SECOND, LAST)


def portfolio(day: datetime.date) -> list[tuple[str, str, Decimal]]:
    place = SESSIONS.index(day)
    return [(s, cod, Decimal(w[place])) for s, cod, w in HOLDINGS if w[place] is not None]


def weights(day: datetime.date) -> dict[str, Decimal]:
    """The weight of each sector."""
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for sector, _, weight in portfolio(day):
        sums[sector] += weight
    return sums


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    """The lake and the two tables as deployed, with five sessions."""
    with running(tmp_path_factory.mktemp("emulator")) as emulator:
        made = Lake(emulator, "grafana", tmp_path_factory.mktemp("files"))
        deploy_tables(emulator, made.name)
        for day in SESSIONS:
            put_session(made, day)
        yield made


def deploy_tables(emulator: Emulator, name: str) -> None:
    template = template_part("LakeBucket", "GlueDatabase", "RawTable", "RefinedTable")
    bucket = template["Resources"]["LakeBucket"]
    # No queue listens to this bucket.
    del bucket["DependsOn"], bucket["Properties"]["NotificationConfiguration"]
    parameters = {
        "AlertEmail": "nobody@example.com",
        "BucketName": name,
        "DatabaseName": name,
        "CreateDatabase": "true",
    }
    cloudformation = emulator.client("cloudformation")
    cloudformation.create_stack(
        StackName=name,
        TemplateBody=json.dumps(template),
        Parameters=[
            {"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()
        ],
    )
    cloudformation.get_waiter("stack_create_complete").wait(
        StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 20}
    )


def put_session(lake: Lake, day: datetime.date) -> None:
    constituents = ", ".join(
        f"('{sector}', '{cod}', 'ACME {cod}', 'ON', {weight}::DECIMAL(6,3), "
        f"NULL::DECIMAL(6,3), 7::BIGINT, DATE '{day}')"
        for sector, cod, weight in portfolio(day)
    )
    columns = 'segment, cod, asset, "type", part, "partAcum", "theoricalQty", "DataCarteira"'
    lake.put_parquet(
        f"raw/date={day}/ibov_setor.parquet", f"FROM (VALUES {constituents}) AS raw({columns})"
    )
    for place, (sector, weight) in enumerate(weights(day).items()):
        count = sum(1 for other, _, _ in portfolio(day) if other == sector)
        folder = f"refined/Data={day}/sector-{place}/"
        lake.put_parquet(
            folder + "part-00000.snappy.parquet",
            f"SELECT {weight}::DECIMAL(16,3) AS soma_part, {count}::BIGINT AS total_codigo, "
            f"{7 * count}::BIGINT AS soma_qtd_teorica, 1::INTEGER AS dias_desde_carteira",
        )
        lake.create_partition("tb_ibov_refined", [str(day), sector], folder)


# ── What each panel should show ─────────────────────────────────────────────────────────────────


def midnight(day: datetime.date) -> str:
    return f"{day} 00:00:00"


def age() -> list[list]:
    today = datetime.datetime.now(ZoneInfo("America/Sao_Paulo")).date()
    return [[(today - AFTER).days]]


def sector_changes() -> list[list]:
    changes = []
    for sector in {sector for day in IN_RANGE for sector in weights(day)}:
        path = [weights(day)[sector] for day in IN_RANGE if sector in weights(day)]
        changes.append([sector, path[0], path[-1], path[-1] - path[0]])
    return sorted(changes, key=lambda row: (-row[3], row[0]))


def heaviest(day: datetime.date, count: int) -> list[tuple[str, str, Decimal]]:
    return sorted(portfolio(day), key=lambda row: (-row[2], row[1]))[:count]


def concentration() -> list[list]:
    return [
        [
            midnight(day),
            *(sum(weight for _, _, weight in heaviest(day, count)) for count in (5, 10)),
        ]
        for day in IN_RANGE
    ]


EXPECTED: dict[str, Callable[[], list[list]]] = {
    "last-session": lambda: [[str(AFTER)]],
    "age": age,
    "constituents": lambda: [[len(portfolio(LAST))]],
    "total-weight": lambda: [[Decimal(100)]],
    "sectors": lambda: sorted(
        (list(item) for item in weights(LAST).items()), key=lambda row: (-row[1], row[0])
    ),
    "sectors-over-time": lambda: [
        [midnight(day), *item] for day in IN_RANGE for item in sorted(weights(day).items())
    ],
    "sector-changes": sector_changes,
    "heaviest-stocks": lambda: [
        [cod, f"ACME {cod}", sector, weight] for sector, cod, weight in heaviest(LAST, 20)
    ],
    "concentration": concentration,
}

# ── Tests ───────────────────────────────────────────────────────────────────────────────────────


def test_the_committed_dashboard_is_what_the_program_writes() -> None:
    assert ibov_dashboard.JSON_FILE.read_text(encoding="utf-8") == ibov_dashboard.build()


QUERIES = {
    path.stem: path.read_text().strip() for path in (ibov_dashboard.HERE / "panels").iterdir()
}
PANELS = json.loads(ibov_dashboard.JSON_FILE.read_text(encoding="utf-8"))["panels"]


@pytest.mark.parametrize("name", sorted(QUERIES))
def test_panel(name: str, lake: Lake) -> None:
    """Its query answers with the rows that plain Python makes of the same portfolios."""
    (panel,) = (panel for panel in PANELS if panel["targets"][0]["rawSQL"] == QUERIES[name])
    wanted = EXPECTED[name]()
    header, *rows = lake.rows(expanded(QUERIES[name]))
    assert [comparable(*pair) for pair in zip(rows, wanted, strict=True)] == wanted
    options = panel["options"]
    named = {override["matcher"]["options"] for override in panel["fieldConfig"]["overrides"]}
    named |= {options["xField"]} if "xField" in options else set()
    assert named <= set(header), "the panel names a column that its query does not give"
    # The plugin makes time series of rows in the order of their times, and of nothing else.
    if panel["type"] == "timeseries":
        assert panel["targets"][0]["format"] == 0
        assert header[0] == "time"
        assert [row[0] for row in rows] == sorted(row[0] for row in rows)


def comparable(row: list[str | None], wanted: list) -> list:
    """A row as Athena's API gives it, in the types of another one."""
    return [
        Decimal(cell).quantize(Decimal("0.001")) if isinstance(like, Decimal) else type(like)(cell)
        for cell, like in zip(row, wanted, strict=True)
    ]


def test_panels_are_beside_each_other_and_not_above() -> None:
    squares = [
        (x, y)
        for place in (panel["gridPos"] for panel in PANELS)
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(squares) == len(set(squares))
    assert max(x for x, _ in squares) == 23


def test_every_panel_has_a_query_of_the_folder() -> None:
    assert sorted(panel["targets"][0]["rawSQL"] for panel in PANELS) == sorted(QUERIES.values())


def test_a_macro_that_the_plugin_does_not_have_is_noticed() -> None:
    with pytest.raises(AssertionError, match=r"\$__nothing"):
        expanded("SELECT $__nothing(data)")


def expanded(sql: str) -> str:
    """The query with the plugin's macros replaced as its `macros.go` does, for the range of these
    tests. Formats are Joda's there; only the one that panels use is known here.
    """
    sql = re.sub(
        r"\$__dateFilter\((\w+)\)",
        lambda match: f"{match[1]} BETWEEN date '{FROM:%Y-%m-%d}' AND date '{TO:%Y-%m-%d}'",
        sql,
    )
    sql = sql.replace("$__rawTimeFrom('yyyy-MM-dd')", f"'{FROM:%Y-%m-%d}'")
    sql = sql.replace("$__rawTimeTo('yyyy-MM-dd')", f"'{TO:%Y-%m-%d}'")
    assert "$__" not in sql, sql
    return sql

"""The notebook runs on the Spark of local runs, over rows that the Glue job made, and what is
committed as its outputs is what it gives."""

import datetime
import io
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib.image
import nbformat
import numpy as np
import pytest
from lake import Lake
from matplotlib.colors import to_rgb

import notebook_runner

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

SAMPLE = Path(__file__).parents[4] / "events" / "b3-portfolio-day.json"
SESSIONS = [
    day
    for day in (datetime.date(2026, 11, 9) + datetime.timedelta(days=n) for n in range(12))
    if day.weekday() < 5
]
LAST = SESSIONS[-1]
# The cells that draw, and how many bars or lines they draw.
BARS, LINES = 10, 5

Portfolio = list[tuple[str, str, Decimal, int]]


def portfolio(day: datetime.date) -> Portfolio:
    """The bundled sample, whose weights drift from session to session and still sum up to 100:
    (sector, ticker, weight, quantity).
    """
    age = SESSIONS.index(day)
    rows = json.loads(SAMPLE.read_text())["results"]
    weights = [int(row["part"].replace(",", "")) for row in rows]
    drifted = [
        weight + weight * age * ((place * 13) % 9 - 4) // 700
        for place, weight in enumerate(weights)
    ]
    drifted[weights.index(max(weights))] += 100_000 - sum(drifted)
    return [
        (
            row["segment"],
            row["cod"],
            Decimal(weight) / 1000,
            int(row["theoricalQty"].replace(".", "")),
        )
        for row, weight in zip(rows, drifted, strict=True)
    ]


def sectors(day: datetime.date) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for sector, _, weight, _ in portfolio(day):
        sums[sector] += weight
    return sums


def heaviest(count: int) -> list[str]:
    """The heaviest sectors of the last session."""
    return sorted(sectors(LAST), key=lambda sector: -sectors(LAST)[sector])[:count]


@pytest.fixture(scope="module")
def table(
    spark: "SparkSession", tmp_path_factory: pytest.TempPathFactory
) -> Iterator["SparkSession"]:
    """`default.tb_ibov_refined`, of files that the Glue job wrote."""
    lake = Lake(spark, tmp_path_factory.mktemp("scratch"))
    for day in SESSIONS:
        lake.write_raw(day, portfolio(day))
    lake.run(*SESSIONS)
    folder = tmp_path_factory.mktemp("lake")
    for key in lake.keys("refined/"):
        path = folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(lake.s3.objects[key])
    spark.sql(
        "CREATE TABLE default.tb_ibov_refined (soma_part DECIMAL(16,3), total_codigo BIGINT, "
        "soma_qtd_teorica BIGINT, dias_desde_carteira INT, Data DATE, Setor STRING) "
        f"USING parquet PARTITIONED BY (Data, Setor) LOCATION '{folder.as_uri()}/refined'"
    )
    spark.sql("MSCK REPAIR TABLE default.tb_ibov_refined")
    yield spark
    spark.sql("DROP TABLE default.tb_ibov_refined")


@pytest.fixture(scope="module")
def fresh(table: "SparkSession", request: pytest.FixtureRequest) -> nbformat.NotebookNode:
    """The notebook as it comes out of a run of now."""
    notebook = notebook_runner.read()
    notebook_runner.run(notebook, table)
    if request.config.getoption("--write-notebook"):
        notebook_runner.write(notebook)
    return notebook


@pytest.fixture(params=["fresh", "committed"])
def notebook(request: pytest.FixtureRequest) -> nbformat.NotebookNode:
    fresh = request.getfixturevalue("fresh")
    return fresh if request.param == "fresh" else notebook_runner.read()


def test_the_committed_texts_are_those_of_a_run(fresh: nbformat.NotebookNode) -> None:
    def texts(notebook: nbformat.NotebookNode) -> list[tuple[int | None, str]]:
        return [(cell.execution_count, notebook_runner.text(cell)) for cell in code(notebook)]

    assert texts(notebook_runner.read()) == texts(fresh)


def test_the_heaviest_sectors_are_those_of_the_last_session(
    notebook: nbformat.NotebookNode,
) -> None:
    short, whole = (cell_with(notebook, word) for word in ("%%sql\nSELECT Setor", "df.show("))
    top = heaviest(10)
    assert [row[0] for row in shown(whole)] == top
    assert [row[1] for row in shown(whole)] == [f"{sectors(LAST)[sector]:.3f}" for sector in top]
    counts = [sum(1 for row in portfolio(LAST) if row[0] == sector) for sector in top]
    assert [row[2] for row in shown(whole)] == [str(count) for count in counts]
    # As Athena's magic shows them.
    cut = [name if len(name) <= 20 else name[:17] + "..." for name in top]
    assert [row[0] for row in shown(short)] == cut


def test_the_changes_are_those_between_the_first_and_the_last_session(
    notebook: nbformat.NotebookNode,
) -> None:
    first, last = sectors(SESSIONS[0]), sectors(LAST)
    changes = sorted(last, key=lambda sector: (-abs(last[sector] - first[sector]), sector))[:5]
    wanted = [[name, first[name], last[name], last[name] - first[name]] for name in changes]
    rows = shown(cell_with(notebook, "variacao"))
    assert [[row[0], *map(Decimal, row[1:])] for row in rows] == wanted


def test_every_session_sums_up_to_a_hundred(notebook: nbformat.NotebookNode) -> None:
    rows = shown(cell_with(notebook, "AS soma\n"))
    wanted = [str(len(sectors(LAST))), str(len(portfolio(LAST))), "100.000"]
    assert rows == [[str(day), *wanted] for day in reversed(SESSIONS)]


def test_the_bar_chart_has_a_bar_for_each_sector(notebook: nbformat.NotebookNode) -> None:
    (picture,) = notebook_runner.pictures(cell_with(notebook, "plt.bar("))
    bars = bars_of(pixels(picture), "tab:blue")
    assert len(bars) == BARS
    assert bars == sorted(bars, reverse=True), "the bars do not stand in the order of the table"
    weights = [float(sectors(LAST)[sector]) for sector in heaviest(BARS)]
    for height, weight in zip(bars, weights, strict=True):
        assert height / bars[0] == pytest.approx(weight / weights[0], abs=0.01)


def test_the_line_chart_has_a_line_for_each_sector(notebook: nbformat.NotebookNode) -> None:
    (picture,) = notebook_runner.pictures(cell_with(notebook, "plt.plot("))
    image = pixels(picture)
    colours = ("tab:blue", "tab:orange", "tab:green", "tab:red", "tab:purple")
    widths = [np.ptp(np.flatnonzero(is_colour(image, colour).any(axis=0))) for colour in colours]
    assert len(widths) == LINES
    # From the first session to the last one, and then in the legend.
    assert min(widths) > image.shape[1] / 3
    assert not is_colour(image, "tab:brown").any(), "there is a sixth line"


def test_a_cell_that_fails_fails_the_run(table: "SparkSession") -> None:
    broken = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("%%sql\nSELECT nothing")])
    with pytest.raises(Exception, match="nothing"):
        notebook_runner.run(broken, table)


def code(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def cell_with(notebook: nbformat.NotebookNode, words: str) -> nbformat.NotebookNode:
    (cell,) = (cell for cell in code(notebook) if words in cell.source)
    return cell


def shown(cell: nbformat.NotebookNode) -> list[list[str]]:
    """The rows of a table as `show()` draws it, without its header."""
    lines = [line for line in notebook_runner.text(cell).splitlines() if line.startswith("|")]
    return [[field.strip() for field in line.strip("|").split("|")] for line in lines[1:]]


def pixels(picture: bytes) -> Any:
    """Height x width x red, green and blue from 0 to 1."""
    return matplotlib.image.imread(io.BytesIO(picture))[:, :, :3]


def is_colour(image: Any, colour: str) -> Any:
    return np.abs(image - np.array(to_rgb(colour))).max(axis=2) < 0.02


def bars_of(image: Any, colour: str) -> list[int]:
    """The heights of the bars, from left to right: runs of columns that hold the colour."""
    heights = is_colour(image, colour).sum(axis=0)
    runs = re.finditer("1+", "".join("1" if height else "0" for height in heights))
    return [int(np.median(heights[run.start() : run.end()])) for run in runs]

"""Runs the notebook's cells on a local Spark, with the magics that Athena's notebooks have.

IPython runs each cell. Athena has two magics that IPython lacks: `%%sql` prints what `.show()` of
the query's data frame prints, and `%matplot plt` shows matplotlib's current picture.
"""

import base64
import io
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import nbformat
from IPython.core.interactiveshell import InteractiveShell
from IPython.display import Image, display
from IPython.utils.capture import capture_output
from nbformat.v4 import new_output
from pyspark.sql import SparkSession

NOTEBOOK = Path(__file__).parents[1] / "ibov.ipynb"


def read(path: Path = NOTEBOOK) -> nbformat.NotebookNode:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    return notebook


def write(notebook: nbformat.NotebookNode, path: Path = NOTEBOOK) -> None:
    nbformat.validate(notebook)
    nbformat.write(notebook, path)


def run(notebook: nbformat.NotebookNode, spark: SparkSession) -> None:
    """Replaces the outputs of all cells by those of this run.

    Raises what a cell raises.
    """
    mpl.use("agg")
    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance(user_ns={"spark": spark})
    shell.register_magic_function(lambda _, sql: spark.sql(sql).show(), "cell", "sql")
    shell.register_magic_function(show_picture, "line", "matplot")
    try:
        cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
        for count, cell in enumerate(cells, start=1):
            cell.execution_count = count
            cell.outputs = run_cell(shell, cell.source)
    finally:
        InteractiveShell.clear_instance()


def run_cell(shell: InteractiveShell, source: str) -> list[nbformat.NotebookNode]:
    with capture_output() as captured:
        result = shell.run_cell(source)
    result.raise_error()
    outputs = []
    if captured.stdout:
        outputs.append(new_output("stream", name="stdout", text=captured.stdout))
    for shown in captured.outputs:
        outputs.append(new_output("display_data", data=shown.data, metadata=shown.metadata))
    return outputs


def show_picture(words: str) -> None:
    """Athena's magic is given the name under which pyplot was imported."""
    if words.strip() != "plt":
        raise ValueError(f"%matplot {words} shows nothing; say %matplot plt")
    picture = io.BytesIO()
    # Without matplotlib's version, an unchanged picture stays the same file after an update.
    plt.savefig(picture, format="png", metadata={"Software": None})
    plt.close("all")
    display(Image(data=picture.getvalue(), format="png"))


def pictures(cell: nbformat.NotebookNode) -> list[bytes]:
    """The PNG files among a cell's outputs."""
    shown: list[Any] = [output.get("data", {}).get("image/png") for output in cell.outputs]
    return [base64.b64decode(picture) for picture in shown if picture]


def text(cell: nbformat.NotebookNode) -> str:
    return "".join(output.text for output in cell.outputs if output.output_type == "stream")

"""The template holds what the SQL files say."""

from pathlib import Path

import pytest

import write_template
from sql_files import View, read_query, read_view


def test_the_template_is_what_the_files_say() -> None:
    assert write_template.main(["--check"]) == 0


def test_a_template_that_says_something_else_is_noticed_and_written_anew(tmp_path: Path) -> None:
    template = tmp_path / "template.yaml"
    wanted = write_template.TEMPLATE.read_text()
    template.write_text(wanted.replace("LIMIT 10", "LIMIT 11"))
    assert write_template.main(["--check"], template) == 1
    assert write_template.main([], template) == 0
    assert template.read_text() == wanted


@pytest.mark.parametrize("sign", ['"', "\\", "${", "--", "/*"])
def test_a_view_that_json_or_sub_would_change_is_refused(sign: str) -> None:
    view = View("vw", "What it is for.", (), f"SELECT 1 AS um {sign}")
    with pytest.raises(ValueError, match="view vw may not hold"):
        write_template.view_resource(view)


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (read_query, "SELECT 1\n"),
        (read_query, "-- What it is for.\n"),
        (read_query, "-- What it is for.\n-- 2: session\nSELECT ?\n"),
        (read_query, "-- What it is for.\n-- a session\nSELECT ?\n"),
        (read_view, "-- What it is for.\n-- setor: Sector\nSELECT setor FROM t\n"),
    ],
)
def test_a_heading_that_is_no_heading_is_refused(read, text: str, tmp_path: Path) -> None:  # noqa: ANN001
    path = tmp_path / "query.sql"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"query\.sql"):
        read(path)

"""Writes the views and named queries of this folder's SQL files into the template.

    python infra/athena/write_template.py            # after a change of an SQL file
    python infra/athena/write_template.py --check    # fails if the template holds something else

The resources between the two marks in `infra/template.yaml` are written here and nowhere else.
"""

import argparse
import sys
from pathlib import Path

from sql_files import FOLDER, Query, View, queries, views

TEMPLATE = FOLDER.parent / "template.yaml"
BEGIN = "  # From here on infra/athena/write_template.py writes what the SQL files beside it say.\n"
END = "  # So far what infra/athena/write_template.py writes.\n"
# How Athena calls the types that the Glue catalog calls otherwise.
ATHENA_TYPES = {"string": "varchar", "int": "integer"}


def written() -> str:
    """The resources, as text of the template."""
    resources = [view_resource(view) for view in views()]
    resources += [query_resource(query) for query in queries()]
    text = "\n".join(resources)
    if not text.isascii():
        # CloudFormation gives a template back with a question mark for each other character.
        raise ValueError(
            f"not ASCII: {''.join(sorted({each for each in text if ord(each) > 127}))}"
        )
    return text


def view_resource(view: View) -> str:
    forbidden = [sign for sign in ('"', "\\", "${", "--", "/*") if sign in view.sql]
    if forbidden:
        # The statement becomes one line inside JSON inside Fn::Sub.
        raise ValueError(f"view {view.name} may not hold {' or '.join(forbidden)}")
    columns = "\n".join(
        f"            - {{Name: {column.name}, Type: {quoted(column.type)}, "
        f"Comment: {quoted(column.meaning)}}}"
        for column in view.columns
    )
    # Lines of a folded text are joined by spaces as long as all are indented alike.
    types = ",\n".join(
        f'                {{"name": "{column.name}", "type": "{athena_type(column.type)}"}}'
        for column in view.columns
    )
    sql = "\n".join(f"                {line.strip()}" for line in view.sql.splitlines())
    return f"""\
  {logical_id(view.name)}:
    Type: AWS::Glue::Table
    Properties:
      CatalogId: !Ref AWS::AccountId
      DatabaseName: !If [CreatesDatabase, !Ref GlueDatabase, !Ref DatabaseName]
      TableInput:
        Name: {view.name}
        Description: {quoted(view.description)}
        TableType: VIRTUAL_VIEW
        Parameters: {{presto_view: 'true', comment: Presto View}}
        StorageDescriptor:
          # Athena wants one, and has no use for it.
          SerdeInfo: {{Name: '-', SerializationLibrary: '-'}}
          Columns:
{columns}
        ViewExpandedText: /* Presto View */
        ViewOriginalText: !Join
          - ' '
          - - '/* Presto View:'
            - Fn::Base64: !Sub >-
                {{"catalog": "awsdatacatalog", "schema": "${{DatabaseName}}", "columns": [
{types}
                ], "originalSql": "
{sql}
                "}}
            - '*/'
"""


def query_resource(query: Query) -> str:
    text = "\n".join(f"        {line}".rstrip() for line in query.text.splitlines())
    return f"""\
  {logical_id(query.name)}Query:
    Type: AWS::Athena::NamedQuery
    Properties:
      Name: {query.name}
      Description: {quoted(query.description)}
      WorkGroup: !Ref QueryWorkGroup
      Database: !Ref DatabaseName
      QueryString: |
{text}
"""


def logical_id(name: str) -> str:
    return "".join(word.capitalize() for word in name.replace("-", "_").split("_"))


def athena_type(glue_type: str) -> str:
    return ATHENA_TYPES.get(glue_type, glue_type)


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def replaced(template: str) -> str:
    """The template with the resources written anew."""
    before, begin, rest = template.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{TEMPLATE} lacks the mark {(END if begin else BEGIN).strip()!r}")
    return f"{before}{BEGIN}\n{written()}\n{END}{after}"


def main(argv: list[str], path: Path = TEMPLATE) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; fail on a difference")
    arguments = parser.parse_args(argv)
    found = path.read_text(encoding="utf-8")
    wanted = replaced(found)
    if found == wanted:
        return 0
    if arguments.check:
        sys.stderr.write(f"{path} is not what the SQL files say: run {Path(__file__).name}\n")
        return 1
    path.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""The Grafana dashboard of the lake, as code. It writes `ibov_dashboard.json`:

    .ibov/venv/bin/python infra/grafana/ibov_dashboard.py

Each panel asks Athena one query of `panels/`, through Grafana's Athena data source. What people
read is in Portuguese: the dashboard is for analysts.
"""

import json
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "local"))

import reader_packages

reader_packages.make_importable()

from grafana_foundation_sdk.builders import athena, barchart, dashboard, stat, table, timeseries
from grafana_foundation_sdk.builders import common as options
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import common
from grafana_foundation_sdk.models.athena import FormatOptions
from grafana_foundation_sdk.models.dashboard import DataSourceRef, DynamicConfigValue

JSON_FILE = HERE / "ibov_dashboard.json"
# The dashboard asks which data source to use; database and workgroup are that data source's.
ATHENA = DataSourceRef(type_val="grafana-athena-datasource", uid="${athena}")
# How the plugin writes "what the data source is set to".
DEFAULT = "__default"


def query(panel: str, format_val: FormatOptions = FormatOptions.TABLE) -> athena.Dataquery:
    connection = athena.ConnectionArgs().region(DEFAULT).catalog(DEFAULT).database(DEFAULT)
    # The table changes once or twice a day: an answer of the last hour is as good, and costs
    # nothing.
    connection = connection.result_reuse_enabled(True).result_reuse_max_age_in_minutes(60)
    sql = (HERE / "panels" / f"{panel}.sql").read_text().strip()
    target = athena.Dataquery().raw_sql(sql).format(format_val).ref_id("A")
    return target.connection_args(connection).datasource(ATHENA)


def figure(title: str, panel: str) -> stat.Panel:
    """One value, whether a number or a text."""
    any_field = options.ReduceDataOptions().calcs(["lastNotNull"]).fields("/.*/").values(False)
    made = stat.Panel().title(title).datasource(ATHENA).with_target(query(panel))
    made = made.reduce_options(any_field).graph_mode(common.BigValueGraphMode.NONE)
    return made.height(4).span(6)


def bars(title: str, panel: str, name: str) -> barchart.Panel:
    made = barchart.Panel().title(title).datasource(ATHENA).with_target(query(panel))
    made = made.x_field(name).orientation(common.VizOrientation.HORIZONTAL)
    made = made.legend(options.VizLegendOptions().show_legend(False))
    return made.unit("percent").decimals(3).height(16).span(12)


def lines(title: str, panel: str) -> timeseries.Panel:
    made = timeseries.Panel().title(title).datasource(ATHENA)
    made = made.with_target(query(panel, FormatOptions.TIME_SERIES))
    # A range may hold one session alone, which is a point and no line.
    made = made.show_points(common.VisibilityMode.ALWAYS)
    legend = options.VizLegendOptions().show_legend(True)
    legend = legend.display_mode(common.LegendDisplayMode.LIST)
    made = made.legend(legend.placement(common.LegendPlacement.BOTTOM))
    return made.unit("percent").decimals(3).height(16).span(12)


def rows(title: str, panel: str, *weights: str) -> table.Panel:
    made = table.Panel().title(title).datasource(ATHENA).with_target(query(panel))
    percent = [DynamicConfigValue("unit", "percent"), DynamicConfigValue("decimals", 3)]
    for weight in weights:
        made = made.override_by_name(weight, percent)
    return made.show_header(True).height(12).span(12)


def build() -> str:
    source = dashboard.DatasourceVariable("athena").label("Athena").type(ATHENA.type_val)
    weights = ("peso_inicial", "peso_final", "variacao")
    made = (
        dashboard.Dashboard("IBOV por setor")
        .uid("ibov-por-setor")
        .description("Carteira teórica do IBOV, lida do lake pelo Athena.")
        .tags(["ibov"])
        # A session is a point at midnight UTC. In Brazilian time it would be the evening before.
        .timezone("utc")
        .time("now-30d", "now")
        .with_variable(source)
        .with_panel(figure("Último pregão", "last-session"))
        .with_panel(figure("Dias desde o último pregão", "age"))
        .with_panel(figure("Papéis", "constituents"))
        .with_panel(figure("Soma dos pesos", "total-weight").unit("percent").decimals(3))
        .with_panel(bars("Peso por setor no último pregão", "sectors", "setor"))
        .with_panel(lines("Peso por setor ao longo do tempo", "sectors-over-time"))
        .with_panel(rows("Variação do peso no período", "sector-changes", *weights))
        .with_panel(rows("Ações de maior peso no último pregão", "heaviest-stocks", "peso"))
        .with_panel(lines("Concentração", "concentration").span(24))
        .build()
    )
    return json.dumps(made, cls=JSONEncoder, ensure_ascii=False, indent=2, sort_keys=True) + "\n"


if __name__ == "__main__":
    JSON_FILE.write_text(build(), encoding="utf-8")

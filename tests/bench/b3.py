"""B3's server, which answers every request with the sample portfolio, dated today."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import portfolios
import servers

BRASILIA = timedelta(hours=-3)


class B3(servers.Server):
    def __init__(self, sample: Path) -> None:
        super().__init__(B3Handler)
        today = (datetime.now(UTC) + BRASILIA).date()
        # The fetcher takes no answer that is dated long ago.
        [session] = portfolios.sessions(1, today)
        self.answer_body = portfolios.dated(sample.read_text(encoding="utf-8"), session).encode()


class B3Handler(servers.Handler):
    server: B3

    def do_GET(self) -> None:  # noqa: N802 — http.server's name
        headers = {"Content-Type": "application/json; charset=utf-8"}
        self.answer(200, self.server.answer_body, headers)

"""B3's server, which answers every request with the sample portfolio."""

from pathlib import Path

import servers


class B3(servers.Server):
    def __init__(self, sample: Path) -> None:
        super().__init__(B3Handler)
        self.answer_body = sample.read_bytes()


class B3Handler(servers.Handler):
    server: B3

    def do_GET(self) -> None:  # noqa: N802 — http.server's name
        headers = {"Content-Type": "application/json; charset=utf-8"}
        self.answer(200, self.server.answer_body, headers)

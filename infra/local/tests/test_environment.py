"""What of the user's shell the functions see."""

import sys
from pathlib import Path

import pytest

from emulator_process import LOCAL

sys.path.insert(0, str(LOCAL / "emulator"))

import environment


def test_proxies_are_given_as_the_user_names_them_and_never_for_the_loopback(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in (*environment.PROXIES, "NO_PROXY"):
        for spelling in (name, name.lower()):
            monkeypatch.delenv(spelling, raising=False)
    assert environment.proxies() == {}
    monkeypatch.setenv("https_proxy", "http://proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", "intranet.example")
    monkeypatch.setenv("HTTP_PROXY", "")
    assert environment.proxies() == {
        "https_proxy": "http://proxy.example:3128",
        "NO_PROXY": "intranet.example,127.0.0.1,localhost",
        "no_proxy": "intranet.example,127.0.0.1,localhost",
    }


def test_named_root_certificates_reach_the_functions_and_an_empty_name_does_not(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "")
    monkeypatch.setenv("SSL_CERT_DIR", "/company/roots")
    seen = environment.for_server(1, tmp_path)
    assert seen["SSL_CERT_DIR"] == "/company/roots"
    assert "SSL_CERT_FILE" not in seen

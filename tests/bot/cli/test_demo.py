from __future__ import annotations

import signal
import socket
import subprocess
import sys
import webbrowser

import pytest

from bot.cli import demo, main, simulation
from bot.cli.demo import is_at_a_desktop
from bot.configuration import Configuration
from tests.bot.cli.support import environment, error_sentence


def test_a_missing_extra_is_named(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "simcord", None)
    monkeypatch.delitem(sys.modules, "bot.cli.simulation", raising=False)
    monkeypatch.delattr("bot.cli.simulation", raising=False)  # where another test has imported it before
    assert main(["demo"]) == 2
    assert error_sentence(capsys) == 'The demo needs more packages: run `pip install "emobot[demo]"`.'


@pytest.mark.usefixtures("stub_models")
def test_a_taken_port_is_reported_with_status_1(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert main(["demo", "--port", str(port)]) == 1
    assert error_sentence(capsys) == f"Port {port} is taken: choose another one with --port, or leave it out."


@pytest.mark.parametrize(
    ("platform", "terminal", "environment", "opens"),
    [
        ("linux", True, {"DISPLAY": ":0"}, True),
        ("linux", True, {"WAYLAND_DISPLAY": "wayland-0"}, True),
        ("linux", True, {}, False),
        ("linux", False, {"DISPLAY": ":0"}, False),
        ("darwin", True, {}, True),
        ("win32", True, {}, True),
        ("win32", False, {}, False),
        ("darwin", True, {"SSH_CONNECTION": "192.0.2.1 50000 192.0.2.2 22"}, False),
    ],
)
def test_browser_is_opened_only_with_a_display(
    platform: str, terminal: bool, environment: dict[str, str], opens: bool
) -> None:
    assert is_at_a_desktop(platform, terminal, environment) is opens


@pytest.mark.parametrize(("options", "opener"), [([], webbrowser.open), (["--no-browser"], None)])
def test_browser_opens_by_default(options: list[str], opener: object, monkeypatch: pytest.MonkeyPatch) -> None:
    openers: list[object] = []

    async def run(_configuration: Configuration, _port: int, open_browser: object) -> None:
        openers.append(open_browser)

    monkeypatch.setattr(simulation, "run", run)
    monkeypatch.setattr(demo, "is_at_a_desktop", lambda *_: True)
    assert main(["demo", *options]) == 0
    assert openers == [opener]


def test_ctrl_c_ends_the_demo_with_the_shipped_weights() -> None:
    """Even if a script started the demo in the background, which makes a process ignore SIGINT."""
    with subprocess.Popen(
        ["/bin/sh", "-c", 'trap "" INT; exec "$0" -m bot demo', sys.executable],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    ) as process:
        assert process.stdout
        assert process.stderr
        assert process.stdout.readline().startswith("Emobot is waiting for you at http://127.0.0.1:")
        process.send_signal(signal.SIGINT)
        try:
            assert process.wait(20) == 130
        finally:
            process.kill()
        assert process.stderr.read() == ""


@pytest.mark.usefixtures("stub_models", "quick_demo")
@pytest.mark.parametrize(("stop", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)])
def test_signals_end_the_demo(
    stop: signal.Signals, status: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise AssertionError("The demo does not handle the signal.")

    monkeypatch.setattr(demo, "is_at_a_desktop", lambda *_: True)
    monkeypatch.setattr(webbrowser, "open", lambda _: signal.raise_signal(stop))
    before = signal.signal(stop, fail)  # otherwise the signal would end the tests
    try:
        assert main(["demo"]) == status
    finally:
        signal.signal(stop, before)
    assert capsys.readouterr().err == ""

"""The files in deploy/ are accepted by their programs, and match the bot's settings."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bot.client import INTENTS
from bot.configuration import Configuration
from bot.i18n import LANGUAGES

yaml: Any = pytest.importorskip("yaml", reason="run `pip install -e '.[deploy]'` to check the files in deploy/")

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
SETTINGS = {field.metadata["variable"] for field in dataclasses.fields(Configuration)}
MANIFESTS = sorted(DEPLOY.glob("kubernetes/*.yaml"))
MAX_EXPOSURE = 20
"""The highest exposure level of the unit, of at most 100, that `systemd-analyze security` may report."""


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)


def script(name: str) -> Path:
    """Return a program that the extra `deploy` installs beside this Python."""
    found = Path(sys.executable).with_name(name)
    if not found.exists():
        pytest.skip(f"there is no {name} here: run `pip install -e '.[deploy]'`")
    return found


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    return loaded


@pytest.fixture(scope="module")
def resources() -> dict[str, Any]:
    """The Kubernetes resources by kind."""
    texts = [manifest.read_text(encoding="utf-8") for manifest in MANIFESTS]
    return {resource["kind"]: resource for text in texts for resource in yaml.safe_load_all(text)}


def test_containerfile_passes_hadolint() -> None:
    done = run(script("hadolint"), DEPLOY / "Containerfile")
    assert done.returncode == 0, done.stdout


def test_compose_accepts_the_compose_file() -> None:
    if importlib.util.find_spec("check_jsonschema") is None:
        pytest.skip("there is no check-jsonschema here: run `pip install -e '.[deploy]'`")
    check = (sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec")
    done = run(*check, DEPLOY / "compose.yaml")
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("manifest", MANIFESTS, ids=lambda path: path.name)
def test_manifests_match_the_kubernetes_schemas(manifest: Path) -> None:
    done = run(script("kubernetes-validate"), "--strict", manifest)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit with this Python in place of that of an installation, which systemd would not find."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("there is no systemd-analyze here, which comes with systemd")
    text = (DEPLOY / "emobot.service").read_text(encoding="utf-8")
    assert "/opt/emobot/bin/python" in text
    unit = tmp_path / "emobot.service"
    unit.write_text(text.replace("/opt/emobot/bin/python", sys.executable), encoding="utf-8")
    return unit


def test_systemd_accepts_the_unit(unit: Path) -> None:
    done = run("systemd-analyze", "verify", unit)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_unit_has_a_low_exposure_level(unit: Path) -> None:
    done = run("systemd-analyze", "security", "--offline=true", f"--threshold={MAX_EXPOSURE}", unit)
    if "unrecognized option" in done.stderr:
        pytest.skip("this systemd-analyze is older than version 250 and has no --offline")
    assert done.returncode == 0, done.stdout[-200:]


def test_every_setting_in_the_files_is_one_of_the_bots(compose: dict[str, Any], resources: dict[str, Any]) -> None:
    containerfile = (DEPLOY / "Containerfile").read_text(encoding="utf-8")
    [container] = resources["StatefulSet"]["spec"]["template"]["spec"]["containers"]
    named = {
        *re.findall(r"\b(EMOBOT_\w+)=", containerfile),
        *compose["services"]["bot"]["environment"],
        *(variable["name"] for variable in container["env"]),
    }
    assert {"EMOBOT_HEALTH_PORT", "DATABASE_URL", "SHARD_IDS"} <= named
    assert named - SETTINGS == set()


@pytest.mark.parametrize("file", ["Containerfile", "emobot.service"])
def test_deployed_bot_runs_without_docstrings(file: str) -> None:
    assert "PYTHONOPTIMIZE=2" in (DEPLOY / file).read_text(encoding="utf-8")


def test_image_uses_no_shell() -> None:
    _, _, image = (DEPLOY / "Containerfile").read_text(encoding="utf-8").partition("\nFROM scratch\n")
    assert re.findall(r"^RUN", image, re.MULTILINE) == []
    commands = re.findall(r"(?:CMD|ENTRYPOINT) (.*)", image)
    assert [json.loads(command)[0] for command in commands] == ["python3", "python3"]


def test_image_keeps_the_data_of_all_languages_of_the_bot() -> None:
    kept = re.findall(r"-not -name '(\w+)\*'", (DEPLOY / "Containerfile").read_text(encoding="utf-8"))
    assert [language for language in ("en", *LANGUAGES.values()) if language[:2] not in kept] == []


def test_pods_have_equally_many_shards(resources: dict[str, Any]) -> None:
    spec = resources["StatefulSet"]["spec"]
    [container] = spec["template"]["spec"]["containers"]
    variables = {variable["name"]: variable.get("value") for variable in container["env"]}
    assert variables["SHARD_IDS"] == f"auto/{spec['replicas']}"
    assert int(variables["SHARD_COUNT"]) % spec["replicas"] == 0


def test_files_contain_no_secret(compose: dict[str, Any], resources: dict[str, Any]) -> None:
    assert "Secret" not in resources
    [container] = resources["StatefulSet"]["spec"]["template"]["spec"]["containers"]
    for variable in container["env"]:
        assert ("secretKeyRef" in variable.get("valueFrom", {})) == (
            variable["name"] in ("DISCORD_TOKEN", "DATABASE_URL")
        )
    assert compose["services"]["bot"]["environment"]["DISCORD_TOKEN"].startswith("${DISCORD_TOKEN:?")


def test_compose_passes_every_setting_of_env_except_the_database(compose: dict[str, Any]) -> None:
    bot = compose["services"]["bot"]
    assert bot["env_file"] == [{"path": ".env", "required": False}]
    assert set(bot["environment"]) == {"DISCORD_TOKEN", "DATABASE_URL"}  # which take precedence


def test_files_mounted_by_compose_exist(compose: dict[str, Any]) -> None:
    mounts = [mount for service in compose["services"].values() for mount in service.get("volumes", [])]
    files = [mount.split(":")[0] for mount in mounts if mount.startswith("./")]
    assert len(files) >= 4
    missing = [file for file in files if not (DEPLOY / file).exists() and file != "./gateway-proxy.json"]
    assert missing == []  # that file has the token, so it is not in the repository


def test_gateway_proxy_has_the_intents_of_the_bot() -> None:
    example = json.loads((DEPLOY / "gateway-proxy.example.json").read_text(encoding="utf-8"))
    assert (example["intents"], example["token"]) == (INTENTS.value, "")
    # Without its own member in each server, the bot would not know what it may do there.
    assert {name for name, kept in example["cache"].items() if kept} == {
        *("channels", "roles", "emojis", "current_member")
    }


def test_gateway_proxy_has_every_required_setting(compose: dict[str, Any]) -> None:
    example = json.loads((DEPLOY / "gateway-proxy.example.json").read_text(encoding="utf-8"))
    assert example["externally_accessible_url"] == f"ws://gateway-proxy:{example['port']}"
    assert "gateway-proxy" in compose["services"]
    assert set(example["cache"]) == {
        *("channels", "presences", "emojis", "current_member", "members", "roles", "scheduled_events"),
        *("stage_instances", "stickers", "users", "voice_states"),
    }

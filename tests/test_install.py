"""`.ci/install`, which make runs: what is missing is installed where that takes no password, else it is named."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

INSTALL = Path(__file__).parents[1] / ".ci/install"
#: Installs what it is asked for, which then is on PATH, except for what is not to be had.
APT = """#!/bin/sh
for last; do :; done
case $last in -qq | none) exit 1 ;; esac
echo '#!/bin/sh' >"$BIN/$last"
/bin/chmod +x "$BIN/$last"
"""


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """Give the folder of programs of a machine that has no other."""
    (tmp_path / "env").symlink_to("/usr/bin/env")
    _program(tmp_path / "beanstalkd", "#!/bin/sh\n")
    _program(tmp_path / "apt-get", APT)
    return tmp_path


def _program(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


def _install(machine: Path, user: int, *packages: str) -> tuple[str, str]:
    _program(machine / "id", f"#!/bin/sh\necho {user}\n")
    environment = {"PATH": str(machine), "BIN": str(machine)}
    ended = subprocess.run(["/bin/sh", INSTALL, *packages], capture_output=True, text=True, env=environment, check=True)
    return ended.stdout, ended.stderr


def test_what_is_there_is_left_alone(machine: Path) -> None:
    assert _install(machine, 0, "beanstalkd") == ("", "")


def test_root_gets_what_can_be_had_and_is_told_the_rest(machine: Path) -> None:
    out, err = _install(machine, 0, "beanstalkd", "none", "tmux")
    assert out == "installing none tmux ...\n"
    assert err == "please install none (Debian and Ubuntu: sudo apt-get install none)\n"
    assert (machine / "tmux").exists()


def test_who_would_need_a_password_is_told_what_to_install(machine: Path) -> None:
    out, err = _install(machine, 1000, "beanstalkd", "tmux")
    assert (out, err) == ("", "please install tmux (Debian and Ubuntu: sudo apt-get install tmux)\n")

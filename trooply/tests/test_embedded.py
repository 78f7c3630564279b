"""The launcher runs for real here: with a var folder of its own, real servers, real signals."""

import io
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
import redis

from trooply.embedded.console import Console
from trooply.embedded.environment import complete_environment, read_environment, write_environment
from trooply.embedded.errors import EmbeddedError
from trooply.embedded.home import prepare_home
from trooply.embedded.process import Program
from trooply.embedded.supervisor import Supervisor

REPOSITORY = Path(__file__).parents[2]
SLEEP = (sys.executable, "-c", "import time; time.sleep(600)")
SHOW_ENVIRONMENT = (sys.executable, "-c", "import json, os; print(json.dumps(dict(os.environ)))")
SERVERS = {"DATABASE_URL": "postgres://embedded", "REDIS_URL": "unix://embedded"}
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become somebody else")


def complete(given, *, var=Path("/var/empty")):
    return complete_environment({"SECRET_KEY": "given", **given}, var=var, servers=SERVERS)


@pytest.fixture
def var():
    """A folder that other users can reach, unlike those of pytest, with a short path."""
    folder = Path(tempfile.mkdtemp(prefix="trooply-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree((folder / "servers").resolve(), ignore_errors=True)
    shutil.rmtree(folder)


@pytest.fixture
def launch(var):
    """Starts launchers in an environment where nobody has set anything; none of them outlives the test."""
    ours = {*complete({}), "MAKELEVEL"}
    inherited = {name: value for name, value in os.environ.items() if name not in ours}
    launchers = []

    def start(*command, at=var, options=("--throwaway",), **environment):
        launcher = subprocess.Popen(
            [sys.executable, "-m", "trooply.embedded", "--var", at, *options, "--", *command],
            env={**inherited, **environment},
            cwd=REPOSITORY,
            stdout=subprocess.PIPE,
            text=True,
        )
        launchers.append(launcher)
        return launcher

    yield start
    for launcher in launchers:
        launcher.terminate()
        launcher.communicate(timeout=30)


@pytest.fixture
def run(launch):
    """Runs a command beside the servers; its exit code and output."""

    def run(*command, **options):
        launcher = launch(*command, **options)
        output, _ = launcher.communicate(timeout=60)
        return launcher.returncode, output

    return run


@pytest.fixture
def launch_servers(launch, var):
    """Starts a launcher and waits until its servers are ready."""

    def launch_servers(**options):
        (var / "env").unlink(missing_ok=True)
        launcher = launch(*SLEEP, **options)
        wait_until((var / "env").exists)
        return launcher

    return launch_servers


def wait_until(happened):
    deadline = time.monotonic() + 30
    while not happened():
        assert time.monotonic() < deadline, "it has not happened within 30 s"
        time.sleep(0.05)


def is_alive(pid):
    """A zombie, whose new parent may never ask for it, is dead."""
    status = Path(f"/proc/{pid}/status")
    return status.exists() and "State:\tZ" not in status.read_text()


def postgres_pid(var):
    return int((var / "servers/postgres/postmaster.pid").read_text().split()[0])


def connect_postgres(var):
    return psycopg.connect(read_environment(var / "env")["DATABASE_URL"], autocommit=True)


def connect_valkey(var):
    client = redis.Redis.from_url(read_environment(var / "env")["REDIS_URL"], decode_responses=True)
    client.ping()
    return client


def answers(connect, var):
    try:
        connect(var).close()
    except (psycopg.OperationalError, redis.ConnectionError):
        return False
    return True


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_a_command_finds_both_servers_and_gives_its_exit_code(run):
    code = (
        "import os, psycopg, redis, sys\n"
        "with psycopg.connect(os.environ['DATABASE_URL']) as connection:\n"
        "    connection.execute('CREATE EXTENSION vector')\n"
        "    print(connection.execute(\"SELECT '[1,2]'::vector <-> '[1,4]'\").fetchone()[0])\n"
        "with redis.Redis.from_url(os.environ['REDIS_URL']) as client:\n"
        "    print(client.ping())\n"
        "sys.exit(7)"
    )
    assert run(sys.executable, "-c", code) == (7, "2.0\nTrue\n")


def test_a_second_command_attaches_and_stops_nothing(launch_servers, run, var):
    owner = launch_servers(PORT="8123")
    pid = postgres_pid(var)

    exit_code, output = run(*SHOW_ENVIRONMENT)

    assert exit_code == 0
    assert json.loads(output).items() >= read_environment(var / "env").items()
    assert json.loads(output)["PORT"] == "8123"
    assert postgres_pid(var) == pid
    assert connect_valkey(var).ping()
    owner.terminate()
    assert owner.wait(30) == 128 + signal.SIGTERM
    assert not is_alive(pid)


def test_commands_that_start_together_share_one_server(launch, var):
    script = f"touch {var}/begun-$$; while [ ! -e {var}/end ]; do sleep 0.05; done"
    launchers = [launch("sh", "-c", script) for _ in range(3)]
    wait_until(lambda: len(list(var.glob("begun-*"))) == 3)

    (var / "end").touch()

    assert [launcher.wait(30) for launcher in launchers] == [0, 0, 0]
    assert (var / "log/postgres.log").read_text().count("ready to accept connections") == 1


def test_killing_the_launcher_leaves_no_process_and_loses_no_data(launch_servers, var):
    launcher = launch_servers(options=())
    with connect_postgres(var) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        backend = connection.info.backend_pid
    client = connect_valkey(var)
    client.set("answer", 42)
    children = Path(f"/proc/{launcher.pid}/task/{launcher.pid}/children").read_text().split()
    assert len(children) == 3
    launcher.kill()
    launcher.communicate()

    launch_servers(options=())

    assert [pid for pid in [*children, backend] if is_alive(pid)] == []
    with connect_postgres(var) as connection:
        assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)
    assert connect_valkey(var).get("answer") == "42"


def test_a_killed_server_comes_back_at_its_address(launch_servers, var):
    launch_servers(options=())
    connect_valkey(var).set("answer", 42)
    old_postgres, old_valkey = postgres_pid(var), connect_valkey(var).info("server")["process_id"]

    os.kill(old_postgres, signal.SIGKILL)
    os.kill(old_valkey, signal.SIGKILL)

    wait_until(lambda: not is_alive(old_postgres) and not is_alive(old_valkey))
    wait_until(lambda: answers(connect_postgres, var))
    wait_until(lambda: answers(connect_valkey, var))
    assert connect_valkey(var).get("answer") == "42"
    assert connect_valkey(var).info("server")["process_id"] != old_valkey


def test_a_pid_file_that_names_another_process_is_no_obstacle(run, var):
    assert run("true")[0] == 0
    data = var / "servers/postgres"
    owner = data.stat()
    bystander = subprocess.Popen(["sleep", "600"], user=owner.st_uid)
    (data / "postmaster.pid").write_text(f"{bystander.pid}\n{data}\n")
    (var / "servers/sockets/.s.PGSQL.5432.lock").write_text(f"{bystander.pid}\n{data}\n")

    assert run("true")[0] == 0

    assert bystander.poll() is None
    bystander.kill()
    bystander.wait()


def test_addresses_that_are_set_start_nothing(run, var):
    given = {"DATABASE_URL": "postgres://elsewhere/shop", "REDIS_URL": "redis://elsewhere"}
    exit_code, output = run(*SHOW_ENVIRONMENT, **given)
    assert exit_code == 0
    assert json.loads(output).items() >= given.items()
    assert not (var / "servers/postgres").exists()
    assert list((var / "log").iterdir()) == []


def test_secrets_and_data_are_private_and_the_secret_key_is_kept(run, var):
    run("true")
    first = read_environment(var / "env")["SECRET_KEY"]
    run("true")
    assert read_environment(var / "env")["SECRET_KEY"] == first
    assert len(first) == 67
    assert [mode(var / name) for name in ("env", "secret-key")] == [0o600, 0o600]
    assert [mode(var / "servers" / name) for name in (".", "postgres", "valkey", "sockets")] == [0o700] * 4


def test_a_long_path_has_its_sockets_in_the_temporary_folder(run, var):
    deep = var / ("long" * 25)
    deep.mkdir(mode=0o755)
    exit_code, output = run(*SHOW_ENVIRONMENT, at=deep)
    sockets = prepare_home(deep).sockets
    assert exit_code == 0
    assert json.loads(output)["REDIS_URL"] == f"unix://{tempfile.gettempdir()}/{sockets.name}/valkey.sock"
    assert mode(sockets) == 0o700
    shutil.rmtree(sockets)


@needs_root
def test_below_a_closed_folder_root_keeps_the_data_elsewhere(run, var):
    var.chmod(0o700)
    assert run("true")[0] == 0
    elsewhere = (var / "servers").resolve()
    assert elsewhere.parent == Path("/var/lib")
    assert (elsewhere / "postgres/PG_VERSION").exists()


@needs_root
def test_a_wheel_below_a_closed_folder_is_copied_for_the_account(var, monkeypatch):
    site_packages = var / "closed"
    package = site_packages / "someserver"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (site_packages / "someserver-1.5.dist-info").mkdir()
    (site_packages / "someserver-1.5.dist-info/METADATA").write_text("Name: someserver\nVersion: 1.5\n")
    site_packages.chmod(0o700)
    monkeypatch.syspath_prepend(site_packages)
    home = prepare_home(var)

    installed = home.installed("someserver")

    assert installed == home.root / "programs/someserver-1.5/someserver"
    assert (installed / "__init__.py").exists()
    assert replace(home, account=None).installed("someserver") == package


def test_a_missing_wheel_is_named(var):
    with pytest.raises(EmbeddedError, match=r"no_such_server is not installed: pip install -r \S+\.txt"):
        prepare_home(var).installed("no_such_server")


@needs_root
def test_a_socket_folder_of_somebody_else_is_refused(var):
    sockets = prepare_home(var).sockets
    os.chown(sockets, 12345, 12345)
    with pytest.raises(EmbeddedError, match=f"{sockets} belongs to another user"):
        prepare_home(var)


def test_settings_that_nobody_gave_are_for_this_machine_alone(var):
    assert complete({}, var=var) == {
        **SERVERS,
        "VAR_DIR": str(var),
        "SECRET_KEY": "given",
        "PORT": "8000",
        "BASE_URL": "http://127.0.0.1:8000",
        "ALLOWED_HOSTS": "localhost,127.0.0.1,[::1]",
        "FETCH_ALLOWED_HOSTS": "127.0.0.1:8000",
        "DEBUG": "false",
        "LOG_LEVEL": "WARNING",
        "INSECURE_HTTP": "true",
    }


def test_settings_that_are_given_are_kept_and_our_own_pictures_stay_fetchable(var):
    given = {"PORT": "9000", "DATABASE_URL": "postgres://db/shop", "FETCH_ALLOWED_HOSTS": "images.example"}
    completed = complete(given, var=var)
    assert completed["DATABASE_URL"] == "postgres://db/shop"
    assert completed["REDIS_URL"] == SERVERS["REDIS_URL"]
    assert completed["BASE_URL"] == "http://127.0.0.1:9000"
    assert completed["FETCH_ALLOWED_HOSTS"] == "images.example,127.0.0.1:9000"
    assert complete(completed, var=var) == completed


def test_written_settings_are_read_again(var):
    settings = {"DATABASE_URL": "postgres://p:a=b@/shop?host=/tmp&port=5432", "EMPTY": ""}
    write_environment(var / "env", settings)
    assert read_environment(var / "env") == settings


def test_a_program_that_keeps_dying_ends_everything_with_its_log_named(var):
    output = io.StringIO()
    supervisor = Supervisor(Console(output), first_pause=0.0)
    log = var / "web.log"
    script = "echo no such table; exit 3"
    web = Program("web", ("sh", "-c", script), log, is_ready=lambda: False, echo=True)

    with pytest.raises(EmbeddedError) as error:
        supervisor.start(web)

    assert str(error.value) == f"web ended 5 times within a minute (exit code 3), see {log}"
    assert log.read_text() == "no such table\n" * 5
    assert output.getvalue().splitlines()[:2] == [
        "web         | no such table",
        "web         | ended (exit code 3), starting again in 0.0 s",
    ]


def test_programs_end_in_the_opposite_order_of_their_start(var):
    diary = var / "diary"
    trap = "trap 'echo $0 >> {diary}; exit' TERM; touch {ready}; while :; do sleep 0.02; done"
    supervisor = Supervisor(Console(io.StringIO()))
    for name in ("first", "second", "third"):
        ready = var / name
        script = trap.format(diary=diary, ready=ready)
        supervisor.start(Program(name, ("sh", "-c", script, name), var / "log", is_ready=ready.exists))

    supervisor.stop()

    assert diary.read_text().split() == ["third", "second", "first"]


def test_what_a_killed_program_started_dies_with_it(var):
    supervisor = Supervisor(Console(io.StringIO()))
    script = "sleep 600 & echo $! > child; kill -9 $$"
    with pytest.raises(EmbeddedError, match="orphaning failed \\(killed by SIGKILL\\)"):
        supervisor.run(Program("orphaning", ("sh", "-c", script), var / "log", folder=var))
    wait_until(lambda: not is_alive(int((var / "child").read_text())))


def test_a_program_deaf_to_signals_is_killed(var):
    ready = var / "ready"
    script = f"trap '' TERM; touch {ready}; while :; do sleep 0.02; done"
    supervisor = Supervisor(Console(io.StringIO()))
    supervisor.start(Program("deaf", ("sh", "-c", script), var / "log", is_ready=ready.exists, stops_within=0.2))
    supervisor.stop()


def test_a_program_that_is_never_ready_is_an_error(var):
    supervisor = Supervisor(Console(io.StringIO()))
    web = Program("web", SLEEP, var / "web.log", is_ready=lambda: False, ready_within=0.1)
    with pytest.raises(EmbeddedError, match=f"web is not ready after 0 s, see {var}/web.log"):
        supervisor.start(web)
    supervisor.stop()

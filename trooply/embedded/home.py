"""Where the servers live on this machine, and under which account."""

import hashlib
import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from trooply.embedded.errors import EmbeddedError

# sockaddr_un.sun_path holds 108 bytes on Linux and 104 on macOS, the closing NUL included.
LONGEST_SOCKET_PATH = 103
LONGEST_SOCKET_NAME = ".s.PGSQL.5432.lock"

# Only root writes there and everybody may look in, which /tmp and a home folder do not both offer.
ROOT_STATE_FOLDER = Path("/var/lib")


@dataclass(frozen=True)
class Account:
    """The user that runs the servers where we are root, which PostgreSQL refuses to be."""

    uid: int
    gid: int


@dataclass(frozen=True)
class Home:
    """The folders of the servers that belong to one var folder; account is None where they run as we do."""

    var: Path
    root: Path
    account: Account | None

    @property
    def sockets(self) -> Path:
        """The folder of both unix sockets: in the temporary folder where the path would be too long."""
        folder = self.root / "sockets"
        if len(bytes(folder / LONGEST_SOCKET_NAME)) <= LONGEST_SOCKET_PATH:
            return folder
        digest = hashlib.sha256(bytes(self.root)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"trooply-{digest}"

    def data(self, server: str) -> Path:
        """The data folder of one server."""
        return self.root / server

    def log(self, name: str) -> Path:
        """The log file of one process."""
        return self.var / "log" / f"{name}.log"

    def installed(self, package: str, *, libraries: str | None = None) -> Path:
        """The folder of a wheel, which is not imported; of a copy where the account could not reach it."""
        spec = importlib.util.find_spec(package)
        if spec is None or spec.origin is None:
            raise EmbeddedError(f"{package} is not installed: pip install -r requirements-serve.txt")
        folder = Path(spec.origin).parent
        if self.account is None or _anybody_may_enter(folder):
            return folder
        version = importlib.metadata.version(package)
        return self._copy(folder, version=version, libraries=libraries, account=self.account)

    def _copy(self, folder: Path, *, version: str, libraries: str | None, account: Account) -> Path:
        programs = self.root / "programs"
        copy = programs / f"{folder.name}-{version}"
        if not copy.exists():
            _make_private(programs, account=account)
            unfinished = programs / "unfinished"
            shutil.rmtree(unfinished, ignore_errors=True)
            for name in (folder.name, libraries):
                if name is not None:
                    shutil.copytree(folder.parent / name, unfinished / name)
            for path in (unfinished, *unfinished.rglob("*")):
                os.chown(path, account.uid, account.gid, follow_symlinks=False)
            unfinished.rename(copy)
        return copy / folder.name


def prepare_var(var: Path) -> Path:
    """Make the var folder where there is none; raises EmbeddedError if it is not ours."""
    var.mkdir(parents=True, exist_ok=True)
    if not os.access(var, os.W_OK):
        raise EmbeddedError(f"{var} belongs to another user: run this as that user, or remove it.")
    return var.resolve()


def prepare_home(var: Path) -> Home:
    """Make the folders of the servers below `var`, as private as PostgreSQL demands."""
    (var / "log").mkdir(exist_ok=True)
    root = var / "servers"
    if not root.exists():
        _make_root(root)
    root = root.resolve()
    account = _choose_account(root)
    home = Home(var=var, root=root, account=account)
    for folder in (root, home.data("valkey"), home.sockets):
        _make_private(folder, account=account)
    return home


def _make_root(root: Path) -> None:
    """A folder for the servers; a link to one elsewhere if root's other account could not reach it here."""
    if os.geteuid() != 0 or _anybody_may_enter(root.parent):
        root.mkdir()
        return
    root.unlink(missing_ok=True)
    root.symlink_to(tempfile.mkdtemp(prefix="trooply-", dir=ROOT_STATE_FOLDER))


def _choose_account(root: Path) -> Account | None:
    """Nobody else unless we are root; then whom the data belongs to already, or a system account."""
    if os.geteuid() != 0:
        return None
    owner = root.stat()
    if owner.st_uid != 0:
        return Account(uid=owner.st_uid, gid=owner.st_gid)
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(uid=entry.pw_uid, gid=entry.pw_gid)
    raise EmbeddedError("PostgreSQL does not run as root: add a user named postgres, or run this as a plain user.")


def _make_private(folder: Path, *, account: Account | None) -> None:
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    allowed = {os.geteuid()} if account is None else {0, account.uid}
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in allowed:
        raise EmbeddedError(f"{folder} belongs to another user: run this as that user, or remove it.")
    folder.chmod(0o700)
    if account is not None:
        os.chown(folder, account.uid, account.gid)


def _anybody_may_enter(folder: Path) -> bool:
    return all(path.stat().st_mode & stat.S_IXOTH for path in (folder, *folder.parents))

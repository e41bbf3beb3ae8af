"""What a demo makes for itself: secrets and ports, made once, kept in its data folder, readable by nobody else."""

import json
import os
import secrets
import socket
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from django.core.exceptions import ImproperlyConfigured

FILE = "demo.json"


@dataclass(frozen=True)
class Demo:
    """The generated values of one data folder; all empty in production."""

    secret_key: str = ""
    field_key: str = ""
    password: str = ""
    token: str = ""
    koodrive_token: str = ""
    postgres_password: str = ""
    owner_password: str = ""
    app_password: str = ""
    sealer_password: str = ""
    audit_key: str = ""
    valkey_password: str = ""
    postgres_port: int = 0
    valkey_port: int = 0
    sandbox_port: int = 0

    @property
    def redis_url(self) -> str:
        return f"redis://:{self.valkey_password}@127.0.0.1:{self.valkey_port}/0" if self.valkey_port else ""

    @property
    def sandbox_url(self) -> str:
        return f"http://127.0.0.1:{self.sandbox_port}" if self.sandbox_port else ""

    def database_url(self, role: str) -> str:
        """The embedded server's address for ``owner``, ``app`` or ``sealer``."""
        password = getattr(self, f"{role}_password")
        return f"postgresql://portal_{role}:{password}@127.0.0.1:{self.postgres_port}/portal"


NOTHING = Demo()


def load(folder: Path) -> Demo:
    """The demo kept in ``folder``, made at the first call; safe when several processes call it at once.

    Raises ImproperlyConfigured when the folder can't be written or the file isn't whole.
    """
    path = folder / FILE
    try:
        if not path.exists():
            folder.mkdir(mode=0o755, parents=True, exist_ok=True)
            _store(path, _generate(), overwrite=False)
        values = Demo(**json.loads(path.read_text(encoding="utf-8")))
        if not values.audit_key:  # made by a version that had no seals yet
            values = replace(values, audit_key=_new_audit_key())
            _store(path, values, overwrite=True)
        return values
    except OSError as error:
        raise ImproperlyConfigured(
            f"The data folder {folder} can't be used: {error.strerror}. Set PORTAL_DATA_DIR to a folder of yours."
        ) from error
    except (ValueError, TypeError) as error:
        raise ImproperlyConfigured(f"{path} is damaged; restore it, or remove the folder to start anew.") from error


def change_port(folder: Path, name: str) -> Demo:
    """Gives the server ``name`` (``postgres``, ``valkey`` or ``sandbox``) another free port and remembers it."""
    demo = replace(load(folder), **{f"{name}_port": free_port()})  # type: ignore[arg-type]
    _store(folder / FILE, demo, overwrite=True)
    return demo


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _generate() -> Demo:
    def password() -> str:
        return secrets.token_urlsafe(24)

    return Demo(
        secret_key=secrets.token_urlsafe(48),
        field_key=Fernet.generate_key().decode(),
        password=secrets.token_urlsafe(12),
        token="kdp_" + secrets.token_urlsafe(32),
        koodrive_token=secrets.token_hex(24),
        postgres_password=password(),
        owner_password=password(),
        app_password=password(),
        sealer_password=password(),
        audit_key=_new_audit_key(),
        valkey_password=password(),
        postgres_port=free_port(),
        valkey_port=free_port(),
        sandbox_port=free_port(),
    )


def _new_audit_key() -> str:
    key = Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def _store(path: Path, demo: Demo, *, overwrite: bool) -> None:
    """Writes the whole file or nothing; without ``overwrite`` the first of two writers wins."""
    draft = path.with_name(f"{FILE}.{os.getpid()}")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        json.dump(asdict(demo), file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    if overwrite:
        draft.rename(path)
        return
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        pass
    finally:
        draft.unlink()

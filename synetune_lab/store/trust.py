"""Who wrote a pickle: a keyed hash beside it, whose key only this user has.

A pickle runs code when it is loaded. The tuner's state is therefore loaded only if its keyed hash
was made with the key in this user's own configuration folder, or if the user says that the file
is trusted.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from pathlib import Path

from synetune_lab.store.content import Content

KEY_BYTES = 32


def key_path() -> Path:
    """Where this user's key is: below `$XDG_CONFIG_HOME`, else below `~/.config`."""
    root = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(root) / "synetune_lab" / "key"


def user_key() -> bytes:
    """This user's key; made on first use, readable by nobody else."""
    path = key_path()
    key = _read(path)
    if key is not None:
        return key
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    key = secrets.token_bytes(KEY_BYTES)
    draft = path.with_name(f".key.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(descriptor, key)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    try:
        # A link fails if another process was first; its key is then the one.
        os.link(draft, path)
    except FileExistsError:
        key = _read(path)
        if key is None:  # a damaged file, not a key: nothing signed with it can be checked anyway
            draft.replace(path)
            key = _read(path)
    except OSError:  # a file system without links
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    return key or _read(path) or b""


def _read(path: Path) -> bytes | None:
    try:
        key = path.read_bytes()
    except OSError:
        return None
    return key if len(key) == KEY_BYTES else None


def digest(content: bytes | Content) -> str:
    """The SHA-256 of a file's content, in hexadecimal."""
    sha256 = hashlib.sha256()
    for piece in content.pieces if isinstance(content, Content) else (content,):
        sha256.update(piece)
    return sha256.hexdigest()


def sign(statement: str) -> str:
    """The keyed hash of a statement about a file (its digest, generation and position)."""
    return hmac.new(user_key(), statement.encode(), hashlib.sha256).hexdigest()


def is_signed(statement: str, signature: str) -> bool:
    """Whether this user's key made `signature`. Makes no key."""
    key = _read(key_path())
    if key is None:
        return False
    expected = hmac.new(key, statement.encode(), hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected, signature)

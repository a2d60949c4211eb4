"""A scan group's state as one file: the records of its changelog, so that a replay can begin where a checkpoint was."""

from __future__ import annotations

import json
import tempfile
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import msgspec

from app.replay_answer import ReplayError
from engine.pieces import Header, Piece
from tables.blob import BlobError
from tables.ledger import MANIFEST, SEPARATOR, Ledger
from tables.manifest import decode_manifest

ABOUT: Final = "about.json"
FORM: Final = 1
Stored = dict[bytes, bytes]


@dataclass(frozen=True)
class About:
    """What the file says of itself. `positions`: of each partition with any state, where its results are whole."""

    form: int
    app_id: str
    topic: str
    partitions: int
    positions: dict[int, int]


@dataclass(frozen=True)
class SavedPartition:
    """The pieces, and what is in force where reading goes on. From `ready` on every symbol knows all before it."""

    pieces: list[Piece] = field(default_factory=list)
    header: Header = field(default_factory=Header)
    ready: int = 0


def resume(stored: Mapping[bytes, bytes], where: str) -> SavedPartition:
    """What a partition's records say. Raises ReplayError."""
    try:
        manifests = [value for key, value in stored.items() if key.startswith(f"{MANIFEST}{SEPARATOR}".encode())]
        shards = {decode_manifest(value).shards for value in manifests}
        if not shards:
            return SavedPartition()
        found = Ledger("replay", max(shards)).restore(stored)
    except (BlobError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ReplayError(f"{where}: {error}") from error
    position = max([found.header.position, *(piece.header.position for piece in found.pieces)])
    return SavedPartition(found.pieces, found.header, position + 1)


def write_state(path: Path, about: About, records: Mapping[int, Stored], force: bool = False) -> None:
    """Write the file as a whole or not at all. Raises ReplayError where there is one."""
    if path.exists() and not force:
        raise ReplayError(f"{path} exists; --force replaces it")
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(prefix=f".{path.name}-", dir=path.parent, delete=False) as made:
        try:
            with zipfile.ZipFile(made, "w", zipfile.ZIP_STORED) as archive:
                archive.writestr(ABOUT, json.dumps(msgspec.to_builtins(about, str_keys=True), indent=2))
                for partition, stored in records.items():
                    for key, value in stored.items():
                        archive.writestr(f"{partition}/{key.decode()}", value)
            Path(made.name).replace(path)
        except BaseException:
            with suppress(FileNotFoundError):
                Path(made.name).unlink()
            raise
    path.chmod(0o644)


def read_about(path: Path) -> About:
    """What the file says of itself. Raises ReplayError for one that is none."""
    with _opened(path) as archive:
        try:
            about = msgspec.json.decode(archive.read(ABOUT), type=About)
        except (KeyError, msgspec.MsgspecError) as error:
            raise ReplayError(f"{path} is no saved state: {error}") from error
    if about.form != FORM:
        raise ReplayError(f"{path} is of form {about.form}, this program reads form {FORM}")
    return about


def read_state(path: Path, partition: int) -> SavedPartition:
    """The state of one partition. Raises ReplayError."""
    prefix = f"{partition}/"
    with _opened(path) as archive:
        try:
            names = [name for name in archive.namelist() if name.startswith(prefix)]
            stored = {name.removeprefix(prefix).encode(): archive.read(name) for name in names}
        except zipfile.BadZipFile as error:
            raise ReplayError(f"{path}: {error}") from error
    return resume(stored, f"{path}, partition {partition}")


def _opened(path: Path) -> Any:
    try:
        return zipfile.ZipFile(path)
    except (OSError, zipfile.BadZipFile) as error:
        raise ReplayError(f"{path}: {error}") from error

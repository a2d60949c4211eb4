"""A saved state comes back as it was written; what is none is refused with a reason."""

import json
import zipfile
from pathlib import Path

import pytest

from app.replay_answer import ReplayError
from app.replay_state import FORM, About, SavedPartition, read_about, read_state, write_state
from engine.partition import Partition
from engine.pieces import Header
from infra.calendars import load_calendars
from schemas.batch import Chunk
from schemas.decode import decode_chunk
from tables.ledger import Ledger

T = 1_767_600_000_000_000_000
ABOUT = About(FORM, "scan", "the tick topic", 2, {0: 400, 1: 0})


def stored() -> dict[bytes, bytes]:
    """The records of a partition after 400 ticks."""
    partition = Partition(0, None, load_calendars())
    values: list[bytes | None] = [
        b'{"symbol":"C%d-USD","ts":%d,"price":10,"size":1}' % (n % 5, T + n * 10**9) for n in range(400)
    ]
    partition.step(decode_chunk(Chunk(range(400), values, [-1] * 400), partition.symbols), {})
    ledger = Ledger("writer", partition.config.shards)
    records = [
        one for shard in partition.changed_shards() for one in ledger.encode(partition.export_changed(shard)).records
    ]
    return {key: value for key, value in [*records, ledger.manifest(partition.header)] if value is not None}


def test_what_was_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "state.zip"
    write_state(path, ABOUT, {0: stored(), 1: {}})
    assert read_about(path) == ABOUT
    saved = read_state(path, 0)
    assert saved.header == Header(position=399)
    assert saved.ready == 400
    assert {name for piece in saved.pieces if piece.key.startswith("live/") for name in piece.symbols} == {
        f"C{n}-USD" for n in range(5)
    }
    assert read_state(path, 1) == SavedPartition()
    with pytest.raises(ReplayError, match="--force"):
        write_state(path, ABOUT, {})
    write_state(path, ABOUT, {}, force=True)
    assert [file.name for file in tmp_path.iterdir()] == ["state.zip"]


def test_what_is_no_state_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "state.zip"
    with pytest.raises(ReplayError, match="No such file"):
        read_about(path)
    path.write_bytes(b"no archive")
    with pytest.raises(ReplayError, match="zip"):
        read_about(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("other", b"")
    with pytest.raises(ReplayError, match="no saved state"):
        read_about(path)
    with zipfile.ZipFile(path, "w") as archive:
        about = {"form": 9, "app_id": "scan", "topic": "t", "partitions": 2, "positions": {}}
        archive.writestr("about.json", json.dumps(about))
    with pytest.raises(ReplayError, match="form 9"):
        read_about(path)


def test_a_changed_piece_is_refused(tmp_path: Path) -> None:
    path, records = tmp_path / "state.zip", stored()
    place = next(key for key in records if key.startswith(b"live/"))
    records[place] = records[place][:-1] + bytes([records[place][-1] ^ 1])
    write_state(path, ABOUT, {0: records})
    with pytest.raises(ReplayError, match="checksum"):
        read_state(path, 0)

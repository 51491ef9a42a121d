"""Signing keys on disk: private, rotated, shared by processes, complete or not there."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from joserfc.jwk import ECKey

from domain.kernel.ids import new_id
from drivers.identity.keys import KeyRing


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_the_first_start_makes_one_key_that_only_we_can_read(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        ring = KeyRing(tmp_path / "data" / "keys")
    finally:
        os.umask(before)
    files = list((tmp_path / "data" / "keys").iterdir())
    assert [file.name for file in files] == [f"{ring.signing_key.kid}.pem"]
    assert mode(files[0]) == 0o600
    assert mode(files[0].parent) == 0o700


def test_a_second_start_finds_the_same_key(tmp_path: Path) -> None:
    first = KeyRing(tmp_path / "keys")
    assert KeyRing(tmp_path / "keys").jwks() == first.jwks()


def test_wide_open_files_are_closed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    ring = KeyRing(tmp_path / "keys")
    file = tmp_path / "keys" / f"{ring.signing_key.kid}.pem"
    file.chmod(0o644)
    file.parent.chmod(0o755)
    KeyRing(tmp_path / "keys")
    assert (mode(file), mode(file.parent)) == (0o600, 0o700)
    assert "others could read" in caplog.text


def test_the_newest_signs_and_all_verify(tmp_path: Path) -> None:
    ring = KeyRing(tmp_path / "keys")
    old = ring.signing_key
    new_kid = ring.rotate()
    assert ring.signing_key.kid == new_kid != old.kid
    assert ring.find(str(old.kid)) is not None
    assert [key["kid"] for key in ring.jwks()["keys"]] == [new_kid, old.kid]


def test_published_keys_hold_nothing_private(tmp_path: Path) -> None:
    ring = KeyRing(tmp_path / "keys")
    (published,) = ring.jwks()["keys"]
    assert published == {
        "kty": "EC",
        "crv": "P-256",
        "x": published["x"],
        "y": published["y"],
        "kid": ring.signing_key.kid,
        "use": "sig",
        "alg": "ES256",
    }


def test_a_key_of_another_process_is_found_when_a_token_names_it(tmp_path: Path) -> None:
    ring = KeyRing(tmp_path / "keys")
    ring._looked_at = float("-inf")  # the second in which it would not look again is over
    program = "import sys,pathlib; from drivers.identity.keys import KeyRing; "
    program += "print(KeyRing(pathlib.Path(sys.argv[1])).rotate())"
    made = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "keys")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert ring.find(made.stdout.strip()) is not None


def test_guessed_ids_do_not_make_it_read_the_disk_each_time(tmp_path: Path) -> None:
    ring = KeyRing(tmp_path / "keys")
    ring._looked_at = float("-inf")
    assert ring.find(new_id()) is None
    looked_at = ring._looked_at
    for guess in (new_id(), "../../etc/passwd", "", "x" * 5000):
        assert ring.find(guess) is None
    assert ring._looked_at == looked_at


def test_other_files_are_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    folder.mkdir()
    (folder / "README.pem").write_text("not a key")
    (folder / f"{new_id()}.unfinished").write_text("half a k")
    assert len(KeyRing(folder).jwks()["keys"]) == 1


def test_a_key_of_another_kind_stops_the_start(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    folder.mkdir()
    (folder / f"{new_id()}.pem").write_bytes(ECKey.generate_key("P-384").as_pem(private=True))
    with pytest.raises(ValueError, match="not a private key on P-256"):
        KeyRing(folder)

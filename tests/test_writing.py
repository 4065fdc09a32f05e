"""Files that are there whole or not at all."""

import os
import stat

import pytest

from featviz.writing import write_whole


def test_what_is_there_is_replaced_and_nothing_stays_beside_it(tmp_path):
    path = tmp_path / "folder" / "file.txt"
    for data in (b"first", b"second"):
        write_whole(path, data)
        assert path.read_bytes() == data
    assert list(tmp_path.rglob("*")) == [path.parent, path]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no umask")
def test_others_may_read_a_file_where_the_user_lets_them(tmp_path):
    before = os.umask(0o027)
    try:
        write_whole(tmp_path / "file", b"")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o640


def test_a_link_goes_on_to_lead_where_it_led(tmp_path):
    real, link = tmp_path / "real", tmp_path / "link"
    real.write_bytes(b"old")
    try:
        link.symlink_to(real)
    except OSError:
        pytest.skip("this system lets this user make no links")
    write_whole(link, b"new")
    assert link.is_symlink()
    assert real.read_bytes() == b"new"


def test_what_cannot_be_written_leaves_what_was_there(tmp_path, monkeypatch):
    def full(_):
        raise OSError(28, "No space left on device")

    path = tmp_path / "file"
    write_whole(path, b"old")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]

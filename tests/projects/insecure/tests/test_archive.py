from archive import pack


def test_pack(tmp_path):
    (tmp_path / "a.txt").write_text("a")
    assert pack(tmp_path, tmp_path.parent / "a.tar").exists()

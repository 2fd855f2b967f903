from tidewright.pipelines.transform import files


def test_edits_new_files_and_removals_are_noticed(tmp_path):
    seen = {files.fingerprint([tmp_path])}
    model = tmp_path / "a" / "model.sql"
    model.parent.mkdir()
    for change in (
        lambda: model.write_text("select 1"),
        lambda: (tmp_path / "schema.yml").write_text(""),
        lambda: model.unlink(),
    ):
        change()
        seen.add(files.fingerprint([tmp_path]))
    assert len(seen) == 4


def test_other_files_and_missing_folders_do_not_matter(tmp_path):
    before = files.fingerprint([tmp_path, tmp_path / "none"])
    (tmp_path / ".model.sql.swp").write_text("")
    assert files.fingerprint([tmp_path, tmp_path / "none"]) == before

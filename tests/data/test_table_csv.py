from pathlib import Path

import pytest
from layouts import rows, write

from keras_reid import ReIDError
from keras_reid.data import load, table_csv

HEADER = "path,identity,camera,split\n"


def table(tmp_path: Path, text: str, encoding: str = "utf-8") -> Path:
    write(tmp_path, "a/1.jpg", "a/2.jpg", "b.jpg")
    (tmp_path / "people.csv").write_text(text, encoding=encoding)
    return tmp_path / "people.csv"


def message(file) -> str:
    with pytest.raises(ReIDError) as caught:
        table_csv.read(file)
    return str(caught.value)


def test_table(tmp_path):
    file = table(tmp_path, HEADER + "b.jpg,Zoë,door,query\na/2.jpg,Zoë,yard,gallery\na/1.jpg,Ann,door,train\n")
    data = load("csv", file)
    assert data.name == "csv"
    assert data.root == file
    assert rows(data.train, tmp_path) == [("a/1.jpg", 1, 1)]
    assert rows(data.query, tmp_path) == [("b.jpg", 2, 1)]
    assert rows(data.gallery, tmp_path) == [("a/2.jpg", 2, 2)]
    assert data.query.names == {2: "Zoë"}
    assert data.query.tracklets is None


def test_what_spreadsheets_write(tmp_path):
    file = table(tmp_path, 'path, identity ,camera,split\r\nb.jpg , "Ann, 7",3 ,gallery\r\n', encoding="utf-8-sig")
    data = load(f"csv:{file}")
    assert data.gallery.names == {1: "Ann, 7"}
    assert data.gallery.cameras.tolist() == [3]


def test_absolute_paths_other_columns_and_tracklets(tmp_path):
    file = table(tmp_path, f"split,note,tracklet,camera,identity,path\ngallery,x,40,1,Ann,{tmp_path / 'b.jpg'}\n")
    data = table_csv.read(file)
    assert rows(data.gallery, tmp_path) == [("b.jpg", 1, 1)]
    assert data.gallery.tracklets.tolist() == [40]


def test_tracklets_counted_anew_for_everyone(tmp_path):
    head = "path,identity,camera,split,tracklet\n"
    lines = ["a/1.jpg,Ann,1,gallery,1\n", "a/2.jpg,Ann,2,gallery,1\n", "b.jpg,Bo,1,gallery,1\n"]
    data = table_csv.read(table(tmp_path, head + "".join(lines)))
    assert sorted(data.gallery.tracklets.tolist()) == [1, 2, 3]
    with pytest.raises(ReIDError, match=r"b\.jpg' has no tracklet, and other pictures have one: give all of them one"):
        table_csv.read(table(tmp_path, head + lines[0] + "b.jpg,Bo,1,gallery,\n"))


def test_unknown_people_are_distractors(tmp_path):
    data = table_csv.read(table(tmp_path, HEADER + "b.jpg,,1,gallery\na/1.jpg,0,1,gallery\n"))
    # Person "0" is somebody; only an empty name is nobody.
    assert rows(data.gallery, tmp_path) == [("a/1.jpg", 1, 1), ("b.jpg", 0, 1)]
    assert data.gallery.names == {1: "0"}


def test_without_split_people_are_chosen(tmp_path):
    names = [f"{person}{camera}.jpg" for person in "ab" for camera in "12"]
    write(tmp_path, *names)
    lines = [f"{name},{name[0]},{name[1]}\n" for name in names]
    data = table_csv.read(table(tmp_path, "path,identity,camera\n" + "".join(lines)))
    assert [len(split) for split in data.splits.values()] == [2, 1, 1]


def test_missing_columns(tmp_path):
    file = table(tmp_path, "file;identity;camera\nb.jpg;1;1\n")
    assert message(file) == (
        f"'{file}' lacks the columns path, identity, camera: looked for path,identity,camera,split in its first line. "
        "Found: file;identity;camera."
    )
    file = table(tmp_path, "path,identity,split\n")
    assert message(file) == (
        f"'{file}' lacks the column camera: looked for path,identity,camera,split in its first line. "
        "Found: path,identity,split."
    )


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("b.jpg,Ann,1,test", "has the split 'test': expected one of train, query, gallery."),
        ("b.jpg,Ann,1,", "has the split '': expected one of train, query, gallery."),
        (",Ann,1,query", "has no path: fill it in or remove the line."),
        ("b.jpg,Ann,,query", "has no camera: fill it in or remove the line."),
        ("b.jpg,,1,query", "has no identity: only images of the gallery may show somebody unknown."),
        ("b.jpg,,1,train", "has no identity: only images of the gallery may show somebody unknown."),
        ("b.jpg,Ann,1", "has another number of columns than the header: quote commas inside a column."),
        ("b.jpg,Ann,7,1,query", "has another number of columns than the header: quote commas inside a column."),
    ],
)
def test_bad_lines(tmp_path, line, complaint):
    file = table(tmp_path, HEADER + "a/1.jpg,Ann,1,query\n" + line + "\n")
    assert message(file) == f"Line 3 of '{file}' {complaint}"


def test_missing_image(tmp_path):
    file = table(tmp_path, HEADER + "c.jpg,Ann,1,query\n")
    assert message(file) == (
        f"Line 2 of '{file}' names '{tmp_path / 'c.jpg'}', which does not exist: paths are relative to the CSV file."
    )


def test_no_table(tmp_path):
    assert message(tmp_path / "no.csv") == (
        f"'{tmp_path / 'no.csv'}' does not exist: give a CSV file with the columns path,identity,camera,split."
    )
    assert (
        message(tmp_path) == f"'{tmp_path}' is a folder: give a CSV file with the columns path,identity,camera,split."
    )
    file = table(tmp_path, HEADER)
    assert message(file) == f"'{file}' has a header but no lines: add one an image."
    file.write_text("")
    assert message(file).endswith("Found: nothing.")
    file.write_bytes(b"path,identity,camera\nb\xff.jpg,1,1\n")
    assert message(file).startswith(f"'{file}' is no CSV file in UTF-8 (")

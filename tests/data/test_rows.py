import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_reid import ReIDError
from keras_reid.data.rows import Row, choose_splits, from_rows

people = st.lists(st.tuples(st.text("abcdef", max_size=2), st.sampled_from("123")), min_size=1, max_size=60)


def rows_of(sightings) -> list[Row]:
    return [Row(f"/{number:03}.jpg", person, camera) for number, (person, camera) in enumerate(sightings)]


def crossing(sightings) -> set[str]:
    return {p for p, c in sightings if p and any(p == q and c != d for q, d in sightings)}


class TestChooseSplits:
    @given(people, st.randoms())
    def test_what_it_promises(self, sightings, random):
        rows = rows_of(sightings)
        if len(crossing(sightings)) < 2:
            with pytest.raises(ReIDError):
                choose_splits(rows)
            return
        chosen = choose_splits(rows)
        assert [row._replace(split=None) for row in chosen] == rows
        train = {row.identity for row in chosen if row.split == "train"}
        queries = [row for row in chosen if row.split == "query"]
        gallery = [row for row in chosen if row.split == "gallery"]
        assert train
        assert queries
        assert "" not in train
        assert not train & {row.identity for row in queries + gallery}
        # Who is seen by one camera can only be learnt from; of the others half, rounded down, are searched for.
        assert {row.identity for row in queries} <= crossing(sightings)
        assert len({row.identity for row in queries}) == len(crossing(sightings)) // 2
        for query in queries:
            assert any(row.identity == query.identity and row.camera != query.camera for row in gallery)
        pairs = [(row.identity, row.camera) for row in queries]
        assert len(pairs) == len(set(pairs))

        shuffled = list(rows)
        random.shuffle(shuffled)
        assert sorted(choose_splits(shuffled)) == sorted(chosen)

    def test_by_hand(self):
        # SHA-256: "ann" 4991…, "bob" 81b6…, so that ann is trained on and bob searched for.
        rows = rows_of([("ann", "1"), ("ann", "2"), ("bob", "1"), ("bob", "1"), ("bob", "2"), ("eve", "1"), ("", "1")])
        splits = [row.split for row in choose_splits(rows)]
        assert splits == ["train", "train", "query", "gallery", "gallery", "train", "gallery"]

    def test_too_few_people(self):
        with pytest.raises(ReIDError) as caught:
            choose_splits(rows_of([("ann", "1"), ("ann", "2"), ("bob", "1")]))
        assert str(caught.value) == (
            "To choose people to train on and people to search for, at least two people must be seen by two cameras or "
            "more. Found 2 people, 1 of them seen by two cameras. Add images, or give the splits."
        )


class TestFromRows:
    def test_names_are_numbered_in_order_over_all_splits(self):
        rows = [
            Row("/3.jpg", "zoe", "1", "train"),
            Row("/2.jpg", "10", "2", "gallery"),
            Row("/1.jpg", "9", "2", "query"),
            Row("/0.jpg", "", "2", "gallery"),
        ]
        data = from_rows("csv", Path("/"), rows)
        assert data.train.identities.tolist() == [3]
        assert data.query.identities.tolist() == [2]
        assert data.gallery.identities.tolist() == [0, 1]
        assert data.gallery.paths.tolist() == ["/0.jpg", "/2.jpg"]
        assert data.gallery.names == {1: "10"}

    def test_cameras_keep_their_numbers_or_are_numbered_by_name(self):
        rows = [Row("/1.jpg", "a", "07", "gallery"), Row("/2.jpg", "a", "12", "gallery")]
        assert from_rows("csv", Path("/"), rows).gallery.cameras.tolist() == [7, 12]
        rows.append(Row("/3.jpg", "a", "door", "gallery"))
        assert from_rows("csv", Path("/"), rows).gallery.cameras.tolist() == [1, 2, 3]

    def test_same_numbers_in_another_process(self):
        # The order of a set of strings differs between processes.
        program = (
            "from pathlib import Path; from keras_reid.data.rows import Row, from_rows\n"
            "rows = [Row(f'/{n}.jpg', f'person {n * 7 % 40}', 'c', 'gallery') for n in range(80)]\n"
            "print(from_rows('csv', Path('/'), rows).gallery.identities.tolist())"
        )
        outputs = {
            subprocess.check_output([sys.executable, "-c", program], env={"PYTHONHASHSEED": seed})
            for seed in ("1", "2")
        }
        assert len(outputs) == 1

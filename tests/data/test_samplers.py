import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_reid import ReIDError
from keras_reid.data.samplers import plan_cameras, plan_clips, plan_identities, plan_shuffled

counts = st.lists(st.integers(1, 13), min_size=1, max_size=12)
seeds = st.integers(0, 2**31)


def labels_of(sizes) -> np.ndarray:
    return np.random.default_rng(0).permutation(np.repeat(np.arange(len(sizes)), sizes))


class TestShuffled:
    @given(st.integers(1, 60), st.integers(1, 20), seeds, st.integers(0, 9))
    def test_every_image_at_most_once_and_less_than_a_batch_dropped(self, images, batch_size, seed, epoch):
        if images < batch_size:
            return
        plan = plan_shuffled(images, batch_size, seed, epoch)
        used = np.concatenate(plan)
        assert {len(rows) for rows in plan} == {batch_size}
        assert len(set(used.tolist())) == len(used) > images - batch_size
        assert set(used.tolist()) <= set(range(images))

    def test_seed_and_epoch_decide(self):
        plans = {
            (seed, epoch): np.concatenate(plan_shuffled(40, 8, seed, epoch)).tolist()
            for seed in (0, 1)
            for epoch in (0, 1)
        }
        assert len({tuple(plan) for plan in plans.values()}) == 4
        assert np.concatenate(plan_shuffled(40, 8, 1, 1)).tolist() == plans[1, 1]

    def test_too_few_images(self):
        with pytest.raises(ReIDError) as caught:
            plan_shuffled(7, 8, 0, 0)
        assert str(caught.value) == (
            "A batch of 8 images needs as many in the training split, which has 7: lower `batch_size` or add images."
        )


class TestIdentities:
    @settings(max_examples=200, deadline=None)
    @given(counts, st.integers(1, 5), st.integers(1, 5), seeds, st.integers(0, 3), st.booleans())
    def test_what_it_promises(self, sizes, identities, images, seed, epoch, with_cameras):
        if len(sizes) < identities:
            return
        labels = labels_of(sizes)
        cameras = np.arange(len(labels)) % 3 if with_cameras else None
        plan = plan_identities(labels, cameras, identities, images, seed, epoch)

        for rows in plan:
            assert rows.shape == (identities * images,)
            people = labels[rows].reshape(identities, images)
            assert (people == people[:, :1]).all()  # K images of each …
            assert len(set(people[:, 0].tolist())) == identities  # … of P different people
        used = np.concatenate(plan)
        assert set(labels[used].tolist()) == set(labels.tolist())
        for rows in plan:
            for group in rows.reshape(identities, images):
                have = sizes[labels[group[0]]]
                assert len(set(group.tolist())) == min(images, have)
        # As long as one pass over the images, or as it takes for everybody to appear.
        passes = sum(max(1, size // images) for size in sizes)
        assert len(plan) == max(-(-len(sizes) // identities), passes // identities)
        assert len(plan) == len(plan_identities(labels, cameras, identities, images, seed + 1, epoch + 1))

    @settings(max_examples=50, deadline=None)
    @given(st.lists(st.integers(4, 13), min_size=4, max_size=12), seeds)
    def test_nobody_is_repeated_where_all_have_enough(self, sizes, seed):
        # Only if appearances had to be topped up to fill the last batch may an image come twice.
        labels = labels_of(sizes)
        used = np.concatenate(plan_identities(labels, None, 4, 2, seed, 0))
        appearances = np.bincount(labels[used], minlength=len(sizes)) // 2
        for person, size in enumerate(sizes):
            mine = used[labels[used] == person]
            if appearances[person] <= size // 2:
                assert len(set(mine.tolist())) == len(mine)

    def test_equal_shares(self):
        # 6 people with 8 images, P=3, K=2: 8 batches, everybody 4 times, every image exactly once.
        labels = np.repeat(np.arange(6), 8)
        plan = plan_identities(labels, None, 3, 2, 5, 0)
        assert len(plan) == 8
        assert sorted(np.concatenate(plan).tolist()) == list(range(48))

    def test_images_of_a_group_are_from_different_cameras(self):
        # 40 images in camera 0 and 2 in each of 1, 2, 3: the first group has all four cameras, and so has the second.
        cameras = np.repeat([0, 1, 2, 3], [40, 2, 2, 2])
        plan = plan_identities(np.zeros(46, int), cameras, 1, 4, 3, 0)
        varied = [rows for rows in plan if len(set(cameras[rows].tolist())) == 4]
        assert len(plan) == 11
        assert len(varied) == 2

    def test_two_cameras_are_balanced(self):
        cameras = np.repeat([4, 9], [8, 8])
        for rows in plan_identities(np.zeros(16, int), cameras, 1, 4, 0, 0):
            assert cameras[rows].tolist().count(4) == 2

    def test_fewer_images_than_k_are_drawn_with_replacement(self):
        labels = np.array([0, 0, 1, 1, 1, 1])
        (rows,) = plan_identities(labels, None, 2, 4, 0, 0)
        assert sorted(set(rows[labels[rows] == 0].tolist())) == [0, 1]
        assert sorted(rows[labels[rows] == 1].tolist()) == [2, 3, 4, 5]

    def test_people_meet_different_people(self):
        # Over some epochs everybody shares a batch with everybody.
        labels = np.repeat(np.arange(10), 4)
        met = np.zeros((10, 10), bool)
        for epoch in range(30):
            for rows in plan_identities(labels, None, 3, 2, 0, epoch):
                met[np.ix_(labels[rows], labels[rows])] = True
        assert met.all()

    def test_people_appear_in_proportion_to_their_images(self):
        labels = np.repeat(np.arange(9), [4] * 8 + [40])
        used = np.concatenate(plan_identities(labels, None, 2, 4, 0, 0))
        # 8 + 10 groups make 9 batches; nobody can be in more than all of them.
        assert np.bincount(labels[used]).tolist()[8] == 9 * 4

    def test_seed_and_epoch_decide(self):
        labels = labels_of([9] * 8)
        plans = [np.concatenate(plan_identities(labels, None, 4, 3, *key)).tolist() for key in ((0, 0), (0, 1), (1, 0))]
        assert plans[0] != plans[1] != plans[2] != plans[0]
        assert np.concatenate(plan_identities(labels, None, 4, 3, 0, 0)).tolist() == plans[0]

    def test_same_plan_in_another_process(self):
        program = (
            "import numpy as np; from keras_reid.data.samplers import plan_identities\n"
            "print(np.concatenate(plan_identities(np.arange(60) % 7, np.arange(60) % 4, 3, 2, 5, 6)).tolist())"
        )
        output = subprocess.check_output([sys.executable, "-c", program], env={"PYTHONHASHSEED": "3"}, text=True)
        here = np.concatenate(plan_identities(np.arange(60) % 7, np.arange(60) % 4, 3, 2, 5, 6)).tolist()
        assert output.strip() == str(here)

    def test_labels_need_not_be_contiguous(self):
        labels = np.array([1501, 7, 1501, 7, 30, 30])
        (rows,) = plan_identities(labels, None, 3, 2, 0, 0)
        assert sorted(rows.tolist()) == [0, 1, 2, 3, 4, 5]

    def test_too_few_people(self):
        with pytest.raises(ReIDError) as caught:
            plan_identities(labels_of([4, 4, 4]), None, 16, 4, 0, 0)
        assert str(caught.value) == (
            "A batch of 16 identities needs as many in the training split, which has 3: "
            "lower `identities` or add people."
        )

    def test_many_people_are_planned_quickly(self):
        # MSMT17's size; a plan is made once an epoch, and Keras waits for it.
        labels = np.repeat(np.arange(1041), 31)
        plan = plan_identities(labels, np.arange(len(labels)) % 15, 16, 4, 0, 0)
        assert len(plan) == 1041 * 7 // 16


class TestCameras:
    """Twelve people, each in four of ten cameras, six pictures; a thirteenth in one camera alone."""

    labels = np.append(np.repeat(np.arange(12), 6), [12] * 6)
    cameras = np.append([(person + picture % 4 * 3) % 10 for person in range(12) for picture in range(6)], [0] * 6)

    @settings(max_examples=100, deadline=None)
    @given(st.integers(1, 12), st.integers(2, 6), st.integers(2, 12), seeds, st.integers(0, 3))
    def test_what_it_promises(self, identities, images, batch_cameras, seed, epoch):
        plan = plan_cameras(self.labels, self.cameras, identities, images, batch_cameras, seed, epoch)
        assert len(plan) == max(1, 78 // (identities * images))
        for rows in plan:
            assert len(set(rows.tolist())) == len(rows) == identities * images
            people = self.labels[rows].reshape(identities, images)
            assert (people == people[:, :1]).all()
            assert len(set(people[:, 0])) == identities
            for mine in self.cameras[rows].reshape(identities, images):
                assert len(set(mine)) >= 2
        assert 12 not in self.labels[np.concatenate(plan)]

    def test_a_batch_has_few_cameras(self):
        """Six people who share two cameras with each other, and six who share two others."""
        labels, cameras = np.repeat(np.arange(12), 4), np.tile([0, 1], 24) + np.repeat([0, 2], 24)
        for rows in plan_cameras(labels, cameras, 6, 4, 2, seed=1, epoch=0):
            assert set(cameras[rows]) in ({0, 1}, {2, 3}) or len(set(cameras[rows])) == 4
        few = [
            len(set(cameras[rows])) for seed in range(20) for rows in plan_cameras(labels, cameras, 6, 4, 2, seed, 0)
        ]
        assert few.count(2) > 5  # the two cameras that are drawn are of one pair a third of the time
        assert {len(set(cameras[rows])) for rows in plan_cameras(labels, cameras, 12, 4, 2, 0, 0)} == {4}

    def test_people_and_cameras_take_turns(self):
        """After an epoch nobody has been in two batches more than somebody else, where everybody can be in each."""
        labels, cameras = np.repeat(np.arange(10), 8), np.tile(np.arange(4), 20)
        plan = plan_cameras(labels, cameras, 3, 4, 4, seed=2, epoch=0)
        had = np.bincount(labels[np.concatenate(plan)], minlength=10) // 4
        assert had.sum() == 18
        assert had.max() - had.min() <= 1

    def test_seed_and_epoch_decide(self):
        plans = {
            key: np.concatenate(plan_cameras(self.labels, self.cameras, 4, 3, 3, *key)).tolist()
            for key in ((0, 0), (0, 1), (1, 0))
        }
        assert len({tuple(plan) for plan in plans.values()}) == 3
        assert np.concatenate(plan_cameras(self.labels, self.cameras, 4, 3, 3, 0, 1)).tolist() == plans[0, 1]

    def test_too_few_people(self):
        with pytest.raises(ReIDError) as caught:
            plan_cameras(self.labels, self.cameras, 13, 4, 3, 0, 0)
        assert str(caught.value) == (
            "A batch of 13 identities needs as many with 4 images in two cameras or more; the training split has 12: "
            "lower `identities` or `images`, or leave `batch_cameras` out."
        )

    @pytest.mark.parametrize(
        ("numbers", "name", "least"),
        [((0, 4, 3), "identities", 1), ((4, 1, 3), "images", 2), ((4, 4, 1), "batch_cameras", 2)],
    )
    def test_numbers_too_low(self, numbers, name, least):
        with pytest.raises(ReIDError) as caught:
            plan_cameras(self.labels, self.cameras, *numbers, 0, 0)
        value = dict(zip(("identities", "images", "batch_cameras"), numbers, strict=True))[name]
        assert str(caught.value) == f"`{name}` must be a whole number from {least} up. Received: {value}."


@pytest.mark.parametrize(("seed", "epoch"), [(-1, 0), (0, -1)])
def test_negative_seed_or_epoch(seed, epoch):
    with pytest.raises(ReIDError) as caught:
        plan_shuffled(9, 2, seed, epoch)
    assert str(caught.value) == f"`seed` and `epoch` must not be negative. Received: seed={seed}, epoch={epoch}."


@pytest.mark.parametrize(("identities", "images"), [(0, 4), (4, 0), (-1, 1), (1.5, 4)])
def test_numbers_below_one(identities, images):
    with pytest.raises(ReIDError, match="`identities` and `images` must be whole numbers from 1 up"):
        plan_identities(labels_of([4] * 5), None, identities, images, 0, 0)


def test_batch_size_below_one():
    with pytest.raises(ReIDError, match=r"`batch_size` must be a whole number from 1 up\. Received: 0\."):
        plan_shuffled(9, 0, 0, 0)


def of_tracklets():
    """Six people with two to four tracklets of 1 to 9 frames, numbered in no order; a camera each."""
    draw = np.random.default_rng(3)
    labels, tracklets, cameras = [], [], []
    numbers = draw.permutation(100)
    for person in range(6):
        for camera in range(2 + person % 3):
            frames = 1 + (3 * person + 4 * camera) % 9
            labels += [person] * frames
            cameras += [camera] * frames
            tracklets += [numbers[10 * person + camera]] * frames
    return np.array(labels), np.array(cameras), np.array(tracklets)


def test_clips_are_of_one_tracklet_in_order():
    labels, cameras, tracklets = of_tracklets()
    plan = plan_clips(labels, cameras, tracklets, 3, 2, 4, seed=1, epoch=0)
    seen = set()
    for batch in plan:
        clips = batch.reshape(3, 2, 4)
        assert len(np.unique(labels[clips[:, 0, 0]])) == 3
        for clip in clips.reshape(-1, 4):
            assert len(np.unique(tracklets[clip])) == 1
            assert (np.diff(clip) >= 0).all()
            whole = np.flatnonzero(tracklets == tracklets[clip[0]])
            borders = np.arange(5) * len(whole) / 4  # of the four parts
            places = np.searchsorted(whole, clip)
            assert (np.floor(borders[:-1]) <= places).all()
            assert (places < np.ceil(borders[1:])).all()
            seen.add(tracklets[clip[0]])
        assert (labels[clips] == labels[clips[:, :1, :1]]).all()
    assert {label for label, tracklet in zip(labels, tracklets, strict=True) if tracklet in seen} == set(range(6))


def test_clips_depend_on_seed_and_epoch_alone():
    first, again, other = (plan_clips(*of_tracklets(), 3, 2, 4, seed=1, epoch=epoch) for epoch in (0, 0, 1))
    assert all(np.array_equal(one, two) for one, two in zip(first, again, strict=True))
    assert len(first) == len(other)
    assert not np.array_equal(first[0], other[0])


@pytest.mark.parametrize("frames", [0, 2.5])
def test_clips_of_no_whole_number_of_frames(frames):
    with pytest.raises(ReIDError, match=f"`frames` must be a whole number from 1 up. Received: {frames}."):
        plan_clips(*of_tracklets(), 3, 2, frames, seed=1, epoch=0)

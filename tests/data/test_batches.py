import keras
import numpy as np
import pytest
from layouts import write
from PIL import Image

from keras_reid import ReIDError
from keras_reid.data import Batches, load

SIZE = (12, 8)
# Image i is grey value i; its person is i // 4.
ARRAYS = np.repeat(np.arange(24, dtype=np.uint8), 12 * 8 * 3).reshape(24, 12, 8, 3)
LABELS = np.arange(24) // 4


def message(call, *arguments, **options) -> str:
    with pytest.raises(ReIDError) as caught:
        call(*arguments, **options)
    return str(caught.value)


def which(batch) -> list[int]:
    """The numbers of the images in a batch."""
    return batch[0]["images"][:, 0, 0, 0].tolist()


def epoch_of(batches: Batches) -> list[list[int]]:
    return [which(batches[index]) for index in range(len(batches))]


@pytest.fixture
def paths(tmp_path) -> list[str]:
    for number, image in enumerate(ARRAYS):
        Image.fromarray(image).save(tmp_path / f"{number:02}.png")
    return [str(tmp_path / f"{number:02}.png") for number in range(24)]


class TestContent:
    def test_a_batch(self):
        images, labels = Batches.from_arrays(ARRAYS, LABELS, batch_size=7, image_size=SIZE)[2]
        assert list(images) == ["images"]
        assert images["images"].shape == (7, 12, 8, 3)
        assert images["images"].dtype == np.uint8
        assert labels.shape == (7,)
        assert labels.dtype == np.int32
        assert labels.tolist() == [number // 4 for number in images["images"][:, 0, 0, 0]]

    def test_an_epoch_is_every_image_once(self):
        batches = Batches.from_arrays(ARRAYS, LABELS, batch_size=8, image_size=SIZE)
        assert len(batches) == 3
        assert sorted(image for batch in epoch_of(batches) for image in batch) == list(range(24))

    def test_identities_and_images(self):
        batches = Batches.from_arrays(ARRAYS, LABELS, identities=3, images_each=2, image_size=SIZE)
        assert batches.batch_size == 6
        for index in range(len(batches)):
            _, labels = batches[index]
            assert len(set(labels.tolist())) == 3
            assert labels[::2].tolist() == labels[1::2].tolist()

    @pytest.mark.parametrize("options", [{}, {"workers": 0}, {"workers": 3}, {"cache": False}, {"cache": True}])
    def test_files_are_as_arrays(self, paths, options):
        expected = epoch_of(Batches.from_arrays(ARRAYS, LABELS, batch_size=5, image_size=SIZE))
        assert epoch_of(Batches(paths, LABELS, batch_size=5, image_size=SIZE, **options)) == expected

    def test_cache_folder(self, paths, tmp_path):
        batches = Batches(paths, LABELS, image_size=SIZE, cache=tmp_path / "cache", batch_size=8)
        assert not (tmp_path / "cache").exists()
        batches.prepare()
        assert len(list((tmp_path / "cache").iterdir())) == 1
        assert Batches(paths, LABELS, image_size=SIZE, cache=False, batch_size=8)[0] is not None

    def test_mixed_sizes_in_memory(self):
        images = [np.full((10 + i, 9, 3), i, np.uint8) for i in range(6)]
        batches = Batches.from_arrays(images, np.zeros(6, int), batch_size=6, image_size=SIZE)
        assert sorted(which(batches[0])) == list(range(6))

    def test_no_such_batch(self):
        batches = Batches.from_arrays(ARRAYS, LABELS, batch_size=8, image_size=SIZE)
        with pytest.raises(IndexError, match="There is no batch 3: an epoch has 3"):
            batches[3]
        assert len(list(batches)) == 3


class TestOrder:
    @pytest.mark.parametrize("sampling", [{"batch_size": 4}, {"identities": 3, "images_each": 2}])
    def test_seed_and_epoch_alone_decide(self, sampling):
        def batches(seed: int, epoch: int) -> Batches:
            made = Batches.from_arrays(ARRAYS, LABELS, image_size=SIZE, seed=seed, **sampling)
            made.epoch = epoch
            return made

        straight = {key: epoch_of(batches(*key)) for key in ((0, 0), (0, 1), (7, 0))}
        assert straight[0, 0] != straight[0, 1] != straight[7, 0] != straight[0, 0]
        mixed = batches(0, 1)
        assert which(mixed[3]) == straight[0, 1][3]
        mixed.epoch = 0
        assert which(mixed[3]) == straight[0, 0][3]
        assert which(mixed[0]) == straight[0, 0][0]
        mixed.epoch, mixed.seed = 1, 0
        assert epoch_of(mixed) == straight[0, 1]

    def test_fit_reads_every_batch_of_every_epoch(self, monkeypatch):
        batches = Batches.from_arrays(ARRAYS, LABELS, batch_size=8, image_size=SIZE)
        expected = []
        for epoch in range(3):
            batches.epoch = epoch
            expected.append(epoch_of(batches))
        batches.epoch = 0

        images = keras.Input((*SIZE, 3), name="images")
        model = keras.Model({"images": images}, keras.layers.GlobalMaxPooling2D()(images)[:, :1])
        # The loss of a batch is the number of its first image, so that the history tells which batches were trained on.
        model.compile(optimizer="sgd", loss=lambda labels, numbers: numbers[0])
        seen: list[float] = []

        class Log(keras.callbacks.Callback):
            def on_train_batch_end(self, batch, logs=None):
                seen.append(logs["loss"] * (batch + 1))

        model.fit(batches, epochs=3, shuffle=False, verbose=0, callbacks=[Log()])
        sums = np.array(seen).reshape(3, 3)  # Keras logs the mean so far
        firsts = np.diff(sums, axis=1, prepend=0)
        np.testing.assert_allclose(firsts, [[batch[0] for batch in epoch] for epoch in expected], atol=1e-3)
        assert batches.epoch == 3


class TestSize:
    def test_with_size(self):
        unsized = Batches.from_arrays(ARRAYS, LABELS, batch_size=8)
        sized = unsized.with_size(SIZE)
        assert sized is not unsized
        assert unsized.image_size is None
        assert sized.with_size(SIZE) is sized
        other = unsized.with_size([20, 10])
        assert sized[0][0]["images"].shape == (8, 12, 8, 3)
        assert other[0][0]["images"].shape == (8, 20, 10, 3)
        assert which(sized[1]) == which(other[1])

    def test_no_size(self):
        batches = Batches.from_arrays(ARRAYS, LABELS, batch_size=8)
        assert message(lambda: batches[0]) == (
            "The batches have no size yet: give `image_size=(height, width)`, or pass them to fit."
        )

    def test_another_size(self):
        batches = Batches.from_arrays(ARRAYS, LABELS, batch_size=8, image_size=SIZE)
        assert message(batches.with_size, (160, 64)) == (
            "The batches have images of 12x8 (height x width), the model takes 160x64: leave `image_size` out, and fit "
            "fills it in."
        )


class TestErrors:
    def test_labels(self):
        assert message(Batches, ARRAYS, LABELS[:5]) == "24 images need as many labels. Received labels of shape (5,)."

    @pytest.mark.parametrize("labels", [LABELS / 2, LABELS - 1, LABELS.astype(str)])
    def test_labels_are_whole_numbers_from_0_up(self, labels):
        assert message(Batches, ARRAYS, labels).startswith("Labels are whole numbers from 0 up. Received ")

    @pytest.mark.parametrize("given", [{"identities": 3}, {"images_each": 2}])
    def test_one_of_p_and_k(self, given):
        assert message(Batches, ARRAYS, LABELS, **given) == (
            "Give both `identities` and `images` for batches of so many images of so many people, or neither. "
            f"Received: identities={given.get('identities')}, images={given.get('images_each')}."
        )

    def test_fewer_identities_than_p(self):
        people = load("people")
        assert message(people.train.batches, identities=64, images=4) == (
            "A batch of 64 identities needs as many in the training split, which has 48: "
            "lower `identities` or add people."
        )

    def test_fewer_images_than_k(self):
        with pytest.warns(UserWarning, match="identities") as caught:
            batches = load("people").train.batches(identities=4, images=11)
        assert [str(warning.message) for warning in caught] == [
            "48 of 48 identities have fewer than 11 images, which are repeated within a batch: lower `images`, or add "
            "images of these people."
        ]
        assert caught[0].filename == __file__
        assert batches.batch_size == 44

    def test_fewer_images_than_a_batch(self):
        assert message(load("people").train.batches, batch_size=481) == (
            "A batch of 481 images needs as many in the training split, which has 480: "
            "lower `batch_size` or add images."
        )

    def test_nothing_to_train_on(self, tmp_path):
        data = load("folder", write(tmp_path, "query/ann/c1.jpg", "gallery/ann/c2.jpg"))
        assert message(data.train.batches) == "There are no images to train on: give a split that has some."

    @pytest.mark.parametrize("cache", [None, False])
    def test_bad_image_is_named(self, paths, cache):
        with open(paths[9], "wb"):
            pass
        batches = Batches(paths, LABELS, batch_size=24, image_size=SIZE, cache=cache)
        assert message(lambda: batches[0]) == (f"Image '{paths[9]}' is empty (0 bytes): copy it again or leave it out.")


def test_batches_of_few_cameras():
    """Four people, each in two of three cameras; pictures as in two cameras of one batch."""
    labels, cameras = np.repeat([0, 1, 2, 3], 4), np.array([0, 1] * 4 + [0, 2] * 4)
    images = np.broadcast_to(np.arange(16, dtype="uint8")[:, None, None, None], (16, 8, 8, 3))
    options = {"identities": 2, "images_each": 2, "batch_cameras": 2, "image_size": (8, 8)}
    batches = Batches(images, labels, cameras=cameras, **options)
    assert (len(batches), batches.batch_size) == (4, 4)
    for pictures, numbers in (batches[index] for index in range(4)):
        rows = pictures["images"][:, 0, 0, 0]
        np.testing.assert_array_equal(labels[rows], numbers)
        assert all(len(set(pair)) == 2 for pair in cameras[rows].reshape(2, 2).tolist())
    for changed in ({"identities": None, "images_each": None}, {"frames": 2}, {"cameras": None}):
        given = {**options, "cameras": cameras, **changed}
        assert message(Batches, images, labels, **given) == (
            "`batch_cameras` is for batches of single images of so many people whose cameras are known. Received: "
            f"identities={given['identities']}, frames={given.get('frames', 1)}, "
            f"cameras {'known' if given['cameras'] is not None else 'not known'}."
        )


def test_batches_of_clips():
    """Frames of one tracklet next to each other; without tracklets, of one person in one camera."""
    labels, cameras = np.repeat([0, 0, 1, 1], 6), np.repeat([0, 1, 0, 1], 6)
    tracklets = np.arange(24) // 3
    images = np.broadcast_to(np.arange(24, dtype="uint8")[:, None, None, None], (24, 8, 8, 3))
    options = {"cameras": cameras, "identities": 2, "images_each": 2, "frames": 3, "image_size": (8, 8)}
    for groups, units in ((tracklets, tracklets), (None, labels * 2 + cameras)):
        batches = Batches(images, labels, tracklets=groups, **options)
        assert batches.batch_size == 12
        for pictures, numbers in (batches[index] for index in range(len(batches))):
            rows = pictures["images"][:, 0, 0, 0].reshape(2, 2, 3)
            np.testing.assert_array_equal(labels[rows], numbers.reshape(2, 2, 3))
            assert (units[rows] == units[rows[..., :1]]).all()
    with pytest.raises(ReIDError) as error:
        Batches(images, labels, frames=3)
    assert str(error.value) == (
        "Clips come in batches of so many of each of so many people: give `identities` and `images`, too. "
        "Received: frames=3."
    )

import keras
import numpy as np
import pytest

from keras_reid import ReIDError
from keras_reid.data import augment
from keras_reid.data.augmentation import Augmentation, RandomBlur, RandomNoise, RandomShift, RandomWhiteBalance, reseed

HEIGHT, WIDTH = 40, 20
IMAGE = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
SAME = np.repeat(IMAGE[None], 64, axis=0)


def apply(layer: keras.layers.Layer, images: np.ndarray = SAME) -> np.ndarray:
    return np.asarray(keras.ops.convert_to_numpy(layer(images, training=True)))


def only(**options) -> Augmentation:
    return augment(**({"flip": False, "crop": 0, "erasing": 0, "colour": 0} | options))


class TestAugment:
    def test_without_training_nothing_changes(self):
        found = keras.ops.convert_to_numpy(augment()(SAME, training=False))
        np.testing.assert_array_equal(found, SAME)
        assert found.dtype == np.float32
        np.testing.assert_array_equal(keras.ops.convert_to_numpy(augment()(SAME)), SAME)

    def test_all_off(self):
        np.testing.assert_array_equal(apply(only()), SAME)

    def test_every_image_is_changed_in_its_own_way(self):
        for layer in (only(crop=0.2), only(erasing=1.0), only(colour=0.5), only(blur=0.02), only(noise=0.1), augment()):
            found = apply(layer)
            assert len({image.tobytes() for image in found}) > 50

    def test_result_is_float32_in_range(self):
        keras.config.set_dtype_policy("mixed_float16")
        try:
            found = apply(augment(crop=0.3, erasing=0.9, colour=1.0, blur=0.1, noise=1.0))
        finally:
            keras.config.set_dtype_policy("float32")
        assert found.dtype == np.float32
        assert found.shape == SAME.shape
        assert found.min() >= 0
        assert found.max() <= 255

    def test_nothing_keeps_the_training_step_from_being_compiled(self):
        assert all(layer.supports_jit for layer in augment(blur=0.01, noise=0.1)._flatten_layers())

    def test_inside_a_compiled_step_of_any_batch_size(self):
        inputs = keras.Input((HEIGHT, WIDTH, 3), name="images")
        model = keras.Sequential([inputs, augment(), keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(1)])
        model.compile("sgd", "mse")
        model.fit(SAME[:7] / 255, np.zeros((7, 1)), batch_size=4, verbose=0)

    def test_config(self):
        layer = augment(flip=False, crop=0.1, erasing=0.3, colour=0.4, seed=9, blur=0.5, noise=0.1)
        copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
        assert copy.get_config() == layer.get_config()
        np.testing.assert_array_equal(apply(copy), apply(layer))
        assert layer.compute_output_shape((None, 40, 20, 3)) == (None, 40, 20, 3)

    @pytest.mark.parametrize("option", [{"crop": 1.1}, {"erasing": -0.1}, {"colour": 2}, {"blur": 1.5}, {"noise": 3}])
    def test_bad_arguments(self, option):
        ((name, value),) = option.items()
        with pytest.raises(ReIDError) as caught:
            augment(**option)
        assert str(caught.value) == f"`{name}` must be a number from 0 to 1. Received: {value}."


class TestFlip:
    def test_mirrors_about_half(self):
        mirrored = [np.array_equal(image, IMAGE[:, ::-1]) for image in apply(only(flip=True))]
        same = [np.array_equal(image, IMAGE) for image in apply(only(flip=True))]
        assert 20 < sum(mirrored) < 44
        assert sum(mirrored) + sum(same) == 64


class TestErasing:
    @pytest.mark.parametrize(("share", "lowest", "highest"), [(1.0, 64, 64), (0.5, 18, 46)])
    def test_a_grey_patch_in_so_many_images(self, share, lowest, highest):
        dark = np.zeros_like(SAME)
        found = apply(only(erasing=share), dark)
        erased = found[found.max(axis=(1, 2, 3)) > 0]
        assert lowest <= len(erased) <= highest
        assert set(np.unique(found)) == {0, 127.5}
        areas = (erased[..., 0] > 0).mean(axis=(1, 2))
        # 2 % to 33 % of the area, give or take a row and a column.
        assert areas.min() > 0
        assert areas.max() <= 0.33 + 1 / WIDTH + 1 / HEIGHT
        for image in erased[..., 0]:
            rows, columns = np.flatnonzero(image.any(axis=1)), np.flatnonzero(image.any(axis=0))
            assert (image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] > 0).all()


class TestColour:
    def test_strength(self):
        grey = np.full_like(SAME, 128)
        weak, strong = (np.abs(apply(only(colour=strength), grey) - 128).mean() for strength in (0.1, 0.5))
        assert 0 < 2 * weak < strong

    def test_brightness_goes_both_ways(self):
        means = apply(only(colour=0.3), np.full_like(SAME, 128)).mean(axis=(1, 2, 3))
        assert means.min() < 118
        assert means.max() > 138

    def test_contrast_goes_both_ways(self):
        # Keras reads a single contrast factor as "only more".
        half = np.full_like(SAME, 100)
        half[:, :20] = 150
        found = apply(only(colour=0.3), half)
        spread = found[:, 0, 0].mean(axis=-1) - found[:, -1, 0].mean(axis=-1)
        assert spread.min() < 43
        assert spread.max() > 57


@pytest.mark.parametrize("kind", [RandomShift, RandomWhiteBalance, RandomBlur, RandomNoise])
def test_config_and_shape(kind):
    layer = kind(0.25, seed=3)
    assert kind.from_config(layer.get_config()).get_config() == layer.get_config()
    assert layer.compute_output_shape((None, 4, 5, 3)) == (None, 4, 5, 3)
    np.testing.assert_array_equal(layer(SAME.astype("float32"), training=False), SAME)


class TestRandomShift:
    def test_by_hand(self):
        image = np.arange(5 * 4 * 3, dtype=np.float32).reshape(1, 5, 4, 3)
        layer = RandomShift(0.4, seed=0)  # two pixels of five
        seen = set()
        for _ in range(60):
            (found,) = apply(layer, image)
            # Where it went is found by trying; edge pixels are repeated beyond the old border.
            moves = [
                (down, right)
                for down in range(-2, 3)
                for right in range(-2, 3)
                if np.array_equal(found, self.moved(image[0], down, right))
            ]
            assert len(moves) == 1
            seen |= set(moves)
        assert {down for down, _ in seen} == {right for _, right in seen} == {-2, -1, 0, 1, 2}

    @staticmethod
    def moved(image: np.ndarray, down: int, right: int) -> np.ndarray:
        rows = [min(max(row - down, 0), 4) for row in range(5)]
        columns = [min(max(column - right, 0), 3) for column in range(4)]
        return image[rows][:, columns]


class TestRandomWhiteBalance:
    def test_each_channel_of_each_image_has_one_factor(self):
        found = apply(RandomWhiteBalance(0.3, seed=1), SAME.astype(np.float32) + 1)
        factors = found / (SAME.astype(np.float32) + 1)
        np.testing.assert_allclose(factors, np.broadcast_to(factors[:, :1, :1], factors.shape), rtol=1e-5)
        factors = factors[:, 0, 0]
        assert factors.min() >= 0.7
        assert factors.max() <= 1.3
        assert factors.std() > 0.1
        assert len(np.unique(factors.round(5))) > 180


class TestRandomBlur:
    def test_a_line_becomes_a_gaussian(self):
        lines = np.zeros((64, 40, 40, 3), np.float32)
        lines[:, 20] = 100
        found = apply(RandomBlur(0.05, seed=1), lines)[:, :, 7, 0]  # up to two pixels
        assert found.sum(axis=1) == pytest.approx(100, abs=1e-2)
        deviations = np.sqrt((found * (np.arange(40) - 20) ** 2).sum(axis=1) / 100)
        assert deviations.min() < 0.3
        assert 1.7 < deviations.max() < 2
        wide = deviations > 0.8  # which a pixel is narrow beside
        at_the_line = 100 / (deviations * np.sqrt(2 * np.pi))
        np.testing.assert_allclose(found[wide, 20], at_the_line[wide], rtol=0.01)

    def test_edges_keep_their_light(self):
        grey = np.full((8, 40, 20, 3), 90, np.float32)
        np.testing.assert_allclose(apply(RandomBlur(0.1), grey), grey, rtol=1e-5)


class TestRandomNoise:
    def test_each_image_has_its_own_deviation(self):
        noise = apply(RandomNoise(0.1, seed=1), np.full((64, 40, 20, 3), 128, np.float32)) - 128
        deviations = noise.std(axis=(1, 2, 3))
        assert deviations.min() < 3
        assert 22 < deviations.max() < 27
        assert len(np.unique(deviations)) == 64
        np.testing.assert_allclose(noise.mean(axis=(1, 2, 3)), 0, atol=2.5)  # of 2400 values
        assert abs(np.corrcoef(noise[:, 0, 0, 0], noise[:, 0, 1, 0])[0, 1]) < 0.4


class TestReseed:
    def test_an_epoch_repeats_itself_wherever_the_run_began(self):
        straight, resumed = augment(seed=1), augment(seed=2)
        steps = []
        for epoch in range(3):
            reseed(straight, 5, epoch)
            steps.append([apply(straight) for _ in range(2)])
        reseed(resumed, 5, 2)
        for step in steps[2]:
            np.testing.assert_array_equal(apply(resumed), step)
        different = [step.tobytes() for epoch in steps for step in epoch]
        assert len(set(different)) == 6

    def test_another_seed(self):
        layer = augment()
        reseed(layer, 5, 0)
        first = apply(layer)
        reseed(layer, 6, 0)
        assert not np.array_equal(apply(layer), first)

    def test_steps_do_not_share_their_numbers(self):
        layer = augment(blur=0.01, noise=0.1)
        reseed(layer, 0, 0)
        states = {tuple(np.asarray(variable.value)) for variable in layer.variables}
        assert len(states) == len(layer.variables) == 9

    def test_dropout_in_a_model(self):
        model = keras.Sequential([keras.Input((100,)), keras.layers.Dropout(0.5)])
        ones = np.ones((1, 100), np.float32)
        reseed(model, 0, 3)
        first = apply(model, ones)
        assert not np.array_equal(apply(model, ones), first)
        reseed(model, 0, 3)
        np.testing.assert_array_equal(apply(model, ones), first)

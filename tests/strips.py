"""A network of one dense layer, for tests of what is done with any network."""

from keras import layers

from keras_reid import ReIDModel


class Strips(ReIDModel):
    """The mean colours of a picture's eight strips, mixed at random."""

    def __init__(self, identities=None, input_shape=(32, 16, 3)):
        super().__init__({"input_shape": input_shape}, identities=identities, name="strips")

    @staticmethod
    def graph(options, images):
        height, width, _ = options["input_shape"]
        return {"global": layers.Dense(24)(layers.Flatten()(layers.AveragePooling2D((height // 8, width))(images)))}, {}

"""Networks of pictures that also take clips: the frames' embeddings are averaged."""

import keras
from keras import ops

from keras_reid.errors import ReIDError
from keras_reid.model import ReIDModel


class ClipModel(ReIDModel):
    """A network of pictures that learns from clips and answers for clips where it is given some.

    - `model(pictures)`, (batch, height, width, 3), is as for every `ReIDModel`, and so are `embed`, `attention`, the
      exports and retrieval: a camera embeds frame by frame. `keras_reid.evaluation.pooled` averages tracklets of any
      length, and the protocol "tracklets" measures them so.
    - `model(clips)`, (batch, frames, height, width, 3) with any known number of frames, is the mean of the frames'
      embeddings, at length 1 again: the same as `pooled`. TensorFlow's `predict` takes one of the two kinds a model.
    - In a training batch `options["frames"]` neighbouring pictures are the frames of one clip, and classifiers and
      losses see the mean of their features: as many clips as `data.train.batches(…, frames=…)` has put into it.

    Args:
        options: As for `ReIDModel`, with "frames", at least 1; with 1 the model learns from pictures.
        **kwargs: As for `ReIDModel`.

    Raises:
        ReIDError: a training batch that does not consist of such clips.

    Source: Fang et al.: Attention in Attention Networks for Person Retrieval, section 5.4, AiA-Net-V.
    """

    def _compared(self, images, training):
        of_pictures = super()._compared(images, training)
        return {name: self._mean_of_clips(feature, self._options["frames"]) for name, feature in of_pictures.items()}

    @staticmethod
    def _mean_of_clips(vectors, frames: int):
        if frames == 1:
            return vectors
        return ops.mean(ops.reshape(vectors, (-1, frames, vectors.shape[-1])), axis=1)

    def call(self, inputs, training=None, mask=None):
        inputs = _alone(inputs)
        if _is_clips(inputs):
            self._check_size(inputs)
            vectors = super().call(ops.reshape(inputs, (-1, *inputs.shape[2:])), training=training, mask=mask)
            return ops.normalize(self._mean_of_clips(vectors, inputs.shape[1]), axis=-1)
        return super().call(inputs, training=training, mask=mask)

    def compute_output_spec(self, inputs, training=None, mask=None):
        inputs = _alone(inputs)
        if _is_clips(inputs):
            self._check_size(inputs)
            return keras.KerasTensor((inputs.shape[0], self.embedding_size), dtype="float32")
        specs = super().compute_output_spec(inputs, training=training, mask=mask)
        if not isinstance(inputs, dict) or (pictures := inputs["images"].shape[0]) is None:
            return specs
        clips = pictures // self._options["frames"]
        return {name: keras.KerasTensor((clips, *spec.shape[1:]), spec.dtype) for name, spec in specs.items()}

    def _check_size(self, inputs) -> None:
        if not _is_clips(inputs):
            super()._check_size(inputs)
            frames = self._options["frames"]
            if isinstance(inputs, dict) and (inputs["images"].shape[0] or 0) % frames:
                raise ReIDError(
                    f"A training batch consists of clips of {frames} pictures each. "
                    f"Received: {inputs['images'].shape[0]} pictures."
                )
            return
        if inputs.shape[1] is None:
            raise ReIDError(f"The number of frames of a clip must be known. Received: {tuple(inputs.shape)}.")
        super()._check_size(keras.KerasTensor((inputs.shape[0], *inputs.shape[2:])))

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return super().compute_loss(x, self._of_clips(y), y_pred, self._of_clips(sample_weight), training)

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        return super().compute_metrics(x, self._of_clips(y), y_pred, self._of_clips(sample_weight))

    def _of_clips(self, values):
        """One label a clip: its first frame's."""
        return values if values is None else values[:: self._options["frames"]]

    def fit(self, x=None, *args, **kwargs):
        frames = self._options["frames"]
        if getattr(x, "frames", 1) != frames:
            raise ReIDError(
                f"The model learns from clips of {frames} frames each: data.train.batches(identities=8, images=4, "
                f"frames={frames}). Received: {type(x).__name__} of clips of {getattr(x, 'frames', 1)}"
            )
        return super().fit(x, *args, **kwargs)


def _alone(inputs):
    """Keras' functional models take their one input in a list, too."""
    return inputs[0] if isinstance(inputs, list | tuple) and len(inputs) == 1 else inputs


def _is_clips(inputs) -> bool:
    return not isinstance(inputs, dict) and len(inputs.shape) == 5

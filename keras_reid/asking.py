"""What a trained model is asked for: embeddings, attention and retrieval figures. `ReIDModel`'s methods call these."""

import warnings
from collections.abc import Iterable

import numpy as np

from keras_reid.data.images import as_list, load_images
from keras_reid.errors import ReIDError


def embed(model, images, batch_size, flip, on_error, progress) -> np.ndarray:
    """See `ReIDModel.embed`."""
    embedded = []
    rows = 1
    for pixels in blocks(model, images, batch_size, on_error, progress):  # no comprehension, see `stacklevel` below
        padded = _padded(pixels, rows)
        rows = len(padded)  # for the last pictures as many as before
        embedded.append(_embed_pixels(model, padded, flip)[: len(pixels)])
    if not embedded:
        return np.zeros((0, model.embedding_size), "float32")
    vectors = np.concatenate(embedded)
    if not np.isfinite(vectors).all():
        bad = int((~np.isfinite(vectors)).any(axis=1).sum())
        raise ReIDError(
            f"The embeddings of {bad} of {len(vectors)} pictures hold NaN or infinity: the weights of {model.name!r} "
            "are damaged or its training diverged. Load good weights, or train with a lower learning rate."
        )
    return vectors


def attention(model, images, batch_size) -> dict[str, np.ndarray]:
    """See `ReIDModel.attention`."""
    found: dict[str, list[np.ndarray]] = {}
    for pixels in blocks(model, images, batch_size, "raise", False):
        outputs = _maps(model, pixels.astype("float32"))
        for name, value in outputs.items():
            found.setdefault(name, []).append(_readable(name, _numpy(value)[: len(pixels)], model._region_scales))
    return {name: np.concatenate(values) for name, values in sorted(found.items())}


def evaluate_retrieval(model, data, batch_size, flip, rerank, progress, protocol) -> dict[str, float]:
    """See `ReIDModel.evaluate_retrieval`."""
    return retrieval_figures(
        data, lambda paths: embed(model, paths, batch_size, flip, "raise", progress), rerank=rerank, protocol=protocol
    )[0]


def retrieval_figures(data, embed_paths, rerank=False, protocol=None):
    """The figures of `data` by its protocol, for what embeds paths; and what was searched, see `searchable`."""
    from keras_reid.evaluation import evaluate, searchable, single_shot

    if not (hasattr(data, "query") and hasattr(data, "gallery")):
        raise ReIDError(
            "`evaluate_retrieval` expects a data set with query and gallery, as keras_reid.data.load returns it. "
            f"Received: {type(data).__name__}"
        )
    check_searchable(data)
    drawn = (protocol or data.protocol) == "single_shot"
    if drawn and rerank:
        raise ReIDError("Re-ranking needs the whole gallery, of which the protocol 'single_shot' draws a part.")
    found = searchable(data, embed_paths, protocol)
    return single_shot(*found) if drawn else evaluate(*found, rerank=rerank), found


def check_searchable(data) -> None:
    """Raise unless there are pictures in both query and gallery."""
    for split in ("query", "gallery"):
        if not len(getattr(data, split)):
            raise ReIDError(
                f"The data set has no images in its {split}: retrieval searches the pictures of the query in the "
                "gallery. Add some, or give a data set that has both."
            )


def blocks(model, images, batch_size, on_error, progress):
    """Yield uint8 pixels (n, height, width, 3) of the model's size, of at most `batch_size` pictures each."""
    if not isinstance(batch_size, int | np.integer) or batch_size < 1:
        raise ReIDError(f"`batch_size` must be a whole number from 1 up. Received: {batch_size!r}.")
    images = as_list(images)
    starts: Iterable[int] = range(0, len(images), batch_size)
    if progress:
        from rich.progress import track

        starts = track(starts, description="Embedding")
    for start in starts:
        block = images[start : start + batch_size]
        pixels, _, skipped = load_images(block, model.image_size, on_error=on_error, first=start)
        for _, reason in skipped:
            warnings.warn(f"Left out: {reason}", stacklevel=4)  # of who called `ReIDModel.embed`
        if len(pixels):
            yield pixels


def _embed_pixels(model, pixels, flip):
    from keras_reid.training.replicas import embed_on_one

    vectors = _numpy(embed_on_one(model, pixels))
    if flip:
        vectors = vectors + _numpy(embed_on_one(model, pixels[:, :, ::-1]))
        vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    return vectors


def _padded(pixels, least=1):
    """With rows of zeros up to a power of two, not below `least`: every new number of rows is compiled anew."""
    rows = max(least, 1 << (len(pixels) - 1).bit_length())
    padded = np.zeros((rows, *pixels.shape[1:]), pixels.dtype)
    padded[: len(pixels)] = pixels
    return padded


def _maps(model, images):
    """What `model._maps` gives out; on JAX in one program, since it would compile every operation by itself.

    There it may be of more pictures than `images` are.
    """
    import keras

    if keras.backend.backend() != "jax":
        return model._maps(images)
    if not hasattr(model, "_compiled_maps"):
        import jax

        @jax.jit
        def compiled(values, images):
            with keras.StatelessScope(state_mapping=list(zip(model.variables, values, strict=True))):
                return model._maps(images)

        object.__setattr__(model, "_compiled_maps", compiled)  # Keras' own would look into it, to track what it holds
    return model._compiled_maps([variable.value for variable in model.variables], _padded(images))


def _readable(name, value, region_scales):
    """Drop axes of length 1, and turn regions' centres into boxes."""
    if name in region_scales:
        centres = (value + 1) / 2
        half = np.asarray(region_scales[name], "float32") / 2
        return np.concatenate([centres - half, centres + half], axis=-1)
    if name.endswith(".spatial"):
        return value[..., 0]
    if name.endswith(".channel"):
        return value[:, 0, 0]
    return value


def _numpy(tensor) -> np.ndarray:
    import keras

    return np.asarray(keras.ops.convert_to_numpy(tensor), "float32")

"""Galleries that are kept: crops with camera, time and path, searched exactly or fast."""

from keras_reid.gallery.entries import Entry, Found
from keras_reid.gallery.gallery import Gallery

__all__ = ["Entry", "FaissIndex", "Found", "Gallery", "MilvusGallery"]


def __getattr__(name: str):
    # Both need packages that an extra brings.
    if name == "FaissIndex":
        from keras_reid.gallery.faiss_index import FaissIndex

        return FaissIndex
    if name == "MilvusGallery":
        from keras_reid.gallery.milvus import MilvusGallery

        return MilvusGallery
    raise AttributeError(f"module 'keras_reid.gallery' has no attribute {name!r}")

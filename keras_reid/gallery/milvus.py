"""The gallery on Milvus, for those who outgrow one machine.

Milvus, because one client serves all its forms: a file (Milvus Lite, embedded), a server, a cluster; and because the
embedded engine speaks the cluster's own protocol, so that what is tested on it is what a cluster is sent. (Qdrant's
embedded mode is another implementation inside its client, which sends nothing.) Needs `pymilvus[milvus-lite]`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from keras_reid.errors import ReIDError, of_extra
from keras_reid.gallery.entries import Entry, Found, checked_entries, checked_ids, checked_vectors

_LONGEST_PATH = 4_096  # bytes
_BATCH = 1_000  # crops a request, which a server limits to some megabytes


class MilvusGallery:
    """As `Gallery`: the same calls with the same results, in a collection of Milvus.

    What was added or removed is there for all clients when the call returns.

    Args:
        uri: a file's name ending in .db (Milvus Lite), or the address of a server or cluster.
        collection: its name; it is made where it does not exist. Defaults to "keras_reid".
        dimensions: of the embeddings. Needed to make a collection, checked otherwise.
        token: "user:password" or a key, where the server wants one.
        index: how the server searches, a type of Milvus' indexes. Defaults to "FLAT": exactly.

    Raises:
        ReIDError: a new collection without `dimensions`, or an old one of others.
    """

    def __init__(
        self,
        uri: str,
        collection: str = "keras_reid",
        dimensions: int | None = None,
        token: str = "",
        index: str = "FLAT",
    ):
        with of_extra("milvus"):
            from pymilvus import MilvusClient

        self._client = MilvusClient(str(uri), token=token)
        self._name = collection
        if not self._client.has_collection(collection):
            if dimensions is None or dimensions < 1:
                self._client.close()
                raise ReIDError(
                    f"There is no collection '{collection}' yet: to make it, give the embeddings' `dimensions`."
                )
            self._create(dimensions, index)
        fields = {field["name"]: field for field in self._client.describe_collection(collection)["fields"]}
        self.dimensions = int(fields["vector"]["params"]["dim"])
        if dimensions not in (None, self.dimensions):
            self._client.close()
            raise ReIDError(
                f"The collection '{collection}' holds vectors of {self.dimensions} dimensions. Received: {dimensions}."
            )
        self._client.load_collection(collection)

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def __len__(self) -> int:
        (row,) = self._client.query(self._name, filter="", output_fields=["count(*)"])
        return int(row["count(*)"])

    def add(
        self,
        vectors: ArrayLike,
        cameras: ArrayLike | None = None,
        times: ArrayLike | None = None,
        paths: Sequence[str] | None = None,
    ) -> np.ndarray:
        """As `Gallery.add`; Milvus chooses the ids. A path is UTF-8 and has at most 4,096 bytes."""
        entries = checked_entries(self.dimensions, vectors, cameras, times, paths)
        try:
            longest = max(len(path.encode()) for path in entries.paths)
        except UnicodeEncodeError as error:
            raise ReIDError(f"Paths in Milvus are text in UTF-8. Received: {error.object!r}.") from None
        if longest > _LONGEST_PATH:
            raise ReIDError(f"A path in Milvus has at most {_LONGEST_PATH:,} bytes. Received: {longest:,}.")
        ids: list[int] = []
        for start in range(0, len(entries.vectors), _BATCH):
            part = slice(start, start + _BATCH)
            columns = (column[part] for column in entries)
            rows = [
                {"vector": vector, "camera": int(camera), "time": _known(float(time)), "path": path}
                for vector, camera, time, path in zip(*columns, strict=True)
            ]
            ids += self._client.insert(self._name, rows)["ids"]
        return np.array(ids, np.int64)

    def remove(self, ids: ArrayLike) -> int:
        """As `Gallery.remove`."""
        here = [entry["id"] for entry in self._rows(np.unique(checked_ids(ids)), ["id"])]
        for start in range(0, len(here), _BATCH):
            self._client.delete(self._name, ids=here[start : start + _BATCH])
        return len(here)

    def search(
        self,
        query: ArrayLike,
        k: int = 10,
        *,
        cameras: Sequence[int] | None = None,
        since: float | None = None,
        until: float | None = None,
    ) -> Found:
        """As `Gallery.search`, as exact as the collection's index is; k is at most 16,384, Milvus' limit."""
        if k < 1:
            raise ReIDError(f"`k`, the number of crops to find, must be at least 1. Received: {k}.")
        asked = checked_vectors("query", query, self.dimensions)
        ids = np.full((len(asked), k), -1, np.int64)
        similarities = np.full((len(asked), k), -np.inf, np.float32)
        if cameras is not None and not len(cameras):
            return Found(ids, similarities)
        conditions = [] if cameras is None else [f"camera in {[int(camera) for camera in cameras]}"]
        conditions += [] if since is None else [f"time >= {float(since)!r}"]
        conditions += [] if until is None else [f"time < {float(until)!r}"]
        for start in range(0, len(asked), _BATCH):
            found = self._client.search(
                self._name,
                data=list(asked[start : start + _BATCH]),
                filter=" and ".join(conditions),
                limit=k,
                output_fields=["id"],
            )
            for number, hits in enumerate(found, start):
                ordered = sorted(hits, key=lambda hit: (-hit["distance"], hit["id"]))
                ids[number, : len(ordered)] = [hit["id"] for hit in ordered]
                similarities[number, : len(ordered)] = [hit["distance"] for hit in ordered]
        return Found(ids, similarities)

    def entries(self, ids: ArrayLike) -> list[Entry]:
        """As `Gallery.entries`."""
        wanted = checked_ids(ids)
        known = {row["id"]: row for row in self._rows(np.unique(wanted), ["id", "camera", "time", "path"])}
        missing = [number for number in wanted.tolist() if number not in known]
        if missing:
            raise ReIDError(f"The gallery has no crop {missing[0]}.")
        rows = (known[number] for number in wanted.tolist())
        return [
            Entry(row["id"], row["camera"], float("nan") if row["time"] is None else row["time"], row["path"])
            for row in rows
        ]

    def _rows(self, ids: np.ndarray, fields: list[str]) -> list[dict]:
        rows: list[dict] = []
        for start in range(0, len(ids), _BATCH):
            part = ids[start : start + _BATCH].tolist()
            rows += self._client.query(self._name, filter=f"id in {part}", output_fields=fields)
        return rows

    def _create(self, dimensions: int, index: str) -> None:
        from pymilvus import DataType, MilvusClient

        schema = MilvusClient.create_schema(auto_id=True, enable_dynamic_field=False)
        schema.add_field("id", DataType.INT64, is_primary=True)
        schema.add_field("vector", DataType.FLOAT_VECTOR, dim=int(dimensions))
        schema.add_field("camera", DataType.INT64)
        schema.add_field("time", DataType.DOUBLE, nullable=True)
        schema.add_field("path", DataType.VARCHAR, max_length=_LONGEST_PATH)
        indexes = self._client.prepare_index_params()
        indexes.add_index("vector", index_type=index, metric_type="IP")
        # Strong: a client sees what another one has added before.
        self._client.create_collection(self._name, schema=schema, index_params=indexes, consistency_level="Strong")


def _known(time: float) -> float | None:
    return None if np.isnan(time) else time

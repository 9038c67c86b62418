"""Which images make up which batch of an epoch.

The plans are pure functions of labels, seed and epoch, so that a resumed run repeats what the uninterrupted one did.
"""

import numpy as np

from keras_reid.errors import ReIDError

Plan = list[np.ndarray]


def plan_shuffled(number_of_images: int, batch_size: int, seed: int, epoch: int) -> Plan:
    """Every image at most once in random order, in batches of `batch_size`; the remainder is dropped (HAN's sampling).

    Returns:
        Arrays of `batch_size` indices; the same number of batches in every epoch.

    Raises:
        ReIDError: fewer images than one batch, or a batch of none.
    """
    if not isinstance(batch_size, int | np.integer) or batch_size < 1:
        raise ReIDError(f"`batch_size` must be a whole number from 1 up. Received: {batch_size!r}.")
    if number_of_images < batch_size:
        raise ReIDError(
            f"A batch of {batch_size} images needs as many in the training split, which has {number_of_images}: "
            "lower `batch_size` or add images."
        )
    order = _generator(seed, epoch).permutation(number_of_images)
    batches = number_of_images // batch_size
    return list(order[: batches * batch_size].reshape(batches, batch_size))


def plan_identities(
    labels: np.ndarray, cameras: np.ndarray | None, identities: int, images: int, seed: int, epoch: int
) -> Plan:
    """P×K sampling: every batch is `images` images of each of `identities` different identities, next to each other.

    An epoch is as long as one pass over the images (in multiples of P·K), and at least long enough for every
    identity to appear. An identity appears in proportion to its images. Those of one appearance come from different
    cameras as far as it has them; no image is repeated in an epoch unless its identity has fewer than `images`
    images (they are then drawn with replacement) or appears more often than its images last.

    Args:
        labels: (N,) identity of each image.
        cameras: (N,) camera of each image, or None where it is not known.
        identities: P, at least 1.
        images: K, at least 1.
        seed, epoch: not negative; together they decide the plan.

    Returns:
        Arrays of P·K indices; the same number of batches in every epoch.

    Raises:
        ReIDError: fewer than P identities, or P or K below 1.
    """
    if not all(isinstance(number, int | np.integer) and number >= 1 for number in (identities, images)):
        raise ReIDError(
            "`identities` and `images` must be whole numbers from 1 up. "
            f"Received: identities={identities!r}, images={images!r}."
        )
    known, counts = np.unique(labels, return_counts=True)
    if len(known) < identities:
        raise ReIDError(
            f"A batch of {identities} identities needs as many in the training split, which has {len(known)}: "
            "lower `identities` or add people."
        )
    generator = _generator(seed, epoch)
    appearances = _appearances(counts, identities, images, generator)
    rows = np.split(np.argsort(labels, kind="stable"), np.cumsum(counts)[:-1])
    groups = [
        _groups(rows[i], None if cameras is None else np.asarray(cameras)[rows[i]], images, appearances[i], generator)
        for i in range(len(known))
    ]
    return [
        np.concatenate([groups[i].pop() for i in chosen]) for chosen in _arrange(appearances, identities, generator)
    ]


def plan_cameras(
    labels: np.ndarray, cameras: np.ndarray, identities: int, images: int, batch_cameras: int, seed: int, epoch: int
) -> Plan:
    """P×K sampling in which a batch shows its people in a few cameras, the same for all of them.

    In a gallery most strangers were seen by the query's own camera, and its light, its ground and its noise make them
    alike. Batches of a set with many cameras hardly ever hold two people of one; these hold little else, so that what
    cameras add to the pictures is what a loss on pairs learns to leave out.

    Every batch draws cameras that fewest batches have had, at least `batch_cameras` of them and as many more as are
    needed for P people whom two of them saw, in K pictures at least; of these people it takes those whom fewest batches
    have had. A person's images come from different cameras as far as possible. Nobody whom only one camera saw appears.

    Args:
        labels, cameras: (N,), identity and camera of each image.
        identities, images: P and K, at least 1 and 2.
        batch_cameras: At least 2. Where there are fewer cameras, all of them.
        seed, epoch: not negative; together they decide the plan.

    Returns:
        Arrays of P·K indices; as many as P·K goes into N, and at least 1.

    Raises:
        ReIDError: fewer than P people with K images in two cameras, or one of the numbers is too low.
    """
    wanted = {"identities": (identities, 1), "images": (images, 2), "batch_cameras": (batch_cameras, 2)}
    for name, (number, least) in wanted.items():
        if not isinstance(number, int | np.integer) or number < least:
            raise ReIDError(f"`{name}` must be a whole number from {least} up. Received: {number!r}.")
    generator = _generator(seed, epoch)
    people, label = np.unique(labels, return_inverse=True)
    known, camera = np.unique(cameras, return_inverse=True)
    counts = np.zeros((len(people), len(known)), np.int64)
    np.add.at(counts, (label, camera), 1)
    if (enough := int(_in_two(counts, images).sum())) < identities:
        raise ReIDError(
            f"A batch of {identities} identities needs as many with {images} images in two cameras or more; the "
            f"training split has {enough}: lower `identities` or `images`, or leave `batch_cameras` out."
        )
    rows = np.split(np.argsort(label, kind="stable"), np.cumsum(counts.sum(axis=1))[:-1])
    camera_had, person_had = np.zeros(len(known), np.int64), np.zeros(len(people), np.int64)
    plan = []
    for _ in range(max(1, len(label) // (identities * images))):
        order = _rarest(camera_had, generator)
        few = min(batch_cameras, len(known))
        while (seen := _in_two(counts[:, order[:few]], images)).sum() < identities:
            few += 1
        chosen = np.zeros(len(known), bool)
        chosen[order[:few]] = True
        candidates = np.flatnonzero(seen)
        batch = candidates[_rarest(person_had[candidates], generator)[:identities]]
        camera_had[chosen] += 1
        person_had[batch] += 1
        there = [rows[person][chosen[camera[rows[person]]]] for person in batch]
        plan.append(np.concatenate([_mixed(mine, camera[mine], generator)[:images] for mine in there]))
    return plan


def _in_two(counts: np.ndarray, images: int) -> np.ndarray:
    """Who has so many images and two cameras or more, of (people, cameras) numbers of images."""
    return (counts.sum(axis=1) >= images) & ((counts > 0).sum(axis=1) >= 2)


def _rarest(had: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Indices from the lowest number to the highest, the equal ones in random order."""
    return np.lexsort((generator.random(len(had)), had))


def plan_clips(
    labels: np.ndarray,
    cameras: np.ndarray | None,
    tracklets: np.ndarray,
    identities: int,
    clips: int,
    frames: int,
    seed: int,
    epoch: int,
) -> Plan:
    """P×K sampling of clips: every batch is `clips` clips of each of `identities` identities, a clip's frames together.

    What `plan_identities` does with images is done with tracklets, so that an epoch is as long as one pass over them,
    and a clip is of one tracklet. One of its frames comes from each of `frames` equal parts of the tracklet, at random
    and in order; a shorter tracklet repeats some.

    Args:
        labels, cameras: (N,), as for `plan_identities`; the same within a tracklet.
        tracklets: (N,) tracklet of each image.
        identities, clips: P and K, at least 1.
        frames: Of a clip, at least 1.
        seed, epoch: not negative; together they decide the plan.

    Returns:
        Arrays of P·K·frames indices; the same number of batches in every epoch.

    Raises:
        ReIDError: as `plan_identities`, or no whole number of frames.
    """
    if not isinstance(frames, int | np.integer) or frames < 1:
        raise ReIDError(f"`frames` must be a whole number from 1 up. Received: {frames!r}.")
    _, first, counts = np.unique(tracklets, return_index=True, return_counts=True)
    rows = np.split(np.argsort(tracklets, kind="stable"), np.cumsum(counts)[:-1])
    of_tracklets = labels[first], None if cameras is None else np.asarray(cameras)[first]
    plan = plan_identities(*of_tracklets, identities, clips, seed, epoch)
    # A stream of its own, or it would repeat the numbers that the plan was made with.
    generator = np.random.default_rng((seed, epoch, 1))
    return [np.concatenate([_clip(rows[tracklet], frames, generator) for tracklet in batch]) for batch in plan]


def _clip(rows: np.ndarray, frames: int, generator: np.random.Generator) -> np.ndarray:
    """One of `rows` out of each of `frames` equal parts, in order."""
    places = (np.arange(frames) + generator.random(frames)) * len(rows) / frames
    return rows[places.astype(np.int64)]


def _appearances(counts: np.ndarray, identities: int, images: int, generator: np.random.Generator) -> np.ndarray:
    """How many batches each identity is in: at least 1, at most all; in total `identities` times the batches."""
    wanted = np.maximum(1, counts // images)
    batches = max(-(-len(counts) // identities), int(wanted.sum()) // identities)
    wanted = np.minimum(wanted, batches)
    while (surplus := int(wanted.sum()) - batches * identities) != 0:
        movable = np.flatnonzero(wanted > 1 if surplus > 0 else wanted < batches)
        moved = generator.permutation(movable)[: abs(surplus)]
        wanted[moved] -= np.sign(surplus)
    return wanted


def _arrange(appearances: np.ndarray, identities: int, generator: np.random.Generator) -> Plan:
    """Batches of different identities.

    Whoever is still to appear in all of the remaining batches must be in the next one; with this rule the random choice
    of the others never runs into a dead end.
    """
    left = appearances.copy()
    arranged = []
    for remaining in range(int(left.sum()) // identities, 0, -1):
        # Sampling without replacement, in proportion to what is left (Efraimidis and Spirakis 2006): the largest of
        # u^(1/w).
        keys = np.where(left > 0, generator.random(len(left)) ** (1 / np.maximum(left, 1)), -1.0)
        keys[left == remaining] = 2.0
        chosen = np.argsort(-keys, kind="stable")[:identities]
        left[chosen] -= 1
        arranged.append(generator.permutation(chosen))
    return arranged


def _groups(
    rows: np.ndarray, cameras: np.ndarray | None, images: int, number: int, generator: np.random.Generator
) -> list[np.ndarray]:
    """`number` arrays of `images` rows of one identity."""
    groups: list[np.ndarray] = []
    while len(groups) < number:
        order = _mixed(rows, cameras, generator)
        if len(order) < images:
            order = np.concatenate([order, generator.choice(rows, images - len(order))])
        groups += [order[start : start + images] for start in range(0, len(order) - images + 1, images)]
    return groups[:number]


def _mixed(rows: np.ndarray, cameras: np.ndarray | None, generator: np.random.Generator) -> np.ndarray:
    """`rows` in random order, the cameras taking turns."""
    if cameras is None:
        return rows[generator.permutation(len(rows))]
    shuffled = generator.permutation(len(rows))
    _, camera = np.unique(cameras[shuffled], return_inverse=True)
    turn = np.empty(len(rows), np.int64)
    for number in range(camera.max() + 1):
        mine = np.flatnonzero(camera == number)
        turn[mine] = np.arange(len(mine))
    first = generator.permutation(camera.max() + 1)
    return rows[shuffled[np.lexsort((first[camera], turn))]]


def _generator(seed: int, epoch: int) -> np.random.Generator:
    if seed < 0 or epoch < 0:
        raise ReIDError(f"`seed` and `epoch` must not be negative. Received: seed={seed}, epoch={epoch}.")
    return np.random.default_rng((seed, epoch))

"""A data set of rendered people in Market-1501's layout, written by all cores; killed and started again it goes on."""

import csv
import dataclasses
import functools
import json
import multiprocessing
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2

from keras_reid.errors import ReIDError
from keras_reid.files import atomically
from keras_reid.lock import locked
from keras_reid.shipped import shipped_package

from . import assets
from .card import write_card
from .montage import write_montage
from .people import Generator
from .settings import Settings

FOLDERS = {"train": "bounding_box_train", "query": "query", "gallery": "bounding_box_test"}
# Person's facts in the table, in this order; not everybody has all of them.
_FACTS = ("sex", "age", "height", "weight", "muscle", "top", "top_colour", "top_pattern", "coat", "coat_colour")
_FACTS += ("coat_pattern", "legs", "legs_colour", "legs_pattern", "shoes", "shoes_colour", "hair", "hair_colour")
_FACTS += ("hat", "hat_colour", "scarf", "bag", "bag_colour")
_TRUTH = ("yaw", "elevation", "distance", "pose", "occlusion", "cut", "sunny")
COLUMNS = ("path", "split", "identity", "camera", *_TRUTH, *_FACTS)

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


def render(
    output: str | os.PathLike,
    settings: Settings | None = None,
    clothes: str | os.PathLike | None = None,
    processes: int | None = None,
    progress: Callable[[int, int], Any] | None = None,
) -> dict[str, Any]:
    """Render a data set into the folder `output`, which appears when it is complete.

    Until then the pictures gather in a folder beside it, `.NAME.partial/set`; interrupted, the same call goes on there.
    The files are the same whatever the number of processes.

    Args:
        output: A folder that does not exist yet. If it holds the data set that is asked for, nothing is done.
        settings: Defaults to `Settings()`.
        clothes: A folder of MakeHuman's clothes and hair. Default None: clothes are shaped from the body's own mesh.
        processes: How many to work in. Defaults to one for each core.
        progress: Called with (pictures there, pictures in all) after each person.

    Returns:
        What `render.json` holds: settings, assets and the number of pictures of each split.

    Raises:
        ReIDError: the folder holds something else, the bodies are not installed, or the folder of clothes holds none.
    """
    if getattr(multiprocessing.current_process(), "_inheriting", False):  # a worker, which runs its parent's program
        raise ReIDError("A program that renders people does so under: if __name__ == '__main__':")
    settings = settings or Settings()
    output = Path(os.path.abspath(output))
    processes = (os.cpu_count() or 1) if processes is None else processes
    if processes < 1:
        raise ReIDError(f"`processes` must be at least 1. Received: {processes}.")
    prepared = assets.prepare(None if clothes is None else Path(clothes).expanduser())
    wanted = {"settings": settings.as_dict(), "assets": assets.digest(prepared), "clothes": clothes is not None}
    partial = output.with_name(f".{output.name}.partial")
    if output.exists():
        found = _finished(output, wanted)
        if not (partial / "set").exists():  # a run was killed when it had everything
            shutil.rmtree(partial, ignore_errors=True)
        return found
    partial.mkdir(parents=True, exist_ok=True)
    with locked(output.with_name(f".{output.name}.lock")):
        if output.exists():  # another process was quicker
            return _finished(output, wanted)
        _agree(partial, wanted)
        _draw(partial, settings, prepared, processes, progress)
        whole = partial / "set"
        found = {**wanted, "pictures": _write_table(partial, settings)}
        write_montage(whole, settings)
        write_card(whole, found)
        with atomically(whole / "render.json") as new:
            new.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
        os.rename(whole, output)
        shutil.rmtree(partial)
    return found


def _finished(output: Path, wanted: dict) -> dict:
    description = output / "render.json"
    if not description.is_file():
        raise ReIDError(
            f"'{output}' exists already and holds no rendered people: give the name of a folder that does not."
        )
    found = json.loads(description.read_text(encoding="utf-8"))
    _compare(output, found, wanted)
    return found


def _agree(partial: Path, wanted: dict) -> None:
    """Note what is being rendered here, or find that it is what was begun."""
    for folder in ("people", *(f"set/{name}" for name in FOLDERS.values())):
        (partial / folder).mkdir(parents=True, exist_ok=True)
    for half in partial.rglob(".*"):  # files that a killed process was writing
        half.unlink(missing_ok=True)
    begun = partial / "begun.json"
    if begun.is_file():
        _compare(partial, json.loads(begun.read_text(encoding="utf-8")), wanted)
        return
    with atomically(begun) as new:
        new.write_text(json.dumps(wanted, indent=2) + "\n", encoding="utf-8")


def _compare(folder: Path, found: dict, wanted: dict) -> None:
    def flat(values: dict) -> dict:
        return {**values["settings"], "assets": values["assets"], "clothes": values["clothes"]}

    before, now = flat(found), flat(wanted)
    differs = [f"{name} {before.get(name)} there, {now[name]} now" for name in now if before.get(name) != now[name]]
    if differs:
        raise ReIDError(
            f"'{folder}' holds another rendering ({'; '.join(differs)}): give another folder, or remove this one."
        )


def _draw(partial: Path, settings: Settings, prepared: Path, processes: int, progress) -> None:
    """Draw the people who are not there yet."""
    missing = [number for number in range(settings.people) if not _part(partial, number).is_file()]
    total = settings.people * settings.images
    done = total - len(missing) * settings.images
    if progress:
        progress(done, total)
    if not missing:
        return
    # Spawned, so that no thread of the parent is copied half-way; one thread each, since there are enough processes.
    context = multiprocessing.get_context("spawn")
    with (
        _one_thread_each(),
        ProcessPoolExecutor(min(processes, len(missing)), context, shipped_package, ("training", "people")) as pool,
    ):
        waiting = {pool.submit(_draw_person, settings, prepared, partial, number) for number in missing}
        try:
            for finished in as_completed(waiting):
                finished.result()
                done += settings.images
                if progress:
                    progress(done, total)
        except BrokenProcessPool as error:
            raise ReIDError(
                "A process that drew people was ended from outside, as the system does where memory is short. The same "
                f"command goes on where it was; give it fewer processes than {processes}. Or a program calls `render` "
                "outside of if __name__ == '__main__':."
            ) from error
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """What libraries in child processes read when they start."""
    before = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@functools.cache
def _generator(settings: Settings, prepared: Path) -> Generator:
    cv2.setNumThreads(1)
    threading.Thread(target=_die_with_parent, daemon=True).start()
    return Generator(settings, prepared)


def _die_with_parent() -> None:
    """A killed parent's pool would wait for work for ever."""
    parent = multiprocessing.parent_process()
    assert parent is not None  # this runs in the pool
    parent.join()
    os._exit(1)


def _draw_person(settings: Settings, prepared: Path, partial: Path, number: int) -> None:
    """Write one person's pictures, and then the part of the table that says that they are there."""
    rows, queried = [], set()
    generator = _generator(settings, prepared)
    facts = _readable(generator.person(number).facts)
    for shot in generator.shots(number):
        split = "train"
        if settings.is_test(number):  # of each camera one picture is searched for in the others
            split = "gallery" if shot.camera in queried else "query"
            queried.add(shot.camera)
        name = f"{number + 1:04d}_c{shot.camera}s1_{shot.frame:06d}_00.jpg"
        path = partial / "set" / FOLDERS[split] / name
        options = [cv2.IMWRITE_JPEG_QUALITY, settings.quality]
        _, file = cv2.imencode(".jpg", shot.pixels[..., ::-1], options)
        with atomically(path) as new:
            new.write_bytes(file)
        where = {"path": f"{FOLDERS[split]}/{name}", "split": split, "identity": number + 1, "camera": shot.camera}
        rows.append(where | dataclasses.asdict(shot.truth) | facts)
    with atomically(_part(partial, number)) as new:
        new.write_text(json.dumps(rows), encoding="utf-8")


def _readable(facts: dict) -> dict:
    return {name: round(value, 3) if isinstance(value, float) else value for name, value in facts.items()}


def _part(partial: Path, number: int) -> Path:
    return partial / "people" / f"{number:06d}.json"


def _write_table(partial: Path, settings: Settings) -> dict[str, int]:
    """Put the people's parts together to truth.csv; returns how many pictures each split has."""
    counts = dict.fromkeys(FOLDERS, 0)
    with atomically(partial / "set" / "truth.csv") as new, open(new, "w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, COLUMNS, restval="", lineterminator="\n")
        table.writeheader()
        for number in range(settings.people):
            for row in json.loads(_part(partial, number).read_text(encoding="utf-8")):
                table.writerow(row)
                counts[row["split"]] += 1
    return counts

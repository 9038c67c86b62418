"""People who do not exist, rendered as cameras would see them, to learn re-identification from.

A person (`person.py`) is a body of random shape (`bodies.py`) in random clothes (`wardrobe.py`, `extremities.py`) with
random belongings (`belongings.py`). A picture (`picture.py`) puts it in a random pose (`poses.py`) before one of the
cameras (`cameras.py`), each of which has a place of its own (`places.py`), light and sensor (`sensor.py`); `scene.py`
draws it with what stands around. `writer.py` makes a data set of them on all cores. README.md says more.

Everything follows from the seed: a person from (seed, person's number), a camera from (seed, camera's number), a
picture from (seed, person's number, picture's number), so that no process needs to know what another did.
"""

from .assets import installed
from .clothes import downloaded
from .settings import Settings
from .writer import render

__all__ = ["Settings", "downloaded", "installed", "render"]

"""MakeHuman's clothes and hair, downloaded from their public repository (CC0)."""

from pathlib import Path

from keras_reid.errors import ReIDError
from keras_reid.files import home
from keras_reid.zoo.download import download
from keras_reid.zoo.progress import progress_bar

# Commit of makehumancommunity/makehuman-assets that clothes.sha256 lists.
COMMIT = "8cf9645b975a98eea056b140df11a1d278da0d10"
ADDRESS = f"https://raw.githubusercontent.com/makehumancommunity/makehuman-assets/{COMMIT}"
# A file a line: SHA-256, bytes, name.
LIST = Path(__file__).with_name("clothes.sha256")


def downloaded(address: str = ADDRESS) -> Path:
    """The folder with the clothes, 12 MB; what is there already is not downloaded again.

    Args:
        address: Where the repository's files are. Default: GitHub, at the commit that the checksums were taken from.

    Raises:
        ReIDError: no network, or a file that is not the expected one.
    """
    folder = home() / "people" / f"makehuman-{COMMIT[:7]}"
    files = [line.split() for line in LIST.read_text(encoding="utf-8").splitlines()]
    total, there = sum(int(size) for _, size, _ in files), 0
    with progress_bar("Clothes") as progress:
        for sha256, size, name in files:
            try:
                download(f"{address}/{name}", folder / name, int(size), sha256)
            except ReIDError as error:
                raise ReIDError(
                    f"{error} Or give --clothes a folder with a copy of makehumancommunity/makehuman-assets, or 'body' "
                    "to do without."
                ) from error
            there += int(size)
            if progress:
                progress(there, total)
    return folder

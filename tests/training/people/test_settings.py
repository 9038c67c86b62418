import pytest
from people_package import people

from keras_reid import ReIDError


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"height": 400}, "`height` must be a whole number from 32 to 384. Received: 400."),
        ({"width": 8}, "`width` must be a whole number from 16 to 192. Received: 8."),
        ({"cameras": 1}, "`cameras` must be a whole number from 2 to 10000. Received: 1."),
        ({"images": None}, "`images` must be a whole number from 2 to 1000. Received: None."),
        ({"seed": -1}, "`seed` must be a whole number from 0 to 2147483647. Received: -1."),
        ({"identities": 1.5}, "`identities` must be a whole number from 1 to 100000. Received: 1.5."),
        (
            {"test_cameras": 4},
            "`views` must be a whole number from 2 to 4 (as many as there are images and cameras). Received: 8.",
        ),
        (
            {"images": 10},
            "`images` must be at least twice `views`, so that every query's camera has a picture left for the gallery. "
            "Received: 10 and 8.",
        ),
    ],
)
def test_out_of_range(values, message):
    with pytest.raises(ReIDError) as error:
        people.Settings(**values)
    assert str(error.value) == message

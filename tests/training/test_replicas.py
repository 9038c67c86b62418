import json
from pathlib import Path

import numpy as np
import processes
import pytest

from keras_reid import ReIDError
from keras_reid.losses import BatchHardTriplet
from keras_reid.training.replicas import check_divisible

pytestmark = pytest.mark.timeout(900)

SCRIPT = Path(__file__).with_name("distributed.py")


def trained(devices, *settings):
    """What `distributed.py` prints."""
    done = processes.run(SCRIPT, devices, *settings)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.slow
@pytest.mark.parametrize("settings", [(), ("frozen",)], ids=["synchronised", "frozen"])
def test_two_devices_train_as_one(settings):
    one, two = trained(1, *settings), trained(2, *settings)
    assert (one["replicas"], two["replicas"]) == (1, 2)
    assert two["losses"] == pytest.approx(one["losses"], abs=1e-4)
    assert two["accuracies"] == one["accuracies"]
    assert two["weights"] == pytest.approx(one["weights"], rel=1e-4, abs=1e-5)
    assert one["losses"][-1] < one["losses"][0] - 0.01  # or equality would say little
    # Asked for three pictures, several devices give three vectors.
    np.testing.assert_allclose(two["embedding"], one["embedding"], atol=1e-4)


@pytest.mark.slow
def test_augmentation_repeats_itself_and_differs_between_devices():
    two = trained(2, "augmented")
    assert two == trained(2, "augmented")
    assert len(two["random"]) > 3
    for first, second in two["random"]:
        assert first[0] == second[0]
        assert second[1] - first[1] == 1 << 24


@pytest.mark.slow
def test_a_device_compares_whole_identities_among_themselves():
    """A batch of four people, two to each of two devices; which two is drawn."""
    two = trained(2, "frozen", "triplet")
    features, labels = np.array(two["features"], "float32"), np.arange(8) % 4
    loss = BatchHardTriplet()
    possible = []
    for others in (1, 2, 3):
        halves = [np.isin(labels, people) for people in ((0, others), sorted({1, 2, 3} - {others}))]
        possible.append(np.mean([loss(labels[half], features[half]) for half in halves]))
    assert len({round(float(value), 3) for value in (*possible, loss(labels, features))}) == 4  # they tell apart
    for found in two["losses"]:
        assert np.abs(np.array(possible) - found).min() < 1e-5


@pytest.mark.parametrize(("count", "replicas"), [(32, 1), (32, 4), (4, 4)])
def test_equal_shares(count, replicas):
    check_divisible(count, "images", replicas)


@pytest.mark.parametrize(("count", "replicas", "choice"), [(16, 3, "15 or 18"), (3, 4, "4")])
def test_unequal_shares(count, replicas, choice):
    with pytest.raises(ReIDError) as error:
        check_divisible(count, "identities", replicas)
    assert str(error.value) == (
        f"A batch of {count} identities cannot be shared equally by {replicas} devices: take {choice} identities, or "
        "another number of devices."
    )

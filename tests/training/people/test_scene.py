"""Who hides whom, light and shadow, and what a sensor makes of it."""

import dataclasses

import numpy as np
import pytest
from people_package import board, generator, module

cameras, places, scenes, sensor, view = map(module, ("cameras", "places", "scene", "sensor", "view"))
# 100 × 200 pixels from ten metres; a person 1 m wide and 2 m high on the origin is 50 × 100 of them.
VIEW = view.View(10, 1, 0, 0, left=-0.1, right=0.1, top=0.2, bottom=-0.2, height=200, width=100)
PERSON = (-0.5, 0.5, 0.0, 2.0, 0.0)


def scene(*people, seed=0, **changes):
    """A scene with these people, without things, sun and wall unless said otherwise."""
    camera = cameras.random_camera(generator(seed))
    light = dataclasses.replace(camera.light, sunny=False)
    place = dataclasses.replace(camera.place, wall_distance=1e4, busy=0.0)
    camera = dataclasses.replace(camera, **{"light": light, "place": place, **changes})
    found = scenes.Scene(camera, VIEW, generator(seed))
    found.draw(list(people))
    return found


def test_a_person_alone_is_not_hidden():
    found = scene(board(*PERSON))
    assert found.alone == np.count_nonzero(found.owner == 1) == 50 * 100
    assert found.occlusion() == 0
    rows, columns = np.nonzero(found.owner)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (50, 149, 25, 74)
    np.testing.assert_allclose(found.depth[found.owner == 1], 10, rtol=1e-6)


def test_half_hidden():
    # From 5 m away what is 0.25 m wide hides 0.5 m of a person 10 m away.
    found = scene(board(*PERSON), board(0, 0.5, -1, 3, 5, number=1))
    assert found.occlusion() == 0.5
    assert (found.owner[100, [40, 60]] == [1, 2]).all()


def test_people_behind_hide_nothing():
    found = scene(board(*PERSON), board(-0.5, 0.5, 0, 3, -2, number=1))
    assert found.occlusion() == 0
    assert (found.owner == 2).any()


def test_nobody_in_the_picture():
    assert scene(board(5, 6, 0, 2, 0)).occlusion() == 1


def test_something_in_front_leaves_enough_to_see():
    shares = []
    for seed in range(40):
        found = scene(board(*PERSON), seed=seed)
        found.draw_thing_in_front()
        shares.append(found.occlusion())
    assert max(shares) <= 0.6 + 1e-6
    assert np.count_nonzero(np.array(shares) > 0.05) > 10


def test_things_behind_hide_nothing():
    for seed in range(10):
        found = scene(board(*PERSON), seed=seed)
        found.camera = dataclasses.replace(found.camera, place=dataclasses.replace(found.camera.place, busy=4.0))
        found.draw_things_behind()
        assert found.occlusion() == 0


def test_a_shadow_falls_away_from_the_sun():
    towards_sun = np.array([1, 1, 0.5]) / 1.5
    above = view.View(12, 0, 1.2, 0, -0.4, 0.4, 0.4, -0.4, 120, 120)
    camera = cameras.random_camera(generator())
    light = dataclasses.replace(camera.light, towards_sun=towards_sun, sunny=True)
    place = dataclasses.replace(camera.place, ground=np.ones((256, 256, 3), np.float32), wall_distance=1e4)
    camera = dataclasses.replace(camera, light=light, place=place)
    found = scenes.Scene(camera, above, generator(1))
    assert found.sunny
    found.draw([board(*PERSON)])

    def brightness(x, z):
        column, row, _ = above.project(np.float32([[x, 0, z]]))[0]
        return found.colour[int(row), int(column)].mean()

    # The top, 2 m high, throws its shadow 2 m to the left and 1 m away from the camera.
    assert brightness(-1.0, -0.5) < 0.8 * brightness(1.0, 0.5)
    assert brightness(-2.8, -1.4) == pytest.approx(brightness(1.0, 0.5), rel=1e-3)


def test_a_plain_sensor_keeps_the_colour():
    plain = cameras.Sensor(
        white_balance=np.ones(3), exposure=1.0, gamma=1.0, contrast=1.0, saturation=1.0, haze=0.0, tint=np.zeros(3),
        lines=160, blur=0.0, noise=0.0, sharpened=False, quality=95,
    )  # fmt: skip
    light = np.empty((240, 96, 3), np.float32)
    light[:] = 0.5**2.2, 0.25**2.2, 0.75**2.2
    shown = np.array([sensor.develop(light, plain, 160, 64, generator(seed)) for seed in range(12)])
    assert shown.shape == (12, 160, 64, 3)
    assert shown.dtype == np.uint8
    # Exposure varies from picture to picture by 8 %, which the curve makes 0.08 / 2.2 of the shown value.
    np.testing.assert_allclose(np.median(shown, axis=(0, 1, 2)), [127.5, 63.75, 191.25], rtol=0.06)
    dark = dataclasses.replace(plain, exposure=0.5)
    assert sensor.develop(light, dark, 160, 64, generator()).mean() < shown[0].mean() * 0.8


def test_cameras_hang_where_cameras_do():
    for seed in range(25):
        camera = cameras.random_camera(generator(seed))
        assert 1.2 <= camera.height <= 9
        assert 2.5 <= camera.nearest < camera.farthest <= 2.6 * 9
        assert np.linalg.norm(camera.light.towards_sun) == pytest.approx(1)
        for texture in (camera.place.ground, camera.place.wall):
            assert texture.shape == (256, 256, 3)
            assert texture.min() >= 0
            assert texture.max() <= 1


def test_textures_continue_beyond_their_edges():
    blotches = places._blotches(generator(), 4, 1.0)
    seams = np.abs(blotches[0] - blotches[-1]).max(), np.abs(blotches[:, 0] - blotches[:, -1]).max()
    assert max(seams) <= 1.5 * np.abs(np.diff(blotches, axis=0)).max()

import pytest

from keras_reid import ReIDError, networks, training
from keras_reid.shipped import shipped
from keras_reid.training import catalogue

ONE = """
from keras_reid.training import Recipe, Stage


def _optimizer(rate):
    raise NotImplementedError


def {name}():
    return Recipe("{name}", "han_small", (Stage((160, 64, 3), 1, 0.1),), _optimizer)
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An installation whose only recipes are those the test writes there."""
    (tmp_path / "recipes").mkdir()
    monkeypatch.setattr(catalogue, "shipped", {"training": tmp_path}.__getitem__)
    catalogue._found.cache_clear()
    yield tmp_path / "recipes"
    catalogue._found.cache_clear()


@pytest.mark.parametrize("name", training.recipes())
def test_shipped_recipes(name):
    recipe = training.recipe(name)
    assert recipe.name == name
    assert recipe.miniature().epochs == len(recipe.stages)
    assert recipe.describe()["name"] == name
    command = f"keras-reid train --recipe {name} --data {recipe.data}"
    files = (shipped("training") / "recipes").glob("*.py")
    assert any(f"\n    {command}" in path.read_text() for path in files), f"no docstring has '{command} …'"


def test_pyramids_over_positions_take_a_miniatures_pictures():
    """Of all networks they ask most of the height: it has to split into equal parts at every stage."""
    recipe = training.recipe("apnet_s_cuhk03").miniature()
    model = networks.create(recipe.network, input_shape=recipe.stages[0].input_shape, width=8, **recipe.options)
    assert model.embedding_size == 3 * 256


@pytest.mark.parametrize("name", ["han_large", "han_small_dukemtmc", "han_medium_cuhk03", "han_large_msmt17"])
def test_the_recipe_of_harmonious_attention(name):
    """Section 4, "Implementation Details"."""
    recipe = training.recipe(name)
    rate = recipe.schedule(recipe.stages[0].learning_rate, 404, recipe.epochs)
    lasting = [float(rate(epoch * 404)) for epoch in (0, 99, 100, 199, 200, 249, 250, 299)]
    assert lasting == pytest.approx([3e-2, 3e-2, 3e-3, 3e-3, 3e-4, 3e-4, 3e-5, 3e-5])
    optimizer = recipe.optimizer(3e-2)
    assert (optimizer.momentum, optimizer.weight_decay) == (0.9, 5e-4)
    assert (recipe.batch_size, recipe.epochs, recipe.augmentation) == (32, 300, None)
    assert recipe.network == "_".join(name.split("_")[:2])
    assert recipe.data == (name.split("_")[2:] or ["market1501"])[0]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("aia_net_gaussian_dukemtmc", (250, 5e-4, 1.0, {"reduction": 4, "features": 960})),
        ("aia_net_gaussian_msmt17", (250, 5e-4, 1.0, {"reduction": 4, "features": 480})),
        ("aia_net_polynomial_cuhk01", (250, 1e-3, 1.5, {"reduction": 8})),
        ("bat_net_market1501", (300, 5e-4, 1.0, {"reduction": 4})),
        ("bat_net_without_aia_cuhk03", (300, 1e-3, 1.5, {"reduction": 8})),
    ],
)
def test_the_recipes_of_attention_in_attention(name, expected):
    """Section 4.4 of both papers."""
    epochs, rate, margin, options = expected
    recipe = training.recipe(name)
    assert (recipe.network, recipe.data) == tuple(name.rsplit("_", 1))
    assert (recipe.epochs, recipe.identities * recipe.images, dict(recipe.options)) == (epochs, 64, options)
    lasting = []
    for stage in recipe.stages:
        schedule = (stage.schedule or recipe.schedule)(stage.learning_rate, 100, stage.epochs)
        for epoch in range(stage.epochs):
            lasting.append(float(schedule(epoch * 100)) if callable(schedule) else schedule)
    falls = [epoch for epoch in (150, 200, 250) if epoch < epochs]
    assert lasting == pytest.approx([rate * 0.1 ** sum(fall <= epoch for fall in falls) for epoch in range(epochs)])
    erasing = [{**recipe.augmentation, **(stage.augmentation or {})}["erasing"] for stage in recipe.stages]
    assert [(stage.epochs, share) for stage, share in zip(recipe.stages, erasing, strict=True)] == [
        (50, 0.0),
        (epochs - 50, 0.5),
    ]
    losses = recipe.loss(("appearance", "part"))
    assert set(losses) == {"appearance", "appearance_features", "part", "part_features"}
    assert [losses[f"{b}_features"].margin for b in ("appearance", "part")] == [margin, margin]
    assert losses["part_features"].negatives == 5
    optimizer = recipe.optimizer(rate)
    assert (type(optimizer).__name__, optimizer.weight_decay, optimizer.beta_1, optimizer.beta_2) == (
        "Adam", 1e-4, 0.9, 0.999,
    )  # fmt: skip


def test_public_functions_are_recipes(folder):
    (folder / "one.py").write_text(ONE.format(name="first"))
    (folder / "two.py").write_text(ONE.format(name="second"))
    assert training.recipes() == ["first", "second"]
    assert training.recipe("second").name == "second"


def test_unknown_recipe(folder):
    (folder / "one.py").write_text(ONE.format(name="han_small") + ONE.format(name="bat_net"))
    with pytest.raises(ReIDError) as error:
        training.recipe("han_smal")
    assert str(error.value) == "There is no recipe 'han_smal'. Did you mean 'han_small'? Known: bat_net, han_small."
    with pytest.raises(ReIDError) as error:
        training.recipe("resnet")
    assert str(error.value) == "There is no recipe 'resnet'. Known: bat_net, han_small."


def test_two_recipes_of_one_name(folder):
    (folder / "one.py").write_text(ONE.format(name="same"))
    (folder / "two.py").write_text(ONE.format(name="same"))
    with pytest.raises(ReIDError) as error:
        training.recipes()
    assert str(error.value) == f"Two recipes are called 'same', one of them in '{folder / 'two.py'}': rename one."

import keras_reid
from keras_reid import training
from keras_reid.shipped import shipped


def test_the_recipe_in_the_readme(monkeypatch):
    readme = (shipped("training") / "README.md").read_text()
    lines = readme.partition("## Own recipes\n\n")[2].splitlines()
    code = "\n".join(line[4:] for line in lines[: next(i for i, line in enumerate(lines) if line[:1].strip())])
    ran = []
    monkeypatch.setattr(training, "run", lambda *arguments: ran.append(arguments))
    monkeypatch.setattr(keras_reid.data, "load", lambda *arguments: arguments)
    exec(code, {})
    [(recipe, data, output)] = ran
    assert (data, output) == (("folder", "/data/mine"), "runs/mine")
    assert recipe.optimizer(0.1).use_ema
    assert recipe.describe()["loss"] == "cross_entropy+triplet"


def test_the_readme_names_every_recipe():
    readme = (shipped("training") / "README.md").read_text()
    for name in training.recipes():
        assert f"`{name.removesuffix('_erasing')}`" in readme

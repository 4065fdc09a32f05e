"""The methods that the chapter on gradient ascent compares are those that their names say."""

from dataclasses import replace

from featviz.article.studies.ascent_methods import METHODS, STEPS
from featviz.ascent.recipes import KERAS, LUCID, STANDARD


def test_the_ladder_climbs_from_the_keras_examples_recipe_over_lucids_to_the_default():
    recipes = {name: recipe for name, (recipe, _) in METHODS.items()}
    assert next(iter(recipes.values())) == replace(KERAS, steps=STEPS)
    assert recipes["+ decorrelated color"] == replace(LUCID, steps=STEPS)
    assert list(recipes.values())[-1] == STANDARD

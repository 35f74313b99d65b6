"""Near and far are kept without anybody waiting for the card."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rig.recipe import Recipe, RecipeKeeper, load_recipe, save_recipe, with_limits


def test_the_latest_recipe_is_on_the_card_after_closing(tmp_path: Path) -> None:
    keeper = RecipeKeeper(tmp_path)
    for near in range(50):
        keeper.keep(Recipe(near_steps=near, far_steps=100))
    keeper.close()

    assert load_recipe(tmp_path) == Recipe(near_steps=49, far_steps=100)


def test_closing_twice_or_without_a_recipe_writes_nothing(tmp_path: Path) -> None:
    keeper = RecipeKeeper(tmp_path)
    keeper.close()
    keeper.close()

    assert list(tmp_path.iterdir()) == []


def test_a_card_that_cannot_be_written_is_only_told_of(tmp_path: Path, caplog) -> None:
    keeper = RecipeKeeper(tmp_path / "missing")
    keeper.keep(Recipe(near_steps=1))
    keeper.close()

    assert "will not be remembered" in caplog.text


BOXED = Recipe(near_steps=10, far_steps=90, box=(0.25, 0.25, 0.5, 0.5))


def test_the_box_is_remembered_with_near_and_far(tmp_path: Path) -> None:
    save_recipe(tmp_path, BOXED)

    assert load_recipe(tmp_path) == BOXED


@pytest.mark.parametrize("box", [[0, 0, 9, 9], [0.1], "all", {"x": 1}, 7, None])
def test_a_box_that_makes_no_sense_is_none(tmp_path: Path, box: object) -> None:
    (tmp_path / "recipe.json").write_text(json.dumps({"near_steps": 10, "box": box}))

    assert load_recipe(tmp_path) == Recipe(near_steps=10)


def test_limits_set_otherwise_are_those_of_no_box() -> None:
    assert with_limits(BOXED, 10, 80).box is None
    assert with_limits(BOXED, None, None).box is None
    assert with_limits(BOXED, 90, 10).box == BOXED.box

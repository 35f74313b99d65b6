"""Near and far are kept without anybody waiting for the card."""

from __future__ import annotations

from pathlib import Path

from rig.recipe import Recipe, RecipeKeeper, load_recipe


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

"""All recipes by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from synetune_lab.blackbox_repository.conversion_scripts.scripts.fcnet_import import FCNETRecipe
from synetune_lab.blackbox_repository.conversion_scripts.scripts.icml2020_import import (
    DeepARRecipe,
    XGBoostRecipe,
)
from synetune_lab.blackbox_repository.conversion_scripts.scripts.lcbench_import import (
    LCBenchRecipe,
)
from synetune_lab.blackbox_repository.conversion_scripts.scripts.nasbench201_import import (
    NASBench201Recipe,
)
from synetune_lab.blackbox_repository.conversion_scripts.scripts.pd1_import import PD1Recipe
from synetune_lab.blackbox_repository.conversion_scripts.scripts.yahpo_import import (
    YAHPO_SCENARIOS,
    YAHPORecipe,
    instantiate_yahpo,
)

if TYPE_CHECKING:
    from synetune_lab.blackbox_repository.conversion_scripts.blackbox_recipe import BlackboxRecipe

__all__ = ["generate_blackbox_recipes", "instantiate_yahpo"]


def generate_blackbox_recipes() -> dict[str, BlackboxRecipe]:
    """A recipe for each benchmark that is made from raw data."""
    recipes: list[BlackboxRecipe] = [
        DeepARRecipe(),
        XGBoostRecipe(),
        FCNETRecipe(),
        LCBenchRecipe(),
        NASBench201Recipe(),
        PD1Recipe(),
        *(YAHPORecipe(f"yahpo-{scenario}") for scenario in YAHPO_SCENARIOS),
    ]
    return {recipe.name: recipe for recipe in recipes}

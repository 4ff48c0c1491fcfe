"""The settings that hold back overfitting, as a model was trained with them."""

from __future__ import annotations

from dataclasses import dataclass

from core.model.config import InterestConfig
from core.views.wording import listing

NAMES = {
    "patience": "Early stopping, epochs",
    "epochs": "Epochs at most",
    "weight_decay": "L2 (weight decay)",
    "dropout": "LSTM dropout",
    "id_dropout": "Item dropout",
    "part_dropout": "Part dropout",
    "text_dropout": "Text dropout",
    "averaging": "Average of weights",
    "label_smoothing": "Label smoothing",
}
"""What each setting is called, by its name in ``InterestConfig``."""
ABOUT = (
    "Early stopping ends training after so many epochs without a better validation NDCG@10. "
    "Dropout is the share left out in training: of LSTM inputs and outputs, items' ids, parts of "
    "events, review texts. What each is worth was measured on validation events "
    "(docs/trials.md). Other values: train --config FILE, or tune."
)


@dataclass(frozen=True, slots=True)
class SettingRow:
    """One setting."""

    name: str
    """What it is called."""
    field: str
    """Its name in a file for ``--config``."""
    value: float
    """What the model was trained with."""
    usual: float
    """The default."""

    COLUMNS = "name value usual field"


def setting_rows(config: InterestConfig) -> tuple[SettingRow, ...]:
    """The settings of a model beside the defaults."""
    usual = InterestConfig()
    return tuple(
        SettingRow(name, field, float(getattr(config, field)), float(getattr(usual, field)))
        for field, name in NAMES.items()
    )


def settings_sentence(rows: tuple[SettingRow, ...]) -> str:
    """Which settings differ from the defaults."""
    other = [
        f"{row.field} {row.value:g} (default {row.usual:g})"
        for row in rows
        if row.value != row.usual
    ]
    if not other:
        return "All settings against overfitting are the defaults."
    return f"Settings against overfitting that differ from the defaults: {listing(other)}."

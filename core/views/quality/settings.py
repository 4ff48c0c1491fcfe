"""The settings that hold back overfitting, as a model was trained with them."""

from __future__ import annotations

from dataclasses import dataclass

from core.language import mark, tr
from core.model.config import InterestConfig
from core.views.wording import listing

NAMES = {
    "patience": mark("Early stopping, epochs"),
    "epochs": mark("Epochs at most"),
    "weight_decay": mark("L2 (weight decay)"),
    "dropout": mark("LSTM dropout"),
    "id_dropout": mark("Item dropout"),
    "part_dropout": mark("Part dropout"),
    "text_dropout": mark("Text dropout"),
    "averaging": mark("Average of weights"),
    "label_smoothing": mark("Label smoothing"),
}
"""What each setting is called, by its name in ``InterestConfig``."""
ABOUT = mark(
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
        SettingRow(tr(name), field, float(getattr(config, field)), float(getattr(usual, field)))
        for field, name in NAMES.items()
    )


def settings_sentence(rows: tuple[SettingRow, ...]) -> str:
    """Which settings differ from the defaults."""
    other = [
        tr(
            "{field} {value:g} (default {usual:g})",
            field=row.field,
            value=row.value,
            usual=row.usual,
        )
        for row in rows
        if row.value != row.usual
    ]
    if not other:
        return tr("All settings against overfitting are the defaults.")
    return tr(
        "Settings against overfitting that differ from the defaults: {settings}.",
        settings=listing(other),
    )

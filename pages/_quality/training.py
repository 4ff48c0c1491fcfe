"""The tab "Training": how the loss went, and what held back overfitting."""

from __future__ import annotations

import streamlit as st
from streamlit import column_config as col

from core.domain import DomainError
from core.engine import Engine
from core.figures.quality import epochs_figure
from core.language import tr
from core.model.metrics import Metrics
from core.views.interest_map import trust_sentence
from core.views.quality import model_sentences as wording
from core.views.quality.rows import EPOCH_COLUMNS
from core.views.quality.settings import ABOUT, SettingRow, setting_rows, settings_sentence
from core.views.tables import table
from pages._shared import drawing, notices


def draw(engine: Engine) -> None:
    """The curve with its table, the settings, sentiment and map."""
    metrics = notices.metrics_of(engine) or Metrics()
    sentence = wording.training(metrics)
    if metrics.training:
        drawing.chart("epochs", epochs_figure(metrics, drawing.palette()), sentence)
        with st.expander(tr("As a table")):
            drawing.table(table(metrics.training, EPOCH_COLUMNS), sentence, height="auto")
    else:
        notices.say(sentence)
    draw_settings(engine)
    notices.say(wording.sentiment(metrics.sentiment))
    notices.say(trust_sentence(metrics.trustworthiness))


def draw_settings(engine: Engine) -> None:
    """Which differ from the defaults; all as a table."""
    try:
        rows = setting_rows(engine.config.settings)
    except DomainError as problem:
        notices.caution(str(problem))
        return
    said = settings_sentence(rows)
    notices.say(said)
    columns = {
        "name": col.TextColumn(tr("Setting"), width=160),
        "value": col.NumberColumn(tr("Model"), format="%g", width=70),
        "usual": col.NumberColumn(tr("Default"), format="%g", width=70),
        "field": col.TextColumn(tr("Name in --config")),
    }
    with st.expander(tr("Settings as a table")):
        drawing.table(table(rows, SettingRow.COLUMNS), said, columns, height="auto")
        notices.caution(tr(ABOUT))

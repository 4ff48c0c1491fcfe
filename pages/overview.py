"""What is in this corpus, does the model earn trust, where should I look first?"""

from __future__ import annotations

import streamlit as st

from pages._shared import controls


def main() -> None:
    """Draw the page."""
    st.title("Where should I look first?", anchor=False)
    controls.need_engine()


if __name__ == "__main__":
    controls.run(main)

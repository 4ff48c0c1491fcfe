"""Are titles cut while columns stand empty? ``python -m benchmarks.titles``.

The app runs with an empty library on the demo in a window of 1440 pixels. Of every table that Glide
draws, the cells of its text columns are measured in the table's own font; a table fails where some
are cut although the other columns have 30 pixels or more to spare. What a reader types into
(the history of What-if) is left out: its titles are chosen from a list.
"""

from __future__ import annotations

import sys

from playwright.sync_api import Page

from benchmarks.measuring import Line, record, show
from benchmarks.serving import IDLE, busiest_user, looking, served

WIDTH, HEIGHT = 1440, 2400
SPARE = 30
"""Pixels of other columns that would have been of use to a title."""
TOLD = 2_500
"""Milliseconds in which the browser tells its width and the page is drawn with it."""
PAGES = (
    *("", "users", "cohorts", "quality", "monitor"),
    *("timeline", "explain", "what_if", "compare"),
)
MEASURE = """() => {
    const pen = document.createElement("canvas").getContext("2d");
    return [...document.querySelectorAll("[data-testid=stDataFrame]")].map(table => {
        const canvas = table.querySelector("canvas");
        if (!canvas) return null;
        let fiber = canvas[Object.keys(canvas).find(key => key.startsWith("__reactFiber"))], own;
        for (; fiber && !own; fiber = fiber.return) {
            const props = fiber.memoizedProps;
            if (Array.isArray(props?.columns) && props.getCellContent
                && typeof props.columns[0]?.width === "number") own = props;
        }
        if (!own) return null;
        pen.font = "13px " + getComputedStyle(table).fontFamily;
        return own.columns.map((column, at) => {
            let longest = pen.measureText(column.title ?? "").width, cut = 0;
            for (let row = 0; row < Math.min(own.rows, 40); row++) {
                const cell = own.getCellContent([at, row]);
                const text = cell.displayData ?? cell.data?.label ?? cell.copyData;
                const width = pen.measureText(text ?? "").width;
                longest = Math.max(longest, width);
                if (cell.kind === "text" && width + 16 > column.width + 1) cut++;
            }
            const isEdited = column.icon !== undefined;
            return {spare: column.width - longest - 16, cut, isEdited, name: column.title};
        });
    });
}"""


def cut_in(page: Page, address: str) -> list[str]:
    """What is wrong with each table of a page."""
    page.goto(address)
    page.wait_for_selector(IDLE, timeout=120_000)
    page.wait_for_timeout(TOLD)
    page.wait_for_selector(IDLE, timeout=120_000)
    wrong = []
    for columns in page.evaluate(MEASURE):
        if not columns or any(column["isEdited"] for column in columns):
            continue
        cut = sum(column["cut"] for column in columns)
        spare = sum(max(column["spare"], 0) for column in columns if not column["cut"])
        if cut and spare >= SPARE:
            names = ", ".join(column["name"] for column in columns if column["cut"])
            wrong.append(f"{cut} cells of {names}, {spare:.0f} px free")
    return wrong


def run() -> list[Line]:
    """One line per page."""
    user, events = busiest_user()
    lines = []
    with served() as server, looking(WIDTH, HEIGHT) as page:
        for name in PAGES:
            wrong = cut_in(
                page, f"{server.address}/{name}?corpus=demo&user={user}&time={events - 6}"
            )
            what = f"titles cut at {WIDTH} while columns stand empty, {name or 'overview'}"
            lines.append(show(Line(what, "0", "; ".join(wrong) or "0", not wrong)))
    return lines


if __name__ == "__main__":
    measured = run()
    record("titles", {"titles": measured})
    sys.exit(not all(line.met for line in measured))

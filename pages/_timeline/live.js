// Puts what moves into the charts that Streamlit has drawn, by the plotly.js that it has loaded, and
// says what a clicked mark carries. Charts are looked for whenever the page changes, since Streamlit
// draws them late and sometimes anew; whoever redraws one without its marks gets them put back.
let charts = {}, send = () => {}, waits = false;
const applied = new WeakMap(), heard = new WeakMap();

const rest = (parts) => (parts ?? []).filter((part) => ![part.meta, part.name].includes("moving"));
const plotOf = (key) => document.querySelector(`.st-key-${key} .js-plotly-plot`);

function put(key) {
  const plot = plotOf(key), moving = charts[key], last = applied.get(plot);
  if (!plot?._fullLayout?._size || !window.Plotly || !plot.querySelector(".main-svg")) return;
  listen(key, plot);
  if (last && last.moving === moving && last.layout === plot.layout) return;
  const shapes = [...moving.shapes, ...rest(plot.layout.shapes)];
  const annotations = [...rest(plot.layout.annotations), ...moving.annotations];
  const layout = { ...plot.layout, ...moving.layout, shapes, annotations };
  applied.set(plot, { moving, layout });
  if (moving.said) plot.closest("[role=figure]")?.setAttribute("aria-label", moving.said);
  window.Plotly.react(plot, [...rest(plot.data), ...moving.data], layout, plot._context);
}

function listen(key, plot) {
  if (heard.get(plot) === plot._ev) return;  // plotly forgets listeners when it draws anew
  heard.set(plot, plot._ev);
  plot.on("plotly_afterplot", look);
  plot.on("plotly_click", ({ points }) => {
    const marks = points.map(({ customdata }) => customdata).filter((mark) => mark !== undefined);
    if (marks.length) send("picked", [marks[0]].flat());
  });
}

function look() {
  if (waits) return;
  waits = true;
  requestAnimationFrame(() => {
    waits = false;
    fit();
    Object.keys(charts).forEach(put);
  });
}

// How far down the page the charts' pane begins, for live.css.
function fit() {
  const pane = document.querySelector(".st-key-charts"), main = pane?.closest("section");
  if (!pane) return;
  const top = Math.round(pane.getBoundingClientRect().top + (main?.scrollTop ?? 0));
  const style = document.documentElement.style, told = `${top}px`;
  if (style.getPropertyValue("--charts-top") !== told) style.setProperty("--charts-top", told);
}

const observer = new MutationObserver(look);

export default function ({ data, setTriggerValue }) {
  charts = data.charts;
  send = setTriggerValue;
  Object.keys(charts).forEach(put);
  observer.observe(document.body, { childList: true, subtree: true });
  return () => observer.disconnect();
}

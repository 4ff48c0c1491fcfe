// Keys for the whole workbench. What is pressed in a field, a grid or an open dialog is left alone,
// and so are Space and the arrows on a control that has a use for them itself.
const FIELDS = "textarea, select, [contenteditable=true], canvas, [role=combobox], " +
  "input:not([type=range]):not([type=checkbox]):not([type=radio])";
const MOVED = "input, [role=radio], [role=tab], [role=slider], [role=option], [role=menuitem]";
const CLICKED = `${MOVED}, button, summary, [role=button]`;
let pressed = [], count = 0, listener = null, focused = "";

function nameOf(event) {
  const { key } = event;
  if (event.altKey) return "";
  if (event.ctrlKey || event.metaKey) return key.toLowerCase() === "k" ? "Ctrl+K" : "";
  if (key === " ") return event.shiftKey ? "" : "Space";
  if (key.startsWith("Arrow")) return (event.shiftKey ? "Shift+" : "") + key;
  return key.length === 1 ? key.toUpperCase() : key;
}

function isTaken(place, name) {
  if (document.querySelector("[role=dialog]:not([data-testid=stPopoverBody])")) return true;
  if (name === "Ctrl+K" || !place.closest) return false;
  const uses = name === "Space" ? CLICKED : name.includes("Arrow") ? MOVED : null;
  return Boolean(place.closest(FIELDS) || (uses && place.closest(uses)));
}

// In the palette Enter opens the first hit, arrows go from one to the next.
function isInPalette(place, name) {
  const palette = place.closest && place.closest(".st-key-jump");
  if (!palette) return false;
  const stops = [...palette.querySelectorAll("input, button")];
  const step = { ArrowDown: 1, ArrowUp: -1 }[name];
  if (step) stops[Math.min(Math.max(stops.indexOf(place) + step, 0), stops.length - 1)].focus();
  return Boolean(step) || (name === "Enter" && place.tagName === "INPUT");
}

// A dialog draws its field after this has run, so it is looked for a while.
function focusOn(selector, tries = 60) {
  const place = document.querySelector(selector);
  if (place) place.focus();
  else if (tries) setTimeout(() => focusOn(selector, tries - 1), 50);
}

export default function ({ data, setStateValue }) {
  if (data.focus && data.focus !== focused) focusOn(data.focus);
  focused = data.focus;
  if (listener) document.removeEventListener("keydown", listener);
  listener = (event) => {
    if (event.isComposing) return;
    const name = nameOf(event), place = event.composedPath()[0];
    const isJump = isInPalette(place, name);
    const isOurs = data.keys.includes(name) && !event.defaultPrevented && !isTaken(place, name);
    if (!isJump && !isOurs) return;
    event.preventDefault();
    if ((isJump && name !== "Enter") || (event.repeat && !name.includes("Arrow"))) return;
    count += 1;
    pressed = [...pressed, name].slice(-data.most);
    setStateValue("pressed", { count, pressed });  // all so far: a busy server misses no press
  };
  document.addEventListener("keydown", listener);
  return () => document.removeEventListener("keydown", listener);
}

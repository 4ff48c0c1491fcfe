// Keys for the whole workbench. What is pressed in a field, a grid or an open dialog is left alone,
// and so are Space and the arrows on a control that has a use for them itself.
const FIELDS = "textarea, select, [contenteditable=true], canvas, [role=combobox], " +
  "input:not([type=range]):not([type=checkbox]):not([type=radio])";
const MOVED = "input, [role=radio], [role=tab], [role=slider], [role=option], [role=menuitem]";
const CLICKED = `${MOVED}, button, summary, [role=button]`;
let focused = "";

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

// In the palette and among the users that were found Enter takes the first hit, arrows go from one to
// the next. What the server is told of Enter, and of anything else that is done here already.
const LISTS = { ".st-key-jump": "Enter", ".st-key-find_user": "Enter user" };
function inList(place, name) {
  const box = Object.keys(LISTS).find((box) => place.closest && place.closest(box));
  if (!box) return "";
  const stops = [...place.closest(box).querySelectorAll("input, button")];
  const step = { ArrowDown: 1, ArrowUp: -1 }[name];
  if (step) stops[Math.min(Math.max(stops.indexOf(place) + step, 0), stops.length - 1)].focus();
  if (step) return "moved";
  return name === "Enter" && place.tagName === "INPUT" ? LISTS[box] : "";
}

// A dialog draws its field after this has run, so it is looked for a while.
function focusOn(selector, tries = 60) {
  const place = document.querySelector(selector);
  if (place) place.focus();
  else if (tries) setTimeout(() => focusOn(selector, tries - 1), 50);
}

// One listener for as long as the tab lives: Streamlit starts the component anew on every page and
// now and then between two runs, and what is pressed meanwhile waits for it. What was pressed is all
// told again, so that a busy server misses no press.
const keyboard = (document[Symbol.for("tastelines keys")] ??= { pressed: [], count: 0, told: 0 });

function tell() {
  if (!keyboard.send || keyboard.told === keyboard.count) return;
  keyboard.told = keyboard.count;
  keyboard.send("pressed", { count: keyboard.count, pressed: keyboard.pressed });
}

function hear(event) {
  if (event.isComposing) return;
  const key = nameOf(event), place = event.composedPath()[0];
  const listed = inList(place, key), name = listed || key;
  const isOurs = keyboard.keys.includes(key) && !event.defaultPrevented && !isTaken(place, key);
  if (!listed && !isOurs) return;
  event.preventDefault();
  if (listed === "moved" || (event.repeat && !key.includes("Arrow"))) return;
  keyboard.count += 1;
  keyboard.pressed = [...keyboard.pressed, name].slice(-keyboard.most);
  tell();
}

export default function ({ data, setStateValue }) {
  if (data.focus && data.focus !== focused) focusOn(data.focus);
  focused = data.focus;
  Object.assign(keyboard, data, { send: setStateValue });
  if (keyboard.hear) document.removeEventListener("keydown", keyboard.hear);
  document.addEventListener("keydown", (keyboard.hear = hear));
  tell();
  return () => {
    if (keyboard.send === setStateValue) keyboard.send = null;
  };
}

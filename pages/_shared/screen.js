// Says whether the window is narrow, and how wide the page's middle is in steps of 20 pixels, when
// that has changed. Python knows the same first values: a window of 1280 pixels costs no rerun.
const STEP = 20;
const told = { narrow: false, room: 920 };
const query = window.matchMedia("(max-width: 640px)");

function roomOf(block) {
  const { paddingLeft, paddingRight } = getComputedStyle(block);
  const inside = block.getBoundingClientRect().width - parseFloat(paddingLeft) - parseFloat(paddingRight);
  return Math.floor((inside + 1) / STEP) * STEP;
}

// On a phone the sidebar covers the page; it goes away once a page is chosen in it.
function uncover({ target }) {
  if (!query.matches || !target.closest?.("[data-testid=stSidebarNavLink]")) return;
  document.querySelector("[data-testid=stSidebarCollapseButton] button")?.click();
}

export default function ({ setStateValue }) {
  const block = document.querySelector("[data-testid=stMainBlockContainer]");
  let waits;
  const tell = () => {
    const now = { narrow: query.matches, room: block ? roomOf(block) : told.room };
    for (const [name, value] of Object.entries(now)) {
      if (told[name] === value) continue;
      told[name] = value;
      setStateValue(name, value);
    }
  };
  const settled = () => {
    clearTimeout(waits);
    waits = setTimeout(tell, 150);
  };
  const observer = new ResizeObserver(settled);
  if (block) observer.observe(block);
  query.addEventListener("change", tell);
  document.addEventListener("click", uncover);
  tell();
  return () => {
    clearTimeout(waits);
    observer.disconnect();
    query.removeEventListener("change", tell);
    document.removeEventListener("click", uncover);
  };
}

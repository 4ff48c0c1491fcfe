// Says whether the window is narrow, when that is not yet known or has changed.
const query = window.matchMedia("(max-width: 640px)");
let told = false;

export default function ({ setStateValue }) {
  const tell = () => {
    if (query.matches === told) return;
    told = query.matches;
    setStateValue("narrow", told);
  };
  query.addEventListener("change", tell);
  tell();
  return () => query.removeEventListener("change", tell);
}

// A keyboard, or a remote control that sends keys: Space or Enter is the main button of what is shown now, the arrows
// move the focus, Escape stops. Only where no control has the keyboard's attention, which then means that control.

import { $ } from "./dom.js";

const MAIN = { live: ["shoot"], count: ["call-off"], capture: ["pause", "resume"], done: ["see"], fault: ["recover"] };
const JOG = { ArrowLeft: "-1", ArrowRight: "1", ArrowDown: "-10", ArrowUp: "10" };
const MAIN_KEYS = [" ", "Enter", "MediaPlayPause"];

/** The button that a key means now, null for none. */
function meant({ key, repeat }) {
  const mode = document.body.dataset.mode;
  if (JOG[key]) return mode === "live" ? document.querySelector(`[data-jog="${JOG[key]}"]`) : null;
  if (repeat) return null; // a key that is held shoots once
  if (key === "Escape") return { count: $("call-off"), capture: $("stop"), live: $("halt") }[mode] ?? null;
  if (!MAIN_KEYS.includes(key)) return null;
  return MAIN[mode]?.map($).find((button) => !button.hidden) ?? null;
}

addEventListener("keydown", (event) => {
  const elsewhere = document.activeElement && ![document.body, $("main")].includes(document.activeElement);
  if (event.altKey || event.ctrlKey || event.metaKey || (elsewhere && event.key !== "Escape")) return;
  const button = meant(event);
  if (!button || button.hidden || button.disabled) return;
  event.preventDefault();
  button.click();
});

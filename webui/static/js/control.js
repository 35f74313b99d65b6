// Who commands the rig: watchers see who does and may ask; the holder may keep it for ten seconds.

import { ask, post, remove } from "./api.js";
import { $, el, guest, say } from "./dom.js";
import { t } from "./i18n.js";
import * as link from "./link.js";
import { explain } from "./shell.js";

let told = performance.now(); // when left_s was true

async function order(promise) {
  try {
    link.controlIs(await promise);
  } catch (problem) {
    if (problem.status === undefined) throw problem;
    explain(problem);
  }
}

const text = el("span");
const button = (word, act) => {
  const made = el("button", { type: "button", textContent: t(word) });
  made.addEventListener("click", () => order(act()));
  return made;
};
const take = button("control.take", () => post("/api/control", { take: true }));
const keep = button("control.keep", () => post("/api/control", { keep: true }));
const give = button("control.give", () => remove("/api/control"));
const pair = el("a", { className: "button", href: "/pair", textContent: t("guest.pair") });
$("control").append(text, el("span", { className: "row" }, ...(guest ? [pair] : [take, keep, give])));

/** A browser that needs no pairing has no name of its own; the rig calls it this. */
const named = (name) => (name === "Another browser" ? t("control.browser") : name);

function sentence({ holder, mine, asking, asking_mine, left_s }) {
  const s = Math.max(0, Math.ceil((left_s ?? 0) - (performance.now() - told) / 1000));
  if (asking_mine) return t("control.waiting", { name: named(holder), s });
  if (mine && asking) return t("control.asked", { name: named(asking), s });
  return holder && !mine ? t("control.other", { name: named(holder) }) : "";
}

function show() {
  const { control } = link.now();
  const words = guest ? t("guest.looks") : control ? sentence(control) : "";
  $("control").hidden = !words;
  say(text, words);
  if (!words) return;
  if (guest) return;
  take.hidden = control.mine || Boolean(control.asking);
  keep.hidden = give.hidden = !(control.mine && control.asking);
}

show();
link.subscribe((state, quality, news) => {
  if (news === "control") told = performance.now();
  show();
});
setInterval(async () => {
  const { control } = link.now();
  if (!control?.asking) return;
  show();
  if (performance.now() - told > (control.left_s + 0.5) * 1000) order(ask("GET", "/api/control")); // the time is up
}, 1000);

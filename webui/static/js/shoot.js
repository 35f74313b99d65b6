// The Shoot page: one picture, and below it the controls of what the rig is doing now.

import { drawAssist } from "./assist.js";
import { $, $$, press, say } from "./dom.js";
import { showFocus, wireFocus } from "./focus.js";
import { t } from "./i18n.js";
import * as link from "./link.js";
import { LiveView } from "./live.js";
import { modeOf, showProgress, wireProgress } from "./progress.js";
import "./shell.js";

const assists = { zoom: false, peaking: false, zebra: false, histogram: false };
const live = new LiveView($("live"), drawn, () => link.resync());
const ZOOM = 0.25; // side of the enlarged part
let centre = [0.5, 0.5];

function drawn(canvas, score) {
  $("waiting").hidden = true;
  drawAssist(canvas, $("assist"), $("histogram"), assists);
  say($("score"), t("picture.focus", { n: Math.round(score * 1000) }));
  $("score").hidden = document.body.dataset.mode !== "live";
}

function showAge() {
  const age = live.age_s;
  const stale = age !== null && age > 1;
  $("age").hidden = !stale || document.body.dataset.mode !== "live";
  if (stale) say($("age"), t("picture.age", { s: age.toFixed(0) }));
  $("picture").classList.toggle("stale", stale && link.now().link === "lost");
}

function look() {
  const corner = (at) => Math.min(1 - ZOOM, Math.max(0, at - ZOOM / 2));
  live.look(assists.zoom ? [corner(centre[0]), corner(centre[1]), ZOOM, ZOOM] : null);
}

function toggleAssist(name) {
  assists[name] = !assists[name];
  press(document.querySelector(`[data-assist=${name}]`), assists[name]);
  $("histogram").hidden = !assists.histogram;
  if (name === "zoom") look();
}

/** Where in the picture a tap fell, as fractions of the picture itself (not of its black borders). */
function inPicture(event) {
  const canvas = $("live");
  const box = canvas.getBoundingClientRect();
  const scale = Math.min(box.width / canvas.width, box.height / canvas.height);
  const at = (offset, side, pixels) => 0.5 + (offset - side / 2) / (pixels * scale);
  const point = [at(event.clientX - box.left, box.width, canvas.width), at(event.clientY - box.top, box.height, canvas.height)];
  return point.map((part) => Math.min(1, Math.max(0, part)));
}

function show(state) {
  const mode = modeOf(state);
  if (document.body.dataset.mode !== mode) {
    document.body.dataset.mode = mode;
    document.body.classList.toggle("busy", mode === "capture");
    for (const part of $$("[data-when]")) part.hidden = part.dataset.when !== mode;
    if (mode !== "live") {
      for (const name of Object.keys(assists)) if (assists[name]) toggleAssist(name);
      $("assist").width = 0;
      $("score").hidden = true;
    }
  }
  showFocus(state);
  showProgress(state, mode);
  obey(state.allowed);
}

/** The rig knows what may be asked now; the page has no rules of its own. */
function obey(allowed) {
  const offline = link.now().link === "lost";
  for (const button of $$("[data-action]")) {
    const may = allowed.includes(button.dataset.action) && !offline;
    if (["start_bracket", "set_near", "set_far"].includes(button.dataset.action) && button.id !== "again") button.disabled = !may;
    else if (offline) button.disabled = true;
    else {
      button.disabled = false;
      button.hidden = !may || button.dataset.never === "1";
    }
  }
  for (const button of $$("[data-jog]")) button.disabled = offline || !allowed.includes("jog");
  $("rail").disabled = offline || !allowed.includes("goto");
}

for (const button of $$("[data-assist]")) button.addEventListener("click", () => toggleAssist(button.dataset.assist));
$("live").addEventListener("dblclick", (event) => {
  if (document.body.dataset.mode !== "live") return;
  centre = inPicture(event);
  toggleAssist("zoom");
});
wireFocus(live);
wireProgress();
link.subscribe((state) => state && show(state));
addEventListener("redraw", () => link.now().state && show(link.now().state));
setInterval(showAge, 500);
live.start();
globalThis.fieldstack = { live }; // for the curious, and for tests that count pictures

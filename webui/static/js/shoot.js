// The Shoot page: one picture, and below it the controls of what the rig is doing now.

import { drawAssist } from "./assist.js";
import { keepAwake } from "./awake.js";
import { draw as drawBox, showBox, wireBox } from "./box.js";
import { $, $$, press, say } from "./dom.js";
import { showFocus, wireFocus } from "./focus.js";
import { number, said, t } from "./i18n.js";
import * as link from "./link.js";
import { LiveView } from "./live.js";
import { Loupe } from "./loupe.js";
import { modeOf, showProgress, wireProgress } from "./progress.js";
import "./keys.js";
import { toast } from "./shell.js";
import { showCountdown, wireTimer } from "./timer.js";
import { inPicture, showTouch, wireTouch } from "./touch.js";

const assists = { peaking: false, zebra: false, histogram: false };
const live = new LiveView($("live"), drawn, () => link.resync());
wireBox(live); // before the loupe: what draws a box moves nothing
const loupe = new Loupe($("live"), live, (event) => inPicture(event, $("live"), live.roi), enlarged);

function drawn(canvas, score) {
  $("waiting").hidden = true;
  drawAssist(canvas, $("assist"), $("histogram"), assists);
  drawBox();
  say($("score"), t("picture.focus", { n: Math.round(score * 1000) }));
  showTimes();
  $("score").hidden = document.body.dataset.mode !== "live";
}

function showAge() {
  const age = live.age_s;
  const stale = age !== null && age > 1;
  $("age").hidden = !stale || document.body.dataset.mode !== "live";
  if (stale) say($("age"), t("picture.age", { s: age.toFixed(0) }));
  $("picture").classList.toggle("stale", stale && link.now().link === "lost");
}

function enlarged(times) {
  press($("zoom"), times > 1);
  $("times").hidden = times === 1;
  showTimes(times);
}

/** How often enlarged; and, where the sensor's own pixels are seen, how large these are on the screen's. */
function showTimes(times = 1 / loupe.side) {
  const exact = live.magnified;
  say($("times"), [`×${number(times, 1)}`, exact && `${Math.round(100 * exact)} %`].filter(Boolean).join(" · "));
}

function toggleAssist(name) {
  assists[name] = !assists[name];
  press(document.querySelector(`[data-assist=${name}]`), assists[name]);
  $("histogram").hidden = !assists.histogram;
}

let heard = null; // what the rig said last

/** What the rig has to say stands below the controls, or in the verdict; a thumb on the picture would not see it there. */
function tell(state, mode) {
  const message = said(state, "message");
  if (heard !== null && message && message !== heard && ["live", "capture"].includes(mode)) toast(message);
  heard = message;
}

function show(state) {
  const mode = modeOf(state);
  if (document.body.dataset.mode !== mode) {
    document.body.dataset.mode = mode;
    document.body.classList.toggle("busy", mode === "capture" || mode === "count");
    for (const part of $$("[data-when]")) part.hidden = part.dataset.when !== mode;
    if (mode !== "live") {
      for (const name of Object.keys(assists)) if (assists[name]) toggleAssist(name);
      if (loupe.side < 1) loupe.toggle();
      $("assist").width = 0;
      $("score").hidden = true;
    }
  }
  showFocus(state);
  showProgress(state, mode);
  showCountdown(state);
  showTouch(state, live, mode);
  showBox(state, mode);
  tell(state, mode);
  obey(state);
}

// Always in place, grey when not possible; the others come and go.
const STAY = ["shoot", "near", "far"];
// Wait for the end of a move by themselves, see focus.js.
const PATIENT = ["start_bracket", "set_near", "set_far"];

/** The rig knows what may be asked now; the page has no rules of its own. */
function obey({ allowed, state, plan, focus }) {
  const offline = link.now().link === "lost";
  const may = (action) => allowed.includes(action) || (state === "moving" && PATIENT.includes(action) && (action !== "start_bracket" || plan));
  for (const button of $$("[data-action]")) {
    const possible = may(button.dataset.action);
    const stays = STAY.includes(button.id);
    button.disabled = offline || (stays && !possible);
    button.hidden = !stays && (!possible || button.dataset.never === "1");
  }
  $("clear").hidden ||= focus.near_steps === null && focus.far_steps === null;
  for (const button of $$("[data-jog]")) button.disabled = offline || !may("jog");
  $("rail").disabled = offline || !may("goto");
}

for (const button of $$("[data-assist]")) button.addEventListener("click", () => toggleAssist(button.dataset.assist));
$("zoom").addEventListener("click", () => loupe.toggle());
wireTouch(live, (point) => loupe.toggle(point));
wireFocus(live);
wireProgress();
wireTimer();
link.subscribe((state) => state && show(state));
addEventListener("redraw", () => link.now().state && show(link.now().state));
setInterval(showAge, 500);
live.start();
keepAwake($("awake"));
globalThis.fieldstack = { live }; // for the curious, and for tests that count pictures

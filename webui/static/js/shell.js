// What every page has: the strip, the banner, the toast, theme and hand.

import { post } from "./api.js";
import { $, guest, say } from "./dom.js";
import { clockTime, duration, said, t } from "./i18n.js";
import * as link from "./link.js";

const THEMES = ["sun", "dark", "night"];

/** Remember a look in a cookie, so that the rig already draws the next page right. */
export function remember(name, value) {
  document.cookie = `${name}=${value}; path=/; max-age=31536000; samesite=strict`;
}

export function setTheme(value) {
  document.documentElement.dataset.theme = value;
  remember("theme", value);
}

let toastTimer = 0;

export function toast(text) {
  const box = $("toast");
  box.hidden = false;
  say(box, text);
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => (box.hidden = true), 6000);
}

/** Say what went wrong, what is safe and what to do. */
export function explain(problem) {
  if (problem.status === 0) {
    link.resync();
    toast(t("link.not_reached"));
  } else toast([problem.message || t("error.unknown"), problem.kept, problem.action && `→ ${problem.action}`].filter(Boolean).join(" "));
}

/** Run a command; false when the rig refused. The answer carries the state after it. */
export async function command(promise) {
  try {
    const answer = await promise;
    if (answer.state) link.heard(answer.state);
    if (answer.control) link.controlIs(answer.control);
    return answer;
  } catch (problem) {
    if (problem.status === undefined) throw problem;
    explain(problem);
    return false;
  }
}

export const announce = (text) => say($("live-region"), text);

const MANY = 500; // more is plenty, and its figure says nothing
const FEW = 3; // brackets that still fit, from which on it is worth a warning

const UNKNOWN = ["boot", "homing", "fault"]; // states in which the room may not have been looked at yet

function showRoom({ state, storage: { brackets_left: n } }) {
  const known = n > 0 || !UNKNOWN.includes(state);
  say($("room"), !known ? "" : n > MANY ? t("strip.much_room") : t("strip.room", { n }));
  $("full").hidden = !known || n >= FEW;
  say($("full-text"), t(n === 0 ? "strip.full" : "strip.nearly_full", { n }));
}

function showLink(state, quality) {
  $("link").dataset.link = quality;
  say($("link-text"), t(`link.${quality}`));
  $("sim").hidden = !state?.simulated;
  if (state?.simulated) say($("sim"), t("strip.simulated"));
  if (state?.storage) showRoom(state);
  document.body.classList.toggle("lost", quality === "lost");
}

/** What the rig was doing when it was last heard, so that the photographer knows it goes on. */
function lastKnown(state, silent_s) {
  const bracket = state?.bracket;
  if (!bracket || bracket.outcome !== null) return t("banner.idle", { for: duration(silent_s) });
  if (state.state === "paused") return t("banner.paused", { for: duration(silent_s), n: bracket.done, total: bracket.total });
  const end = bracket.eta_s === null ? null : new Date(Date.now() + (bracket.eta_s - silent_s) * 1000);
  return t(end ? "banner.shooting_until" : "banner.shooting", {
    for: duration(silent_s), n: Math.min(bracket.done + 1, bracket.total), total: bracket.total, at: end ? clockTime(end) : "",
  });
}

function showBanner() {
  const { state, link: quality, silent_s } = link.now();
  const off = state?.state === "shutting_down" ? said(state, "message") : ""; // true without the rig, too
  const lost = quality === "lost";
  $("banner").hidden = !lost && !off;
  if (off || lost) say($("banner"), off || lastKnown(state, silent_s));
}

/** The rig may have no clock; the phone has. It takes the time only where it knows no better. */
async function tellTime() {
  const told = await post("/api/clock", { now: Date.now() / 1000, tz: Intl.DateTimeFormat().resolvedOptions().timeZone }).catch(() => null);
  if (told?.dated) dispatchEvent(new Event("dated"));
}

if ($("link")) {
  if (!guest) tellTime();
  link.subscribe((state, quality) => {
    showLink(state, quality);
    showBanner();
  });
  setInterval(() => {
    showBanner();
    if (link.now().link === "lost") showLink(link.now().state, "lost");
  }, 1000);
  $("theme").addEventListener("click", () => {
    setTheme(THEMES[(THEMES.indexOf(document.documentElement.dataset.theme) + 1) % THEMES.length]);
  });
}

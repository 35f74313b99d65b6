// The rig's state as this page knows it, and whether it can be trusted.
//
// Whole snapshots arrive by server-sent events; whatever goes wrong, the cure is the same: fetch the
// present snapshot and listen again.

import { get, Problem } from "./api.js";

const SILENCE_MS = 12000; // two beats missed
const RETRY_MS = 1000;
const LONGEST_MS = 8000; // between two tries to listen where the rig has no place left

const WATCHING = ["stop"]; // what is left of `allowed` while another phone is in control
let state = null;
let control = null;
let link = "connecting"; // "online", "lost"
let heardAt = performance.now();
let source = null;
let syncing = false;
let later = 0; // the timer of the next try to listen
let pause_ms = RETRY_MS;
const listeners = new Set();

export const now = () => ({ state: mine(), link, control, silent_s: (performance.now() - heardAt) / 1000 });

/** The state with what *this* phone may do. */
function mine() {
  if (!state || !control?.holder || control.mine) return state;
  return { ...state, allowed: state.allowed.filter((action) => WATCHING.includes(action)) };
}

/** Call listener(state, link, news) now and at every change; news is "control" when that has changed. */
export function subscribe(listener) {
  listeners.add(listener);
  if (state) listener(mine(), link, control && "control");
}

/** What one listener does wrong is reported, and keeps no other from hearing. */
function safely(act) {
  try {
    act();
  } catch (error) {
    setTimeout(() => {
      throw error;
    });
  }
}

function tell(news) {
  const seen = mine();
  if (seen) for (const listener of listeners) safely(() => listener(seen, link, news));
}

/** Who commands the rig, from wherever it came. */
export function controlIs(told) {
  control = told;
  tell("control");
}

/** A snapshot from wherever it came; an older one than known is dropped. */
export function heard(snapshot, restarted = false) {
  heardAt = performance.now();
  const back = link !== "online";
  link = "online";
  if (!state || snapshot.rev > state.rev || restarted) state = snapshot;
  else if (!back) return;
  tell();
}

function listen() {
  source?.close();
  source = new EventSource("/api/events");
  source.addEventListener("state", (event) => heard(JSON.parse(event.data)));
  source.addEventListener("control", (event) => controlIs(JSON.parse(event.data)));
  source.addEventListener("beat", () => (heardAt = performance.now()));
  let heardFrom = false;
  source.onopen = () => {
    heardFrom = true;
    pause_ms = RETRY_MS;
  };
  source.onerror = () => (heardFrom ? resync() : listenLater());
}

/** Refused, as too many listen: the rig is there, but not to be asked again at once. */
function listenLater() {
  source?.close();
  source = null;
  later = setTimeout(resync, pause_ms);
  pause_ms = Math.min(LONGEST_MS, 2 * pause_ms);
}

/** Something looks wrong, or the page was away: get the present state, then listen again. */
export async function resync() {
  if (syncing) return;
  syncing = true;
  clearTimeout(later);
  source?.close();
  source = null;
  try {
    while (!document.hidden && !(await synced())) await new Promise((next) => setTimeout(next, RETRY_MS));
  } finally {
    syncing = false;
  }
}

/** Whether the present state has come, and is listened to from now on. */
async function synced() {
  try {
    heard(await get("/api/state", 3000), true);
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    if (link !== "lost") {
      link = "lost";
      tell();
    }
    return false;
  }
  listen();
  return true;
}

document.addEventListener("visibilitychange", () => {
  if (!document.hidden) resync();
  else source?.close(); // a sleeping phone must not hold one of the rig's places
});
addEventListener("online", () => resync());
addEventListener("offline", () => resync());
addEventListener("pagehide", () => source?.close());
addEventListener("pageshow", (event) => event.persisted && resync());
setInterval(() => {
  if (source && performance.now() - heardAt > SILENCE_MS) resync();
}, 1000);

resync();

// Near and far by touching the subject: the first tap is the nearest detail, the second the farthest,
// any other focuses there. Two quick taps enlarge.

import { post } from "./api.js";
import { keepChip } from "./chips.js";
import { $, say } from "./dom.js";
import { t } from "./i18n.js";
import * as link from "./link.js";
import { command } from "./shell.js";

const DOUBLE_MS = 280;
let sought = null; // {role, point, limit}: what the rig looks for now

/** What a tap means now: "near", "far" or "goto". */
export function roleOf(focus) {
  if (focus.near_steps === null) return "near";
  return focus.far_steps === null ? "far" : "goto";
}

/** Where in the whole picture a tap fell, as fractions; roi: the part that is shown. */
export function inPicture(event, canvas, roi) {
  const box = canvas.getBoundingClientRect();
  const scale = Math.min(box.width / canvas.width, box.height / canvas.height);
  const at = (offset, side, pixels) => Math.min(1, Math.max(0, 0.5 + (offset - side / 2) / (pixels * scale)));
  const [x, y] = [at(event.clientX - box.left, box.width, canvas.width), at(event.clientY - box.top, box.height, canvas.height)];
  return roi ? [roi[0] + x * roi[2], roi[1] + y * roi[3]] : [x, y];
}

/** The other way round: where on the canvas, in CSS pixels, a point of the whole picture is seen. */
export function onScreen([x, y], canvas, roi) {
  const scale = Math.min(canvas.clientWidth / canvas.width, canvas.clientHeight / canvas.height);
  const at = (offset, start, part, side, pixels) => side / 2 + ((offset - start) / part - 0.5) * pixels * scale;
  const [left, top, w, h] = roi ?? [0, 0, 1, 1];
  return [at(x, left, w, canvas.clientWidth, canvas.width), at(y, top, h, canvas.clientHeight, canvas.height)];
}

async function touch(event, point) {
  const { state } = link.now();
  if (!state?.allowed.includes("touch")) return;
  const role = roleOf(state.focus);
  sought = { role, point, limit: state.focus[`${role}_steps`] };
  const box = $("picture").getBoundingClientRect();
  $("ring").style.left = `${event.clientX - box.left}px`;
  $("ring").style.top = `${event.clientY - box.top}px`;
  $("ring").hidden = false;
  navigator.vibrate?.(10);
  const begun = sought;
  if ((await command(post("/api/focus", { touch: { x: point[0], y: point[1], role } }))) === false) forget();
  else begun.begun = true; // from now on a rig that stands still has found it, or given up
}

function forget() {
  sought = null;
  $("ring").hidden = true;
}

export function showTouch(state, live, mode) {
  const seeking = state.state === "focusing";
  const may = state.allowed.includes("touch");
  $("tap-hint").hidden = mode !== "live" || !(may || seeking) || (may && roleOf(state.focus) === "goto");
  say($("tap-hint"), t(seeking ? "touch.busy" : `touch.${roleOf(state.focus)}`));
  if (sought?.begun && state.state === "idle") ended(state, live);
}

/** The sweep is over: keep what is sharp there now, once a picture of it has been drawn. */
function ended({ focus }, live) {
  const { role, point, limit } = sought;
  forget();
  const steps = focus[`${role}_steps`];
  if (role === "goto" || steps === null || steps === limit) return;
  live.afterNext(() => keepChip(role, live, steps, point));
}

/** onDouble(point) for two quick taps. */
export function wireTouch(live, onDouble) {
  let timer = 0;
  $("live").addEventListener("click", (event) => {
    if (document.body.dataset.mode !== "live") return;
    const point = inPicture(event, $("live"), live.roi);
    if (timer) {
      clearTimeout(timer);
      timer = 0;
      onDouble(point);
    } else {
      timer = setTimeout(() => {
        timer = 0;
        touch(event, point);
      }, DOUBLE_MS);
    }
  });
}

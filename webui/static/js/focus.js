// Focusing: rail, jog buttons, near and far, and the plan that follows from them.

import { newKey, post, remove } from "./api.js";
import { autoOrder } from "./box.js";
import { keepChip, showChip } from "./chips.js";
import { $, $$, repeatWhileHeld, say } from "./dom.js";
import { allSaid, bytes, distance, duration, number, said, shutter, t } from "./i18n.js";
import * as link from "./link.js";
import { command } from "./shell.js";
import { wait_s } from "./timer.js";

const STILL_MS = 8000;
const FINE = 1 / 400; // of the whole travel, one tap of the inner jog buttons
let dragging = false;
let wanted = null; // the position the rail was dragged to, not yet sent
let key = newKey(); // one bracket per key: a double tap is the same wish

export function showFocus(state) {
  const { focus, plan } = state;
  const rail = $("rail");
  rail.min = focus.min_steps;
  rail.max = focus.max_steps;
  if (!dragging) rail.value = focus.position_steps;
  const um = umPerStep(focus);
  $("halt").hidden = state.state !== "focusing";
  say($("position"), distance(focus.position_um));
  rail.setAttribute("aria-valuetext", distance(focus.position_um));
  showLimit("near", focus.near_steps, um, focus);
  showLimit("far", focus.far_steps, um, focus);
  showSpan(focus);
  showPlan(plan, focus);
  say($("exposure"), exposureLine(state.exposure));
  $("message").hidden = !state.message;
  say($("message"), said(state, "message"));
}

/** What the camera does now, in a photographer's words; the bracket locks it. */
function exposureLine(exposure) {
  if (!exposure?.exposure_us) return "";
  return t(exposure.locked ? "exposure.locked" : "exposure.auto", { time: shutter(exposure.exposure_us), gain: number(exposure.gain, 1) });
}

/** Micrometres per step as the rig itself reports them for the present position. */
function umPerStep(focus) {
  return focus.position_steps ? focus.position_um / focus.position_steps : null;
}

const part = (steps, focus) => (steps - focus.min_steps) / Math.max(1, focus.max_steps - focus.min_steps);

/** Left edge of a mark: the thumb of a range input is inset by half its width. */
const left = (fraction) => `calc(1rem + (100% - 2rem) * ${fraction})`;

let perStep = null;

function showLimit(end, steps, um, focus) {
  perStep = um ?? perStep;
  const isSet = steps !== null;
  $(end).classList.toggle("set", isSet);
  say($(`${end}-name`), t(isSet ? `focus.${end}_set` : `focus.set_${end}`));
  say($(`${end}-at`), isSet ? (perStep === null ? String(steps) : distance(steps * perStep)) : "");
  $(end).title = isSet ? t("focus.redo") : "";
  $(`mark-${end}`).hidden = !isSet;
  if (isSet) $(`mark-${end}`).style.left = left(part(steps, focus));
  showChip(end, steps);
}

function showSpan(focus) {
  const both = focus.near_steps !== null && focus.far_steps !== null;
  $("span").hidden = !both;
  if (!both) return;
  $("span").style.left = left(part(focus.near_steps, focus));
  $("span").style.width = `calc((100% - 2rem) * ${part(focus.far_steps, focus) - part(focus.near_steps, focus)})`;
}

function showPlan(plan, { near_steps, far_steps }) {
  $("plan").hidden = !plan;
  $("shoot-why").classList.toggle("figures", Boolean(plan));
  say($("shoot-why"), plan ? `${t("plan.frames", { n: plan.frames })} · ${duration(plan.time_s)}` : t(near_steps === null || far_steps === null ? "shoot.set_both" : "shoot.impossible"));
  if (!plan) return;
  const figures = [t("plan.frames", { n: plan.frames }), distance(plan.step_um), duration(plan.time_s), bytes(plan.bytes)];
  say($("plan-line"), figures.join(" · "));
  const why = allSaid(plan, "why");
  const reasons = why.join("\n");
  if ($("plan-why").dataset.shown === reasons) return;
  $("plan-why").dataset.shown = reasons;
  $("plan-why").replaceChildren(...why.map((sentence) => Object.assign(document.createElement("li"), { textContent: sentence })));
}

// --- commands --------------------------------------------------------------------------------------

async function jog(times) {
  const { focus } = link.now().state;
  const steps = times * Math.max(1, Math.round((focus.max_steps - focus.min_steps) * FINE));
  return (await command(post("/api/focus", { jog: steps }))) !== false;
}

/** Follow the rail, one request at a time, always to where the thumb is now. */
async function follow() {
  if (follow.busy) return;
  follow.busy = true;
  while (wanted !== null) {
    const target = wanted;
    wanted = null;
    await command(post("/api/focus", { goto: target }));
  }
  follow.busy = false;
}

/** Until the focus stands still: a tap right after a jog means the place the jog leads to. */
async function standstill() {
  const end = performance.now() + STILL_MS;
  while (link.now().state.state === "moving" && performance.now() < end) await new Promise((next) => setTimeout(next, 60));
}

const middleOf = (roi) => (roi ? [roi[0] + roi[2] / 2, roi[1] + roi[3] / 2] : [0.5, 0.5]);

async function setLimit(end, live) {
  await standstill();
  const answer = await command(post(`/api/focus/${end}`, {}));
  const steps = answer && answer.state.focus[`${end}_steps`];
  if (typeof steps !== "number") return;
  navigator.vibrate?.(15);
  keepChip(end, live, steps, middleOf(live.roi));
  showFocus(answer.state);
}

/** Shoot. The key is renewed only when a bracket has ended, so every tap before that is the same wish. */
export async function shoot() {
  await standstill();
  const seconds = wait_s();
  const once = { "Idempotency-Key": key };
  const answer = await command(seconds ? post("/api/brackets/timer", { seconds }, once) : post("/api/brackets", {}, once));
  if (answer) navigator.vibrate?.(30);
}

export function wireFocus(live) {
  for (const button of $$("[data-jog]")) repeatWhileHeld(button, () => jog(Number(button.dataset.jog)));
  const rail = $("rail");
  rail.addEventListener("input", () => {
    dragging = true;
    wanted = Number(rail.value);
    follow();
  });
  rail.addEventListener("change", () => (dragging = false));
  for (const end of ["near", "far"]) $(end).addEventListener("click", () => setLimit(end, live));
  $("clear").addEventListener("click", () => command(remove("/api/focus/limits")));
  $("auto").addEventListener("click", () => command(post("/api/auto", autoOrder())));
  $("halt").addEventListener("click", () => command(post("/api/stop", {})));
  $("shoot").addEventListener("click", shoot);
  $("plan").addEventListener("toggle", () => $("plan").open && $("plan").scrollIntoView({ block: "nearest", behavior: "smooth" }));
  $("again").addEventListener("click", shoot);
  let over = null; // the bracket that is known to have ended; a phone that slept sees no more of it than that
  link.subscribe(({ bracket }) => {
    if (!bracket || bracket.outcome === null || bracket.id === over) return;
    over = bracket.id;
    key = newKey();
  });
}

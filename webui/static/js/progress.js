// A bracket being shot, or just shot: progress, growing stack, sharpness curve, frames, what next.

import { post, remove } from "./api.js";
import { drawCurve } from "./curve.js";
import { $, $$, el, press, say } from "./dom.js";
import { duration, said, t } from "./i18n.js";
import * as link from "./link.js";
import { announce, command } from "./shell.js";
import { fine, showRepairs } from "./verdict.js";

const GOOD = [60, 80, 60]; // ms of vibration and pause, where the phone can
const BAD = [300];
const AT_END_PX = 24; // of the small pictures: nearer to their end is at it

let picture = "stack"; // "depth": with what is sharp already tinted; "frame": the last one; or the index of one that was tapped
let announced = "";
let over = false; // the last bracket: nothing is left to do for it but to look
let shownThumbs = { id: null, count: 0 };

const dismissed = () => sessionStorage.getItem("dismissed");

/** Which controls belong under the picture now. */
export function modeOf(state) {
  if (state.state === "fault") return "fault";
  if (state.state === "capturing" || state.state === "paused") return "capture";
  if (state.state === "countdown") return "count";
  if (["boot", "homing", "shutting_down"].includes(state.state)) return "wait";
  if (state.bracket && state.bracket.outcome !== null && state.bracket.id !== dismissed()) return "done";
  return "live";
}

export function showProgress(state, mode) {
  if (mode === "capture") showCapture(state);
  if (mode === "done") showDone(state);
  if (mode === "fault") showFault(state.fault);
  if (mode === "wait") say($("wait-text"), t(`state.${state.state}`));
  showPicture(state, mode);
}

function showCapture(state) {
  const { bracket } = state;
  if (!bracket) return;
  const frame = Math.min(bracket.done + 1, bracket.total);
  const paused = state.state === "paused";
  say($("count"), paused ? t("capture.paused_at", { n: bracket.done, total: bracket.total }) : t("capture.count", { n: frame, total: bracket.total }));
  say($("eta"), bracket.eta_s === null || paused ? "" : t("capture.left", { s: duration(bracket.eta_s) }));
  say($("lock-hint"), t(paused ? "capture.waits" : "capture.lock"));
  $("done").value = bracket.done / Math.max(1, bracket.total);
  const facts = [bracket.step && !paused && t(`step.${bracket.step}`), stackLine(state.stack, bracket.id)];
  say($("step"), facts.filter(Boolean).join(" · "));
  say($("wind"), bracket.wind ? t(`wind.${bracket.wind}`) : "");
  $("wind").classList.toggle("warn", bracket.wind === "windy");
  drawCurve($("curve"), bracket.sharpness, bracket.total);
  showThumbs(bracket);
  tellOnce(`${bracket.id} ${bracket.done} ${state.state}`, $("count").textContent);
}

const ours = (stack, id) => (stack && stack.bracket_id === id ? stack : null);

function stackLine(stack, id) {
  const job = ours(stack, id);
  return job && job.done ? t("capture.stacked", { n: job.done }) : "";
}

const thumb = (id, index) => `/api/brackets/${id}/frames/${index}/thumb.jpg`;

/** Frames as small pictures, appended as they come, shown large by a tap; the newest is in view until somebody looks back. */
function showThumbs({ id, done }) {
  const list = $("thumbs");
  if (shownThumbs.id !== id) {
    list.replaceChildren();
    shownThumbs = { id, count: 0 };
    if (typeof picture === "number") choose("stack");
  }
  const atEnd = list.scrollLeft + list.clientWidth > list.scrollWidth - AT_END_PX;
  for (; shownThumbs.count < done; shownThumbs.count += 1) {
    const index = shownThumbs.count;
    const button = el("button", { type: "button" }, el("img", { loading: "lazy", src: thumb(id, index), alt: t("capture.frame", { n: index + 1 }) }));
    button.addEventListener("click", () => choose(index));
    list.append(el("li", {}, button));
  }
  if (atEnd) list.scrollLeft = list.scrollWidth;
}

/** What the large picture shows while a bracket is shot, see `picture`. */
function choose(what) {
  picture = what;
  for (const one of $$("[data-show]")) press(one, one.dataset.show === what);
  for (const [index, one] of $$("#thumbs button").entries()) press(one, index === what);
  dispatchEvent(new Event("redraw"));
}

function showDone(state) {
  const { bracket } = state;
  const job = ours(state.stack, bracket.id);
  const running = job && !["done", "failed", "cancelled"].includes(job.stage);
  const ready = job?.stage === "done";
  say($("verdict"), t(`outcome.${bracket.outcome}`, { n: bracket.done, total: bracket.total }));
  say($("verdict-id"), bracket.id);
  $("coverage").hidden = !bracket.verdict_sentence;
  $("coverage").dataset.sign = bracket.verdict === "covered" ? "✓" : "!";
  say($("coverage"), said(bracket, "verdict_sentence"));
  showRepairs(bracket, state.allowed, () => dispatchEvent(new Event("redraw")));
  $("done-message").hidden = !state.message;
  say($("done-message"), said(state, "message"));
  say($("verdict-more"), doneLine(bracket, job, running));
  $("stack-done").hidden = !running;
  if (running) $("stack-done").value = job.done / Math.max(1, job.total);
  drawCurve($("curve-done"), bracket.sharpness, bracket.total);
  showThumbs(bracket); // those that came while the link was lost
  $("see").href = `/b/${bracket.id}`;
  $("see").classList.toggle("primary", Boolean(ready));
  over = ready && bracket.outcome === "complete" && fine(bracket.verdict);
  $("stack-now").dataset.never = running || ready ? "1" : "0";
  $("resume-later").dataset.never = running || bracket.outcome === "complete" ? "1" : "0"; // after the stack
  const key = `${bracket.id} ${bracket.outcome} ${bracket.verdict} ${job && !running && job.stage}`; // not each step of the stack
  const words = ["verdict", "coverage", "done-message", "verdict-more"].map((name) => $(name).textContent);
  tellOnce(key, words.filter(Boolean).join(" "), bracket.outcome === "complete" && fine(bracket.verdict) ? GOOD : BAD);
}

function doneLine(bracket, job, running) {
  if (running) return t(`stack.${job.stage}`, { n: job.done, total: job.total });
  if (job?.stage === "done") return t("stack.done");
  if (job?.stage === "failed") return t("stack.failed", { why: said(job, "error") });
  if (job?.stage === "cancelled") return t("stack.cancelled");
  return t("stack.none");
}

function showFault(fault) {
  if (!fault) return;
  const sentence = said(fault, "sentence");
  say($("fault"), sentence);
  say($("fault-kept"), said(fault, "kept"));
  say($("recover-text"), said(fault, "action"));
  tellOnce(sentence, sentence, BAD);
}

/** The growing stack over the live picture, while shooting and after. */
function showPicture(state, mode) {
  const image = $("growing");
  const job = state.bracket && ours(state.stack, state.bracket.id);
  const frame = mode === "capture" && typeof picture === "number";
  const wanted = frame || ((mode === "done" || (mode === "capture" && picture !== "frame")) && job && job.preview_rev > 0);
  image.hidden = !wanted || !image.getAttribute("src");
  const rev = job && `?rev=${job.bracket_id}-${job.result_id}-${job.preview_rev}`;
  showTint(mode === "capture" && picture === "depth" && wanted && `/api/stack-depth.png${rev}`);
  if (!wanted) return;
  const address = frame
    ? thumb(state.bracket.id, picture)
    : job.stage === "done"
      ? `/api/brackets/${job.bracket_id}/results/${job.result_id}/screen`
      : `/api/stack.jpg${rev}`;
  if (image.dataset.wanted === address) return;
  image.dataset.wanted = address;
  const next = new Image(); // the old picture stays until the new one is decoded
  next.onload = () => {
    if (image.dataset.wanted === address) {
      image.src = address;
      image.hidden = false;
      $("waiting").hidden = true;
    }
  };
  next.src = address;
}

/** Over the growing stack what is sharp already, in the colours of its depth. */
async function showTint(address) {
  const canvas = $("tint");
  $("tint-key").hidden = canvas.hidden = !address;
  if (canvas.wanted === address) return;
  canvas.wanted = address;
  if (!address) return (canvas.width = 1); // the next bracket begins with nothing sharp
  const { drawDepth, readDepth } = await import("./depth.js"); // few look at this
  const depth = await readDepth(address).catch(() => null); // nothing is sharp yet, or no link: the old one stays
  if (depth && canvas.wanted === address) drawDepth(canvas, depth, 0);
}

function tellOnce(key, text, pulses) {
  if (announced === key) return;
  if (announced && pulses) navigator.vibrate?.(pulses); // not for what was over before the page was opened
  announced = key;
  announce(text);
}

export function wireProgress() {
  const id = () => link.now().state?.bracket?.id;
  const order = (verb) => () => command(post(`/api/brackets/${id()}/${verb}`, {}));
  $("pause").addEventListener("click", order("pause"));
  $("resume").addEventListener("click", order("resume"));
  $("resume-later").addEventListener("click", order("resume"));
  $("stack-now").addEventListener("click", order("stack"));
  $("cancel-stack").addEventListener("click", () => command(remove("/api/stack")));
  $("recover").addEventListener("click", () => command(post("/api/recover", {})));
  const stop = () => command(post("/api/stop", {}));
  $("stop").addEventListener("pointerdown", (event) => event.button === 0 && stop()); // instant: at the touch, not at its end
  $("stop").addEventListener("click", (event) => event.detail === 0 && stop());
  const dismiss = () => sessionStorage.setItem("dismissed", id() ?? "");
  $("see").addEventListener("click", () => over && dismiss()); // whoever comes back wants the next picture
  $("back").addEventListener("click", () => {
    dismiss();
    dispatchEvent(new Event("redraw"));
  });
  for (const button of $$("[data-show]")) button.addEventListener("click", () => choose(button.dataset.show));
}

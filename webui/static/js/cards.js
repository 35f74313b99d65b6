// A card of another camera: its brackets as the rig would divide them, divided and joined by tap, stacked.
//
// The rig numbers the frames; what is divided or joined here is only this page's choice of ranges.

import { get, newKey, post, remove } from "./api.js";
import { $, el, say } from "./dom.js";
import { bytes, dayName, duration, number, region, said, t } from "./i18n.js";
import { announce, command, explain, toast } from "./shell.js";
import { showSources } from "./sources.js";

const id = $("source").dataset.id;
const TICK_MS = 1000;
const IDLE_MS = 5000;
const MOST_RETRIES = 12; // pictures asked for again at once
const MOST_AT_ONCE = 100; // brackets in one order
let scan = null;
let frames = null; // names, bytes, times of all frames, once they are numbered
let groups = []; // first, last, bracket, maker, ...: shown newest first
let mine = false; // divided or joined by hand: the rig's proposal no longer counts
let jobs = [];
let tries = 0; // of pictures that are not there yet
let orderKey = newKey();
const chosen = new Set(); // groups
const opened = new Set();

const count = (group) => group.last - group.first + 1;
const size = (group) => frames.bytes.slice(group.first, group.last + 1).reduce((sum, one) => sum + one, 0);
const ended = () => scan && ["done", "cancelled", "failed"].includes(scan.state);
const jobOf = (group) => jobs.find((job) => job.scan === scan.id && job.first === group.first && job.last === group.last && job.state !== "cancelled");
// The camera's own clock, whatever zone the phone is in.
const timeOf = (frame) => (frames.times[frame] === null ? null : new Date(frames.times[frame] * 1000));
const clock = (date) => date.toLocaleTimeString(region, { hour: "2-digit", minute: "2-digit", timeZone: "UTC" });
const dayOf = (date) => dayName(new Date(date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()));

// --- what is on the card ------------------------------------------------------------------------------

async function look() {
  mine = false;
  groups = [];
  chosen.clear();
  opened.clear();
  frames = null;
  if ((await command(post(`/api/sources/${id}/scan`))) !== false) await load();
  show();
}

async function load() {
  const told = await get(`/api/sources/${id}?frames=${frames ? 0 : 1}`);
  const before = scan;
  if (told.scan?.id !== scan?.id) frames = null;
  scan = told.scan;
  if (told.frames?.names.length) frames = told.frames;
  if (mine || !frames || !told.groups) return;
  const key = (one) => `${one.first}-${one.last}-${one.bracket}`;
  const same = groups.length === told.groups.length && groups.every((one, place) => key(one) === key(told.groups[place]));
  if (!same) groups = told.groups;
  if (ended() && (!same || before?.state !== scan.state)) {
    chosen.clear();
    for (const group of groups) if (group.bracket && !group.bracket_id && !jobOf(group)) chosen.add(group);
    announce(t("cards.found", { n: scan.brackets, frames: scan.frames }));
    showSources(id);
  }
}

function showScan() {
  const running = scan && !ended();
  $("looking").hidden = !running;
  $("again").hidden = Boolean(running);
  say($("again"), t(scan ? "cards.again" : "cards.look"));
  if (running) {
    say($("looking-text"), t(`cards.${scan.state}`, { n: scan.done, total: scan.total }));
    $("looking-done").max = scan.total || 1;
    if (scan.state === "waiting") $("looking-done").removeAttribute("value");
    else $("looking-done").value = scan.done;
  }
  const brackets = groups.filter((one) => one.bracket).length;
  say($("found"), scan?.state === "failed" ? said(scan, "error") : !scan || !frames ? (ended() ? t("cards.nothing") : "") : t("cards.found", { n: brackets, frames: scan.frames }));
  const kinds = Object.entries(scan?.passed_over ?? {}).map(([kind, n]) => t(`cards.passed_${kind}`, { n }));
  if (ended() && scan.state === "done" && !scan.complete) kinds.unshift(t("cards.incomplete"));
  say($("passed"), kinds.join(" "));
}

// --- the groups ---------------------------------------------------------------------------------------

function picture(frame) {
  const image = el("img", { src: `/api/sources/${id}/frames/${frame}.jpg?scan=${scan.id}&v=1`, alt: "", loading: "lazy" });
  image.addEventListener("error", () => (image.dataset.missing = "1"));
  image.addEventListener("load", () => delete image.dataset.missing);
  return image;
}

/** Pictures that were not there yet are asked for again. */
function retry() {
  tries += 1;
  for (const image of [...document.querySelectorAll("img[data-missing]")].slice(0, MOST_RETRIES)) image.src = image.src.replace(/&v=.*/, `&v=${tries}`);
}

function exposure({ f_number, exposure_s, iso }) {
  const time = exposure_s && (exposure_s < 0.4 ? `1/${Math.round(1 / exposure_s)} s` : `${number(exposure_s, 1)} s`);
  return [f_number && `f/${number(f_number, 1)}`, time, iso && `ISO ${iso}`];
}

function headline(group) {
  return t(group.bracket ? "cards.bracket" : count(group) === 1 ? "cards.single" : "cards.singles", { n: count(group) });
}

/** The text of a group: what it is; when, how large and how it was taken. */
function words(group) {
  const when = timeOf(group.first);
  const names = count(group) === 1 ? frames.names[group.first] : `${frames.names[group.first]} – ${frames.names[group.last]}`;
  const facts = [when && clock(when), names, bytes(size(group)), ...(group.bracket ? exposure(group) : [])];
  const text = el("span", { className: "text" }, el("b", { textContent: headline(group) }), el("span", { className: "hint", textContent: facts.filter(Boolean).join(" · ") }));
  const job = jobOf(group);
  const there = job?.bracket ?? group.bracket_id;
  if (there) text.append(el("a", { className: "button there", href: `/b/${there}`, textContent: t("cards.in_gallery", { id: there }) }));
  else if (job) text.append(el("span", { className: "hint", textContent: jobWords(job) }));
  return text;
}

function card(group) {
  const middle = (group.first + group.last) >> 1;
  const faces = el("button", { type: "button", className: "faces", "aria-expanded": String(opened.has(group)), "aria-label": t("cards.open", { what: headline(group), name: frames.names[group.first] }) });
  faces.append(...[...new Set([group.first, middle, group.last])].map(picture));
  faces.addEventListener("click", () => {
    if (!opened.delete(group)) opened.add(group);
    show(group);
  });
  const item = el("li", { className: group.bracket ? "found" : "found loose" }, faces, words(group));
  item.group = group;
  if (ended() && count(group) > 1) item.append(pick(group));
  if (opened.has(group)) item.append(inside(group));
  return item;
}

function pick(group) {
  const box = el("input", { type: "checkbox", checked: chosen.has(group), "aria-label": t("cards.choose", { what: headline(group), name: frames.names[group.first] }) });
  box.addEventListener("change", () => {
    if (box.checked) chosen.add(group);
    else chosen.delete(group);
    orderKey = newKey();
    showSelection();
  });
  return el("label", { className: "pick" }, box);
}

/** All frames of a group; a tap on one divides it there. */
function inside(group) {
  const strip = el("ol", { className: "thumbs", tabIndex: 0, "aria-label": t("capture.frames") });
  for (let frame = group.first; frame <= group.last; frame += 1) {
    const place = frame - group.first + 1;
    const button = el("button", { type: "button", disabled: place === 1 || !ended(), "aria-label": t("cards.divide_at", { n: place }) }, picture(frame), el("span", { textContent: String(place) }));
    button.addEventListener("click", () => divide(group, frame));
    strip.append(el("li", {}, button));
  }
  const buttons = [["earlier", -1], ["later", 1]].map(([name, step]) => {
    const other = neighbour(group, step);
    const button = el("button", { type: "button", textContent: t(`cards.join_${name}`), disabled: !other || !ended() });
    button.addEventListener("click", () => join(group, other));
    return button;
  });
  return el("div", { className: "inside" }, el("p", { className: "hint", textContent: t(count(group) > 1 ? "cards.divide" : "cards.alone") }), strip, el("div", { className: "row" }, ...buttons));
}

const neighbour = (group, step) => groups.find((one) => one.maker === group.maker && (step < 0 ? one.last === group.first - 1 : one.first === group.last + 1));

/** Put other groups in the place of some, chosen and open as these were; show the last of the new ones. */
function replace(old, made) {
  mine = true;
  const all = old.some((one) => chosen.has(one));
  for (const one of old) for (const set of [chosen, opened]) set.delete(one);
  groups = [...groups.filter((one) => !old.includes(one)), ...made].sort((a, b) => a.first - b.first);
  for (const one of made) if (all && count(one) > 1) chosen.add(one);
  orderKey = newKey();
  show(made.at(-1));
}

function divide(group, frame) {
  const made = [{ ...group, last: frame - 1 }, { ...group, first: frame }].map((one) => ({ ...one, bracket: count(one) > 1, bracket_id: null }));
  replace([group], made);
  announce(t("cards.divided", { a: count(made[0]), b: count(made[1]) }));
}

function join(a, b) {
  const made = { ...a, first: Math.min(a.first, b.first), last: Math.max(a.last, b.last), bracket: true, bracket_id: null };
  replace([a, b], [made]);
  announce(t("cards.joined", { n: count(made) }));
}

let shown = ""; // what the list was made of: it is made anew only when that changes, so that nothing jumps under a thumb

function show(focusOn = null) {
  showScan();
  const made = JSON.stringify([scan?.id, ended(), groups.map((one) => [one.first, one.last, one.bracket, opened.has(one), jobOf(one)?.state, jobOf(one)?.bracket, one.bracket_id])]);
  if (made !== shown) {
    shown = made;
    $("days").replaceChildren();
    const newest = frames ? [...groups].sort((a, b) => (frames.times[b.first] ?? 0) - (frames.times[a.first] ?? 0) || a.first - b.first) : [];
    for (const group of newest) listOf(group).append(card(group));
  }
  const item = focusOn && [...document.querySelectorAll(".found")].find((one) => one.group === focusOn);
  item?.querySelector(".faces").focus({ preventScroll: true });
  item?.scrollIntoView({ block: "nearest", behavior: "smooth" });
  showSelection();
}

function listOf(group) {
  const when = timeOf(group.first);
  const name = when ? dayOf(when) : t("gallery.no_date");
  const last = $("days").lastElementChild;
  if (last?.dataset.day === name) return last.querySelector("ul");
  const list = el("ul", { className: "groups" });
  $("days").append(el("section", { "data-day": name }, el("h2", { textContent: name }), list));
  return list;
}

function showSelection() {
  const many = groups.filter((one) => chosen.has(one));
  $("selection").hidden = !ended() || groups.length === 0;
  say($("all"), t(chosen.size > 0 ? "cards.none" : "cards.all"));
  $("stack").disabled = many.length === 0;
  const room = many.reduce((sum, one) => sum + size(one), 0);
  $("stack").replaceChildren(t(["cards.stack_none", "cards.stack_one"][many.length] ?? "cards.stack", { n: many.length }), el("small", { textContent: many.length ? t("cards.stack_size", { n: many.reduce((sum, one) => sum + count(one), 0), size: bytes(room) }) : "" }));
}

// --- the queue ----------------------------------------------------------------------------------------

const jobWords = (job) => (job.state === "failed" ? said(job, "error") : [t(`cards.job_${job.state}`, { n: job.done, total: job.total }), job.place && job.eta_s ? t("cards.left", { time: duration(job.eta_s) }) : ""].filter(Boolean).join(" · "));

function queueItem(job) {
  const of_this = scan && job.scan === scan.id && frames;
  const name = of_this ? `${frames.names[job.first]} – ${frames.names[job.last]}` : job.name;
  const item = el("li", { "data-state": job.state }, el("b", { textContent: name }), el("span", { className: "hint", textContent: jobWords(job) }));
  if (["copying", "stacking"].includes(job.state)) item.append(el("progress", { max: job.total || 1, value: job.done, "aria-label": name }));
  const buttons = el("span", { className: "row" });
  if (job.place > 1 && ["waiting", "copied"].includes(job.state)) {
    const next = el("button", { type: "button", textContent: t("cards.next"), "aria-label": t("cards.next_job", { name }) });
    next.addEventListener("click", async () => (await command(post(`/api/jobs/${job.id}`, { next: true }))) !== false && tick());
    buttons.append(next);
  }
  if (job.place) {
    const cancel = el("button", { type: "button", textContent: t("cards.cancel"), "aria-label": t("cards.cancel_job", { name }) });
    cancel.addEventListener("click", async () => (await command(remove(`/api/jobs/${job.id}`))) !== false && tick());
    buttons.append(cancel);
  } else if (job.bracket) buttons.append(el("a", { className: "button", href: `/b/${job.bracket}`, textContent: t("cards.see"), "aria-label": t("cards.see_job", { name }) }));
  item.append(buttons);
  return item;
}

let queueShown = "";

async function loadJobs() {
  const imports = (await get("/api/jobs")).jobs.filter((job) => job.kind === "import");
  jobs = imports;
  const listed = [...imports.filter((job) => job.place), ...imports.filter((job) => !job.place).slice(0, 3)];
  $("queue-box").hidden = listed.length === 0;
  const made = JSON.stringify([listed, Boolean(frames)]);
  if (made === queueShown) return;
  queueShown = made;
  const held = document.activeElement?.closest?.("#queue li");
  const place = held ? [...$("queue").children].indexOf(held) : -1;
  $("queue").replaceChildren(...listed.map(queueItem));
  if (place >= 0) $("queue").children[Math.min(place, listed.length - 1)]?.querySelector("button, a")?.focus(); // the list is made anew under a keyboard
  const copying = imports.some((job) => job.source === id && ["waiting", "copying"].includes(job.state));
  if (listed.length && !copying) $("queue").append(el("li", { className: "hint", textContent: t("cards.safe") }));
}

// --- commands -----------------------------------------------------------------------------------------

$("again").addEventListener("click", look);
$("enough").addEventListener("click", async () => (await command(remove(`/api/jobs/j${scan.id}`))) !== false && tick());
$("all").addEventListener("click", () => {
  const on = chosen.size === 0;
  chosen.clear();
  if (on) for (const group of groups) if (group.bracket) chosen.add(group);
  for (const item of document.querySelectorAll(".found")) {
    const box = item.querySelector(".pick input");
    if (box) box.checked = chosen.has(item.group);
  }
  orderKey = newKey();
  showSelection();
});
$("stack").addEventListener("click", async () => {
  const wanted = groups.filter((one) => chosen.has(one)).slice(0, MOST_AT_ONCE);
  $("stack").disabled = true;
  const brackets = wanted.map(({ first, last }) => ({ first, last }));
  const answer = await command(post("/api/imports", { source: id, scan: scan.id, brackets }, { "Idempotency-Key": orderKey }));
  if (answer !== false) {
    for (const one of wanted) chosen.delete(one);
    orderKey = newKey();
    toast(t("cards.ordered", { n: wanted.length }));
    await tick();
    scrollTo({ top: 0 });
  }
  showSelection();
});

let timer = 0;
async function tick() {
  clearTimeout(timer);
  try {
    if (!scan || !ended()) await load();
    await loadJobs();
    show();
    retry();
  } catch (problem) {
    if (problem.status === undefined) throw problem;
    if (problem.status === 404) explain(problem); // the card was taken out
  }
  const busy = (scan && !ended()) || jobs.some((job) => job.place);
  timer = setTimeout(tick, busy ? TICK_MS : IDLE_MS);
}

await load().catch(explain);
if (scan) show();
else await look();
showSources(id);
tick();

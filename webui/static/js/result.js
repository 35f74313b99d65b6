// One bracket: its stack at any zoom, beside any single frame, its depth, its files.

import { get, newKey, post, remove } from "./api.js";
import { depthAt, drawDepth, readDepth, readSources } from "./depth.js";
import { $, $$, actAfterHold, el, guest, press, say } from "./dom.js";
import { allSaid, bytes, distance, region, runs, said, t } from "./i18n.js";
import { WHOLE_PX, asPicture, lie, showTiles } from "./layers.js";
import * as link from "./link.js";
import { lookAt, offer, showFindings, wireRestack } from "./restack.js";
import { command, explain, toast } from "./shell.js";
import { tellOf } from "./told.js";
import { showRepairs } from "./verdict.js";
import { Viewer } from "./viewer.js";
import { Wiggle } from "./wiggle.js";
import { showWords, wireWords } from "./words.js";

const id = $("bracket").dataset.id;
const OUTLINE = 65535; // between the parts of a retouch map
const SCREEN_PX = 1600; // width of the derivative shown until somebody looks closer
let bracket = null;
let result = null; // the shown one, null when the bracket was never stacked
let view = "stack";
let frame = 0; // for the comparison
let part = 50; // place of the divider, per cent
let mapped = false; // whether the retouch map lies over the stack
let source = null; // the frame whose parts of the stack stand out in it, null for none, undefined where none was sharp
let moved = []; // indices of frames better left out
let rival = null; // id of the result compared with, null: a single frame

const wiggle = new Wiggle($("wiggle"), $("angle"));
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const viewer = new Viewer($("viewer"), $("stage"), zoomed);
const FULL = guest ? "share" : "fused"; // the picture itself, without what is nobody's business
const fileOf = (kind, of = result) => `/api/brackets/${id}/results/${of.id}/${kind}?v=${bracket.v}`;
const frameOf = (n) => `/api/brackets/${id}/frames/${n}`;

async function load(wantedResult) {
  try {
    bracket = await get(`/api/brackets/${id}`);
    bracket.frames.sort((a, b) => a.position_um - b.position_um); // frames added later lie before the others, too
  } catch (problem) {
    say($("waiting"), problem.message || t("link.not_reached"));
    return explain(problem);
  }
  source = null;
  result = bracket.results.find((one) => one.id === wantedResult) ?? bracket.results.at(-1) ?? null;
  frame = Math.min(bracket.frames.length - 1, frame || sharpest(bracket.frames));
  showFacts();
  showWords(bracket.words);
  showResults();
  showFrames();
  offer(bracket.frames);
  moved = showFindings(bracket);
  showState();
  choose(view);
}

/** A focus position in words; of another camera's frames only the order is known: it is their number. */
const place_of = (um) => (bracket.imported ? t("result.frame_n", { n: Math.round(um) + 1 }) : distance(um));
const nameOfFrame = ({ index, position_um }) => (bracket.imported ? place_of(position_um) : t("result.frame_at", { n: index + 1, at: distance(position_um) }));
const sharpest = (frames) => frames.reduce((best, one, index) => (one.sharpness > frames[best].sharpness ? index : best), 0);

function showFacts() {
  const { title, tags, rating } = bracket.words;
  say($("name"), title || id);
  const facts = [t("gallery.frames", { n: bracket.frames_done, total: bracket.frames_planned }), bytes(bracket.bytes)];
  if (bracket.created) facts.unshift(new Date(bracket.created).toLocaleString(region, { dateStyle: "medium", timeStyle: "short" }));
  if (title) facts.unshift(id);
  if (bracket.imported) facts.push(t("gallery.imported", { name: bracket.imported }));
  $("again").hidden = Boolean(bracket.imported);
  facts.push(...tags, ...(rating ? ["★".repeat(rating)] : []));
  say($("facts"), facts.join(" · "));
  const about = result && [t(`method.${result.method}`), t("result.used", { n: result.used, total: result.frames }), leftOut(), `${result.width} × ${result.height}`, bytes(result.size_bytes)];
  say($("about"), about ? about.filter(Boolean).join(" · ") : t("result.not_stacked"));
  $("warnings").replaceChildren(...allSaid(result ?? {}, "warnings").map((text) => el("li", { textContent: text })));
  tellOf(result, bracket.frames[0]);
  $("save-picture").hidden = !result;
  $("save-depth").hidden = !result?.has_depth;
  $("save-original").hidden = !(result && bracket.imported);
  $("save-tiff").hidden = !result?.has_tiff;
  if (result?.tiff_bytes) say($("save-tiff"), `${t("result.save_tiff")} · ${bytes(result.tiff_bytes)}`);
  $("make-tiff").hidden = !result || result.has_tiff;
  if (result) {
    // Another camera may have written where it was, and whose it is: that goes with the picture only when asked for.
    for (const [name, kind] of [["save-picture", bracket.imported ? "share" : "fused"], ["save-original", "fused"], ["save-tiff", "tiff"], ["save-depth", "depth"]]) $(name).href = `${fileOf(kind)}&download`;
  }
  if (!result) $("restack-box").open = true;
  say($("stack"), t(result ? "result.restack" : "result.stack"));
}

/** Which frames of the bracket the result was made without, where that was asked for. */
function leftOut() {
  const offered = result.report?.frames?.map((one) => one.name);
  const missing = offered ? bracket.frames.filter((one) => !offered.includes(one.name)) : [];
  return missing.length ? t("result.without", { n: runs(missing.map((one) => one.index)) }) : "";
}

const nameOf = (one) => [one.id, t(`method.${one.method}`), one.frames < bracket.frames.length && t("plan.frames", { n: one.frames })].filter(Boolean).join(" · ");

function choice(text, on, act) {
  const button = el("button", { type: "button", textContent: text });
  press(button, on);
  button.addEventListener("click", act);
  return button;
}

function showResults() {
  const several = bracket.results.length > 1;
  $("results").hidden = !several;
  $("results").replaceChildren(...bracket.results.map((one) => choice(nameOf(one), one === result, () => load(one.id))));
  if (!bracket.results.some((one) => one.id === rival && one !== result)) rival = null;
  $("rivals").replaceChildren(
    el("span", { textContent: t("result.beside") }),
    choice(t("result.view_frames"), rival === null, () => oppose(null)),
    ...bracket.results.filter((one) => one !== result).map((one) => choice(nameOf(one), rival === one.id, () => oppose(one.id))),
  );
}

function oppose(other) {
  rival = other;
  showResults();
  choose(view);
}

function showFrames() {
  const list = $("frames");
  if (list.childElementCount === bracket.frames.length) return;
  list.replaceChildren(
    ...bracket.frames.map((one, place) => {
      const image = el("img", { src: `${frameOf(one.index)}/thumb.jpg?v=${bracket.v}`, alt: "", loading: "lazy" });
      const button = el("button", { type: "button", "aria-label": nameOfFrame(one) }, image, el("span", { textContent: place_of(one.position_um) }));
      button.addEventListener("click", () => {
        frame = place;
        showPicture();
      });
      return el("li", {}, button);
    }),
  );
}

// --- the picture ------------------------------------------------------------------------------------

function choose(name) {
  const has = (one) => one === "frames" || (/depth|wiggle/.test(one) ? result?.has_depth : result);
  if (!has(name)) name = result ? "stack" : "frames"; // the result before had it
  view = name;
  for (const button of $$("[data-view]")) {
    press(button, button.dataset.view === name);
    button.disabled = !has(button.dataset.view);
  }
  $("compare-row").hidden = name !== "compare";
  $("rivals").hidden = name !== "compare" || bracket.results.length < 2;
  $("frames").hidden = name !== "frames" && (name !== "compare" || rival !== null);
  $("legend").hidden = name !== "depth";
  $("retouch").hidden = !result?.has_depth;
  $("depth-here").hidden = true;
  $("wiggle-row").hidden = name !== "wiggle";
  if (name !== "wiggle") wiggle.move(false);
  showPicture();
}

/** Put a picture into an img once it is decoded; the old one stays until then. */
function swap(image, address) {
  if (image.dataset.wanted === address) return;
  image.dataset.wanted = address;
  const next = new Image();
  next.onload = () => {
    if (image.dataset.wanted !== address) return;
    image.src = address;
    image.hidden = image.dataset.off === "1";
    $("waiting").hidden = true;
  };
  next.onerror = () => image.dataset.wanted === address && say($("waiting"), t("result.no_picture"));
  next.src = address;
}

function turn(image, on) {
  image.dataset.off = on ? "0" : "1";
  image.hidden = !on || !image.getAttribute("src");
}

function showPicture() {
  const shot = bracket.frames[frame];
  const size = result ?? shot;
  if (!size) return say($("waiting"), t("result.empty"));
  viewer.show(size.width, size.height);
  turn($("shown"), result && view !== "frames");
  turn($("under"), Boolean(shot) && framed());
  $("depth").hidden = view !== "depth";
  if (result) swap($("shown"), fileOf(closest(result)));
  if (shot && framed()) swap($("under"), under(shot));
  place();
  for (const [index, item] of $$("#frames button").entries()) press(item, index === frame);
  lookAt(view === "frames" ? shot : null);
  if (view === "depth") showDepth();
  showSources();
  $("wiggle").hidden = view !== "wiggle";
  if (view === "wiggle") showWiggle();
  divide();
}

/** Whether a frame, or another result, is shown. */
const framed = () => view === "compare" || view === "frames";

/** The result compared with, null while that is a single frame. */
const opponent = () => (view === "compare" && bracket.results.find((one) => one.id === rival)) || null;

/** The address of what lies under the stack: a frame, or another result. */
function under(shot, kind) {
  const other = opponent();
  if (other) return fileOf(kind ?? closest(other), other);
  return `${frameOf(shot.index)}${kind ? `/${kind}` : closeUp() && !guest && !large(shot) ? ".jpg" : "/screen.jpg"}?v=${bracket.v}`;
}

/** Lay it where it belongs, and its tiles where it is large and near. */
function place() {
  const shot = bracket?.frames[frame];
  if (!shot || !viewer.base) return;
  const other = opponent();
  const picture = other ? asPicture(other) : shot;
  const k = viewer.base.width / (result?.report?.area?.[2] ?? shot.width);
  const { width, height, matrix } = lie(result?.report, picture.name, picture, k);
  for (const name of ["under", "under-tiles"]) Object.assign($(name).style, { width: `${width}px`, height: `${height}px`, transform: `matrix(${matrix})` });
  const { s, x, y } = viewer.view;
  const seen = { size: picture, base: { width: width * matrix[0] }, view: { s, x: x + matrix[4] * s, y: y + matrix[5] * s }, room: viewer.room };
  showTiles($("under-tiles"), seen, framed() && tiled(picture) && ((tile) => under(shot, tile)));
}

const closeUp = () => viewer.base && viewer.view.s * viewer.base.width * devicePixelRatio > SCREEN_PX * 1.1;

/** A phone (which looks without pairing sees no tiles) cannot show a very large picture whole. */
const large = (one) => one.width * one.height > WHOLE_PX && !guest;
const tiled = (one) => closeUp() && large(one);
const closest = (one) => (closeUp() && !large(one) ? FULL : "screen");

function zoomed(scale, percent) {
  $("zoom-text").hidden = scale < 1.01;
  say($("zoom-text"), `${percent} %`);
  place();
  if (bracket && closeUp()) {
    if (result) swap($("shown"), fileOf(closest(result)));
    if (framed()) swap($("under"), under(bracket.frames[frame]));
  }
  divide();
}

function divide() {
  const on = view === "compare";
  const near = bracket && result && tiled(result) && (on || view === "stack");
  if (viewer.size) showTiles($("tiles"), viewer, near && fileOf);
  const middle = viewer.base ? viewer.view.x + (viewer.base.width * viewer.view.s * part) / 100 : 0;
  $("shown").style.clipPath = $("tiles").style.clipPath = on ? `inset(0 0 0 ${part}%)` : "";
  $("divider").hidden = !on;
  $("divider").style.left = `${middle}px`;
  viewer.divider = on ? () => middle : null;
  $("compare").value = part;
}

/** The frames that the result was offered: its depth map counts these. */
function offeredFrames() {
  const offered = result.report?.frames?.map((one) => one.name);
  return bracket.frames.filter((one) => !offered || offered.includes(one.name));
}

const positions_um = () => offeredFrames().map((one) => one.position_um);

new MutationObserver(() => view === "depth" && showDepth()).observe(document.documentElement, { attributeFilter: ["data-theme"] });

async function showDepth() {
  const canvas = $("depth");
  const places = positions_um();
  say($("legend-near"), place_of(0));
  say($("legend-far"), place_of(places.at(-1) - places[0]));
  const drawn = `${result.id} ${document.documentElement.dataset.theme}`;
  if (canvas.dataset.result === drawn) return;
  canvas.dataset.result = drawn;
  try {
    drawDepth(canvas, await readDepth(fileOf("depth")));
  } catch (error) {
    delete canvas.dataset.result;
    noDepth(error);
  }
}

function noDepth(error, why = "result.no_depth") {
  toast(t(why));
  console.error(error);
}

async function showWiggle() {
  const canvas = $("wiggle");
  if (canvas.dataset.result !== result.id) {
    canvas.dataset.result = result.id;
    say($("job"), t("result.wiggle_busy"));
    try {
      const picture = new Image();
      picture.src = fileOf("screen");
      const [depth] = await Promise.all([readDepth(fileOf("depth")), picture.decode()]);
      wiggle.load(picture, depth);
    } catch (error) {
      delete canvas.dataset.result;
      return noDepth(error);
    } finally {
      say($("job"), "");
    }
  }
  if (view === "wiggle" && !calm.matches) wiggle.move(true);
}

/** From which frame each part comes, over the stack, when that is asked for. */
async function showSources() {
  const of = result;
  const on = mapped && view === "stack" && of?.has_depth;
  const canvas = $("sources");
  press($("retouch"), on);
  $("source-here").hidden = !on;
  canvas.hidden = !on || canvas.of !== of; // not that of another result
  if (!on) return;
  $("source-here").disabled = !source;
  say($("source-here"), source ? `${nameOfFrame(source)} · ${t("retouch.show")}` : t(source === undefined ? "retouch.unsure" : "retouch.tap"));
  const chosen = offeredFrames().indexOf(source) + 1;
  // Neighbours differ in hue, and in brightness for the night, when all is red.
  const colourOf = (value) => [0, 2.1, 4.2].map((turn) => (value === OUTLINE ? (chosen ? 120 : 255) : chosen && value !== chosen ? 64 : (value % 2 ? 150 : 90) + 90 * Math.cos(value * 2.4 + turn)));
  try {
    const map = await readSources(fileOf("depth"));
    if (of !== result) return;
    drawDepth(canvas, map, 0, colourOf);
    canvas.of = of;
    canvas.hidden = $("source-here").hidden; // by now
  } catch (error) {
    if (of !== result) return;
    mapped = false;
    showSources();
    noDepth(error, "retouch.none");
  }
}

/** What the picture under the finger is: how deep, or from which frame. */
async function tellPlace(event) {
  if ((view !== "depth" && $("sources").hidden) || event.target.closest("button")) return;
  const at = viewer.point(event);
  const [x, y] = [viewer.fraction(at.x), (at.y - viewer.view.y) / (viewer.base.height * viewer.view.s)];
  if (x < 0 || x >= 1 || y < 0 || y >= 1) return;
  if (view === "stack") {
    const { width, height, values } = await readSources(fileOf("depth"));
    const from = Math.floor(y * height) * width + Math.floor(x * width);
    source = offeredFrames()[values.subarray(from).find((value) => value !== OUTLINE) - 1];
    part = Math.min(100, Math.round(100 * x) + 10); // Compare begins with that place seen in the frame
    return showSources();
  }
  const um = depthAt(await readDepth(fileOf("depth")), positions_um(), x, y);
  say($("depth-here"), bracket.imported ? place_of(um) : t("result.depth_here", { at: distance(um) }));
  $("depth-here").hidden = false;
}

$("retouch").addEventListener("click", () => {
  mapped = view !== "stack" || !mapped;
  choose("stack");
});
$("source-here").addEventListener("click", () => {
  frame = bracket.frames.indexOf(source);
  view = "compare";
  oppose(null);
});

// --- commands ---------------------------------------------------------------------------------------

for (const button of $$("[data-view]")) {
  button.addEventListener("click", () => choose(button.dataset.view));
}
$("compare").addEventListener("input", () => {
  part = Number($("compare").value);
  divide();
});
viewer.onDivider = (fraction) => {
  part = Math.min(100, Math.max(0, Math.round(fraction * 100)));
  divide();
};
$("zoom-in").addEventListener("click", () => viewer.zoomTo(viewer.view.s * 1.6));
$("zoom-out").addEventListener("click", () => viewer.zoomTo(viewer.view.s / 1.6));
$("zoom-100").addEventListener("click", () => viewer.zoomTo(viewer.full));
wireRestack(id);
$("make-tiff").addEventListener("click", () =>
  command(post(`/api/brackets/${id}/stack`, { settings: { ...result.settings, tiff: true }, frames: offeredFrames().map((one) => one.index) })),
);
actAfterHold(
  $("delete"),
  async () => (await command(remove(`/api/brackets/${id}`))) && location.assign("/gallery"),
  (how) => toast(t(`gallery.delete_${how}`)),
);

$("viewer").addEventListener("click", tellPlace);
wiggle.onMove = (on) => press($("wiggle-play"), on);
$("wiggle-play").addEventListener("click", () => wiggle.move(!wiggle.moving));
wireWords(id, (said) => {
  bracket.words = said.words;
  showFacts();
});
const key = newKey();
/** The same range once more, with what the lens asks for now. */
$("again").addEventListener("click", async () => {
  const places = bracket.plan.positions_steps;
  const orders = [
    () => remove("/api/focus/limits"),
    () => post("/api/focus/near", { position_steps: Math.min(...places) }),
    () => post("/api/focus/far", { position_steps: Math.max(...places) }),
    () => post("/api/brackets", {}, { "Idempotency-Key": key }),
  ];
  for (const order of orders) if ((await command(order())) === false) return;
  location.assign("/");
});

/** What would put the bracket right. More frames only of the last one: where they are shot is where they are seen. */
function showState() {
  const { bracket: last, allowed = [] } = link.now().state ?? {};
  const more = last?.id === id ? last.repairs.filter(({ action }) => action !== "leave_out") : [];
  if (bracket) showRepairs({ id, done: bracket.frames_done, repairs: moved.length ? [...more, { action: "leave_out", which: moved }] : more }, allowed, (action) => action === "leave_out" || location.assign("/"));
}

let lastStage = null;
link.subscribe((state) => {
  showState();
  const job = state?.stack?.bracket_id === id ? state.stack : null;
  const ended = job && ["done", "failed", "cancelled"].includes(job.stage);
  say($("job"), !job ? "" : job.stage === "failed" ? t("stack.failed", { why: said(job, "error") }) : ended ? "" : t(`stack.${job.stage}`, { n: job.done, total: job.total }));
  for (const button of $$("[data-action]")) button.disabled = !state?.allowed.includes(button.dataset.action);
  const stage = job && `${job.result_id} ${job.stage}`;
  if (lastStage !== null && stage !== lastStage && job?.stage === "done") load(job.result_id).then(() => result.has_tiff && toast(t("result.tiff_ready", { size: bytes(result.tiff_bytes) })));
  lastStage = stage ?? "";
});
load();

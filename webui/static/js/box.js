// A box in the live picture: Auto looks for near and far only in it. A finger draws it after a long press, or at once
// while its button is pressed in; a tap then puts it there, and buttons move, size and clear it.

import { $, $$, press, say } from "./dom.js";
import { t } from "./i18n.js";
import { inPicture, onScreen } from "./touch.js";

const LONG_MS = 450;
const SLOP_PX = 12; // less is no drag
const LEAST = 0.06; // of the picture's side: three times what the rig takes
const FIRST = [0.3, 0.3, 0.4, 0.4];
const STEP = 0.05;
const KEPT = "box";

let box = JSON.parse(sessionStorage.getItem(KEPT) ?? "null"); // [x, y, width, height], fractions of the whole picture
let ofRig = "null"; // the box that the rig's near and far were found for, as last told
let open = false; // the buttons are shown, and a finger draws
let drawing = null; // {from: [x, y], at: [clientX, clientY]}
let view; // the live picture

/** What Auto is to be asked with. */
export const autoOrder = () => (box ? { box: { x: box[0], y: box[1], width: box[2], height: box[3] } } : {});

const inside = (at, side) => Math.min(1 - side, Math.max(0, at));

function set(wanted) {
  if (wanted) {
    const [w, h] = wanted.slice(2).map((side) => Math.min(1, Math.max(LEAST, side)));
    box = [inside(wanted[0], w), inside(wanted[1], h), w, h].map((one) => Number(one.toFixed(4)));
  } else box = null;
  sessionStorage.setItem(KEPT, JSON.stringify(box));
  draw();
}

/** Grow (or shrink) about its middle. */
const grown = ([x, y, w, h], by) => [x - by / 2, y - by / 2, Math.max(LEAST, w + by), Math.max(LEAST, h + by)];

/** Lay the frame over the part of the picture that is shown now; called with each picture as well. */
export function draw() {
  const frame = $("box");
  frame.hidden = !box || document.body.dataset.mode !== "live";
  say($("auto-name"), t(box ? "focus.auto_box" : "focus.auto"));
  $("auto").classList.toggle("boxed", Boolean(box));
  $("auto").setAttribute("aria-label", t(box ? "focus.auto_box_label" : "focus.auto_label"));
  for (const button of $$("[data-box], #box-clear")) button.disabled = !box;
  if (frame.hidden) return;
  const [left, top] = onScreen([box[0], box[1]], view.canvas, view.roi);
  const [right, bottom] = onScreen([box[0] + box[2], box[1] + box[3]], view.canvas, view.roi);
  Object.assign(frame.style, { left: `${left}px`, top: `${top}px`, width: `${right - left}px`, height: `${bottom - top}px` });
}

function toggle(wanted) {
  open = wanted;
  press($("box-tool"), open);
  $("box-tools").hidden = !open;
  view.canvas.classList.toggle("drawing", open);
  document.body.classList.toggle("boxing", open); // a small screen has no room for rail and arrows besides
  if (open && !box) set(FIRST);
  dispatchEvent(new Event("redraw"));
}

/** The box of near and far as the rig has them: of another phone, or from before a restart; gone when they are set otherwise. */
export function showBox({ plan }, mode) {
  const told = JSON.stringify(plan?.box ?? null);
  if (told !== ofRig) {
    if (plan?.box) set(plan.box);
    else if (JSON.stringify(box) === ofRig) set(null);
    ofRig = told;
  }
  if (open && mode !== "live") toggle(false);
  if (open) {
    $("tap-hint").hidden = false;
    say($("tap-hint"), t("box.how"));
  }
  draw();
}

// --- the finger ------------------------------------------------------------------------------------

let longPress = 0;
let pressedAt = [0, 0];
let moved = false; // since the finger came down: what ends now is no tap

const fingerAt = (event) => inPicture(event, view.canvas, view.roi);

function begin(event) {
  drawing = { from: fingerAt(event), at: [event.clientX, event.clientY], id: event.pointerId };
  view.canvas.setPointerCapture(event.pointerId); // the finger may leave the picture
}

function down(event) {
  clearTimeout(longPress);
  moved = false;
  if (document.body.dataset.mode !== "live" || !event.isPrimary) {
    drawing = null; // a second finger enlarges
    return;
  }
  if (open) {
    begin(event);
    event.stopImmediatePropagation();
  } else {
    const at = (pressedAt = [event.clientX, event.clientY]);
    drawing = null;
    longPress = setTimeout(() => {
      navigator.vibrate?.(20);
      toggle(true);
      begin({ clientX: at[0], clientY: at[1], pointerId: event.pointerId });
      moved = true; // however it goes on, it is no tap
    }, LONG_MS);
  }
}

const far = (event, [x, y]) => Math.hypot(event.clientX - x, event.clientY - y) > SLOP_PX;

function move(event) {
  if (!drawing) {
    if (far(event, pressedAt)) clearTimeout(longPress);
    return;
  }
  if (event.pointerId !== drawing.id) return;
  event.stopImmediatePropagation();
  if (!far(event, drawing.at)) return;
  moved = true;
  const to = fingerAt(event);
  const [left, top] = [0, 1].map((side) => Math.min(drawing.from[side], to[side]));
  set([left, top, Math.abs(to[0] - drawing.from[0]), Math.abs(to[1] - drawing.from[1])]);
}

function up() {
  clearTimeout(longPress);
  drawing = null;
}

/** A tap while the tools are shown puts the box there; the end of a drag is no tap at all. */
function click(event) {
  if (!moved && !open) return;
  event.stopImmediatePropagation();
  if (moved || !box) return;
  const [x, y] = fingerAt(event);
  set([x - box[2] / 2, y - box[3] / 2, box[2], box[3]]);
}

/** To be wired before whatever else listens to the picture. */
export function wireBox(live) {
  view = live;
  const { canvas } = live;
  canvas.addEventListener("pointerdown", down);
  canvas.addEventListener("pointermove", move);
  for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, up);
  canvas.addEventListener("click", click);
  canvas.addEventListener("touchmove", (event) => drawing && event.preventDefault(), { passive: false }); // or the page scrolls
  canvas.addEventListener("contextmenu", (event) => event.preventDefault());
  $("box-tool").addEventListener("click", () => toggle(!open));
  $("box-clear").addEventListener("click", () => {
    set(null);
    toggle(false);
  });
  for (const button of $$("[data-box]")) {
    const [x, y, by] = button.dataset.box.split(" ").map((one) => Number(one) * STEP);
    button.addEventListener("click", () => set(by ? grown(box, by) : [box[0] + x, box[1] + y, box[2], box[3]]));
  }
  addEventListener("resize", draw);
}

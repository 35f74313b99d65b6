// The spot that was sharp when a limit was set, kept as a small picture: what *is* the near limit. At once a part of the
// live picture; then, where the camera can, the sensor's own pixels, each on a pixel of the screen.

import { $, say } from "./dom.js";
import { t } from "./i18n.js";
import * as link from "./link.js";

const SIDE = 0.3; // of the shorter side of the live picture
const TRIES = 3; // for the sensor's pixels: the camera may be needed meanwhile
const GRID = 100; // lines that the rig knows parts of the picture by
const EXACT = 0.01; // that a pixel of the sensor may differ from one of the answer
const nameOf = (end) => `chip-${end}`;

let sensor_px = 4056; // across the frame, until the rig's answer says how many

/** Keep the part of the picture around the point [x, y] (fractions of all of it) for the limit `end`. */
export function keepChip(end, live, steps, point) {
  const { canvas, roi } = live;
  const side = Math.min(canvas.width, canvas.height) * SIDE;
  const [x, y] = roi ? [(point[0] - roi[0]) / roi[2], (point[1] - roi[1]) / roi[3]] : point;
  const corner = (at, size) => Math.min(size - side, Math.max(0, at * size - side / 2));
  keep(end, steps, canvas, [corner(x, canvas.width), corner(y, canvas.height), side], false);
  keepExact(end, steps, point, canvas.height / canvas.width);
}

function keep(end, steps, picture, [left, top, side], exact) {
  const chip = $(nameOf(end));
  $(`spot-${end}`).hidden = false;
  chip.width = chip.height = shownPixels(chip) || chip.width;
  const context = chip.getContext("2d");
  context.imageSmoothingEnabled = !exact;
  context.drawImage(picture, left, top, side, side, 0, 0, chip.width, chip.height);
  chip.dataset.steps = steps;
  mark(end, exact);
  sessionStorage.setItem(nameOf(end), JSON.stringify({ steps, exact, url: chip.toDataURL() }));
}

const shownPixels = (chip) => Math.round(chip.clientWidth * devicePixelRatio);

function mark(end, exact) {
  $(`spot-${end}`).hidden = false;
  $(`exact-${end}`).hidden = !exact;
  say($(`spot-${end}-name`), t(exact ? "chip.exact" : "chip.live"));
}

/** Ask for the sensor's own pixels of the spot, as long as the focus stays where it is; else the chip stays as it is. */
async function keepExact(end, steps, point, aspect) {
  const stands = () => {
    const { state, focus } = link.now().state;
    return state === "idle" && focus.position_steps === steps && focus[`${end}_steps`] === steps;
  };
  const pixels = shownPixels($(nameOf(end)));
  for (let tries = 0; pixels && tries < TRIES && stands(); tries += 1) {
    const part = partAround(point, pixels, aspect);
    const answer = await fetch(`/api/preview.jpg?w=640&fine=1&roi=${part.join()}`, { cache: "no-store" }).catch(() => null);
    if (answer?.status === 204) continue;
    const size = Number(answer?.headers.get("X-Sensor-Px"));
    if (!answer?.ok || !size) return;
    const picture = await createImageBitmap(await answer.blob());
    sensor_px = (picture.width * size) / part[2];
    const fits = picture.width >= pixels && picture.height >= pixels && Math.abs(size - 1) < EXACT;
    if (!fits) continue; // now it is known how large a part has to be
    if (!stands()) return;
    const corner = (at, begin, share, length) => Math.min(length - pixels, Math.max(0, Math.round(((at - begin) / share) * length - pixels / 2)));
    keep(end, steps, picture, [corner(point[0], part[0], part[2], picture.width), corner(point[1], part[1], part[3], picture.height), pixels], true);
    return;
  }
}

/** The part [x, y, w, h] around a point that holds so many of the sensor's pixels each way, on the rig's grid. */
function partAround(point, pixels, aspect) {
  const sides = [1, aspect].map((share) => Math.min(1, Math.ceil((GRID * pixels) / (sensor_px * share) + 1) / GRID));
  const starts = point.map((at, axis) => Math.min(1 - sides[axis], Math.max(0, at - sides[axis] / 2)));
  return [...starts, ...sides].map((one) => (Math.round(one * GRID) / GRID).toFixed(2)).map(Number);
}

/** Show the chip of a limit at `steps`, from before a reload if need be; none for a limit set elsewhere. */
export function showChip(end, steps) {
  const chip = $(nameOf(end));
  if (steps === null || String(steps) === chip.dataset.steps) {
    $(`spot-${end}`).hidden = steps === null;
    return;
  }
  $(`spot-${end}`).hidden = true;
  const kept = JSON.parse(sessionStorage.getItem(nameOf(end)) ?? "null");
  if (kept?.steps !== steps) return;
  const image = new Image();
  image.onload = () => {
    chip.width = chip.height = image.width;
    chip.getContext("2d").drawImage(image, 0, 0);
    chip.dataset.steps = steps;
    mark(end, kept.exact);
  };
  image.src = kept.url;
}

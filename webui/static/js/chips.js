// The spot that was sharp when a limit was set, kept as a small picture: what *is* the near limit.

import { $ } from "./dom.js";

const SIDE = 0.3; // of the shorter side of the picture
const nameOf = (end) => `chip-${end}`;

/** Keep the part of the drawn picture around the point [x, y] (fractions) for the limit `end`. */
export function keepChip(end, canvas, steps, [x, y]) {
  const chip = $(nameOf(end));
  const side = Math.min(canvas.width, canvas.height) * SIDE;
  const corner = (at, size) => Math.min(size - side, Math.max(0, at * size - side / 2));
  chip.getContext("2d").drawImage(canvas, corner(x, canvas.width), corner(y, canvas.height), side, side, 0, 0, chip.width, chip.height);
  chip.dataset.steps = steps;
  chip.hidden = false;
  sessionStorage.setItem(nameOf(end), JSON.stringify({ steps, url: chip.toDataURL("image/jpeg", 0.7) }));
}

/** Show the chip of a limit at `steps`, from before a reload if need be; none for a limit set elsewhere. */
export function showChip(end, steps) {
  const chip = $(nameOf(end));
  if (steps === null || String(steps) === chip.dataset.steps) {
    chip.hidden = steps === null;
    return;
  }
  chip.hidden = true;
  const kept = JSON.parse(sessionStorage.getItem(nameOf(end)) ?? "null");
  if (kept?.steps !== steps) return;
  const image = new Image();
  image.onload = () => {
    chip.getContext("2d").drawImage(image, 0, 0);
    chip.dataset.steps = steps;
    chip.hidden = false;
  };
  image.src = kept.url;
}

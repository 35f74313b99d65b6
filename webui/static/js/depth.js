// The depth map: read, in false colour (blue near, red far), and as a distance under the finger.

import { readGreyPng } from "./png16.js";

// The colours of the legend in result.css: samples of the "turbo" map (Mikhailov, 2019).
const STOPS = ["30123b", "4662d8", "36aaf9", "1ae4b6", "72fe5e", "c8ef34", "fbb938", "f56918", "7a0403"].map((hex) => [0, 2, 4].map((at) => parseInt(hex.slice(at, at + 2), 16)));

/** The colour at 0..1 as [r, g, b]; at night, when all is one colour, from dark to bright. */
export function colourAt(fraction) {
  if (document.documentElement.dataset.theme === "night") return Array(3).fill(25 + 230 * fraction);
  const place = fraction * (STOPS.length - 1);
  const index = Math.min(STOPS.length - 2, Math.floor(place));
  return STOPS[index].map((value, part) => value + (STOPS[index + 1][part] - value) * (place - index));
}

let last = { address: null, depth: null }; // a map of 12 MP takes 24 MB: one is kept

/** {width, height, values, top}: values / top is the place in the bracket, 0 = nearest, 1 = farthest. */
export async function readDepth(address) {
  if (last.address === address) return last.depth;
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(`depth map answered ${answer.status}`);
  last = { address, depth: await readGreyPng(await answer.arrayBuffer()) };
  return last.depth;
}

/** The map of which frame each part comes from (its number, from 1) that a depth map carries: see stacker/regions.py. */
export const readSources = async (address) => readGreyPng((await readDepth(address)).sources.buffer);

/** clear: the value of what is left transparent, if any. */
export function drawDepth(canvas, { width, height, values, top }, clear, colourOf = (value) => colourAt(value / top)) {
  const table = new Map([[clear, 0]]);
  const image = new ImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  values.forEach((value, i) => {
    let colour = table.get(value);
    if (colour === undefined) {
      const [r, g, b] = colourOf(value);
      table.set(value, (colour = (0xff000000 | (b << 16) | (g << 8) | r) >>> 0));
    }
    pixels[i] = colour;
  });
  Object.assign(canvas, { width, height });
  canvas.getContext("2d").putImageData(image, 0, 0);
}

/** The value of a map at x, y, both 0..1 and less than 1. */
export const valueAt = ({ width, height, values }, x, y) => values[Math.floor(y * height) * width + Math.floor(x * width)];

/** Micrometres behind the nearest frame at x, y, from the positions that were really shot. */
export function depthAt(depth, positions_um, x, y) {
  const place = (valueAt(depth, x, y) / depth.top) * (positions_um.length - 1);
  const index = Math.floor(place);
  const [a, b = a] = positions_um.slice(index);
  return a + (b - a) * (place - index) - positions_um[0];
}

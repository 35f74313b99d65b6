// Sharpness per frame as bars: a gap or a cut end shows while it can still be mended.

const NS = "http://www.w3.org/2000/svg";

const FLAT = 0.02; // a spread below this share of the sharpest is noise
const LOWEST = 0.2; // height of the least sharp frame

/** Heights 0..1: the sharpest frame is 1, the least sharp LOWEST; the shape counts, not the figures. */
export function heights(sharpness) {
  const top = Math.max(...sharpness);
  const spread = top - Math.min(...sharpness);
  return sharpness.map((value) => (spread < FLAT * top ? 1 : 1 - ((1 - LOWEST) * (top - value)) / spread));
}

export function drawCurve(svg, sharpness, total) {
  const slot = 100 / Math.max(total, 1);
  const tall = heights(sharpness);
  svg.replaceChildren(
    ...Array.from({ length: total }, (_, index) => {
      const done = index < tall.length;
      const height = done ? Math.max(1.5, 28 * tall[index]) : 1.5;
      const bar = document.createElementNS(NS, "rect");
      const box = { x: index * slot + slot * 0.1, width: slot * 0.8, y: 30 - height, height };
      for (const [name, value] of Object.entries(box)) bar.setAttribute(name, value.toFixed(2));
      bar.setAttribute("class", done ? "bar-done" : "bar-todo");
      return bar;
    }),
  );
}

// Sharpness per frame as bars: a gap or a cut end shows while it can still be mended.

const NS = "http://www.w3.org/2000/svg";

/** Heights 0..1 relative to the sharpest frame so far. */
export function heights(sharpness) {
  const top = Math.max(...sharpness, 0);
  return sharpness.map((value) => (top > 0 ? value / top : 0));
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

// What a result tells of itself on tap: how good it is, and what was cropped.

import { $, el, say } from "./dom.js";
import { number, t } from "./i18n.js";

let told = null; // id of the button whose sentence is shown
let sentences = {};

const percent = (share) => number(100 * share, share > 0.995 || share < 0.005 ? 1 : 0);

/** How much is there, and what it was that pulled the figure down. */
function quality({ figure, ...parts }) {
  const lost = Object.entries(parts).flatMap(([part, kept]) => (kept < 0.995 ? t(`quality.${part}`, { p: percent(1 - kept) }) : []));
  return [t("quality.what", { p: percent(figure) }), lost.length ? ` ${t("quality.lost", { why: lost.join(", ") })}` : ""];
}

function crop([left, top, width, height], frame) {
  const [right, bottom] = [frame.width - left - width, frame.height - top - height];
  const within = el("span");
  within.style.inset = [top / frame.height, right / frame.width, bottom / frame.height, left / frame.width].map((share) => `${100 * share}%`).join(" ");
  const drawing = el("span", { className: "cropping" }, within);
  drawing.style.aspectRatio = frame.width / frame.height;
  return [drawing, el("span", { textContent: t("crop.sides", { left, right, top, bottom }) })];
}

function show() {
  for (const id of ["quality", "cropped"]) $(id).setAttribute("aria-expanded", id === told);
  $("told").hidden = !sentences[told];
  $("told").replaceChildren(...(sentences[told] ?? []));
}

/** Of the result that is shown, null for none; frame: one of those it was made from. */
export function tellOf(result, frame) {
  const report = result?.report;
  const area = frame && report?.area;
  sentences = { quality: report?.quality && quality(report.quality), cropped: area && crop(area, frame) };
  for (const id in sentences) $(id).hidden = !sentences[id];
  if (sentences.quality) say($("quality"), t("result.quality", { q: number(report.quality.figure, 2) }));
  if (area) say($("cropped"), t("result.cropped", { p: percent((area[2] * area[3]) / (frame.width * frame.height)) }));
  show();
}

for (const id of ["quality", "cropped"]) {
  $(id).addEventListener("click", () => {
    told = told === id ? null : id;
    show();
  });
}

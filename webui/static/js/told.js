// What a result tells of itself on tap: how good it is, and what was cropped.

import { $, el, say } from "./dom.js";
import { number, t } from "./i18n.js";

const percent = (share) => number(100 * share, share > 0.995 || share < 0.005 ? 1 : 0);

/** By the button's id, of a report and a frame that went in: what the button says, and what it tells; null where there is nothing to tell. */
const FACTS = {
  quality({ quality }) {
    if (!quality) return null;
    const { figure, ...parts } = quality;
    const lost = Object.entries(parts).flatMap(([part, kept]) => (kept < 0.995 ? t(`quality.${part}`, { p: percent(1 - kept) }) : []));
    return [t("result.quality", { q: number(figure, 2) }), t("quality.what", { p: percent(figure) }), lost.length ? ` ${t("quality.lost", { why: lost.join(", ") })}` : ""];
  },
  cropped({ area: [left, top, w, h] = [] }, { width, height }) {
    if (!w || w * h === width * height) return null;
    const [right, bottom] = [width - left - w, height - top - h];
    const within = el("span");
    within.style.inset = [top / height, right / width, bottom / height, left / width].map((share) => `${100 * share}%`).join(" ");
    const drawing = el("span", { className: "cropping" }, within);
    drawing.style.aspectRatio = width / height;
    return [t("result.cropped", { p: percent((w * h) / (width * height)) }), drawing, el("span", { textContent: t("crop.sides", { left, right, top, bottom }) })];
  },
};

let told = null; // id of the button that was tapped
let known = {};

function show() {
  for (const id in FACTS) $(id).setAttribute("aria-expanded", id === told);
  $("told").hidden = !known[told];
  $("told").replaceChildren(...(known[told] ?? []));
}

/** Of the result that is shown; frame: one of those it was made from. */
export function tellOf(result, frame) {
  for (const id in FACTS) {
    const [label, ...rest] = (result?.report && frame && FACTS[id](result.report, frame)) || [];
    $(id).hidden = !label;
    say($(id), label ?? "");
    known[id] = label && rest;
  }
  show();
}

for (const id in FACTS) {
  $(id).addEventListener("click", () => {
    told = told === id ? null : id;
    show();
  });
}

// Stacking again with other settings or without some frames; the earlier results are kept.

import { post } from "./api.js";
import { $, el, press, say } from "./dom.js";
import { said, t } from "./i18n.js";
import { command } from "./shell.js";

const left = new Set(); // indices of frames left out by hand
let looked; // index of the frame that is looked at
let frames = []; // of the bracket, from near to far

const ends = () => [Number($("from").value) || 1, Number($("to").value) || frames.length];

/** Indices of the frames to be stacked, from near to far. */
export function chosen() {
  const [from, to] = ends();
  return frames.filter((one, place) => place + 1 >= from && place + 1 <= to && !left.has(one.index)).map((one) => one.index);
}

export function offer(found) {
  if (found.length !== frames.length) {
    for (const [id, value] of [["from", 1], ["to", found.length]]) Object.assign($(id), { min: 1, max: found.length, value });
  }
  frames = found;
  show();
}

function show() {
  const taken = chosen();
  say($("chosen"), taken.length === frames.length ? t("restack.all", { n: frames.length }) : t("restack.some", { n: taken.length, total: frames.length }));
  $("prefer").disabled = $("method").value !== "auto"; // only that method weighs depths against each other
  for (const [place, item] of [...$("frames").children].entries()) item.classList.toggle("out", !taken.includes(frames[place].index));
}

/** The frame that is looked at can be left out with one tap. */
export function lookAt(shot) {
  looked = shot?.index;
  $("leave").hidden = !shot;
  press($("leave"), left.has(looked));
}

function order() {
  const settings = { method: $("method").value, crop: $("crop").checked };
  if (!$("prefer").disabled) settings.prefer = $("prefer").value;
  const taken = chosen();
  return taken.length === frames.length ? { settings } : { settings, frames: taken };
}

export function wireRestack(id) {
  for (const name of ["from", "to", "method"]) $(name).addEventListener("input", show);
  $("leave").addEventListener("click", () => {
    if (!left.delete(looked)) left.add(looked);
    press($("leave"), left.has(looked));
    $("restack-box").open = true;
    show();
  });
  $("restack").addEventListener("submit", async (event) => {
    event.preventDefault();
    if (await command(post(`/api/brackets/${id}/stack`, order()))) $("viewer").scrollIntoView({ block: "center", behavior: "smooth" }); // where it will be seen
  });
}

/** What the check of the bracket found. Returns the indices of frames that a result without them would be better for, if there is none yet. */
export function showFindings({ findings, results }) {
  $("finding").hidden = findings.length === 0;
  $("findings").replaceChildren(...findings.map((one) => el("li", { className: "verdict", "data-sign": one.verdict === "covered" ? "✓" : "!", textContent: said(one, "sentence") })));
  const moved = findings.find((one) => one.repair?.action === "leave_out")?.frames ?? [];
  const names = frames.filter((one) => moved.includes(one.index)).map((one) => one.name);
  return results.some(({ report }) => report?.frames && !report.frames.some((one) => names.includes(one.name))) ? [] : moved;
}

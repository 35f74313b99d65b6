// How another phone comes to the rig: codes for its camera, drawn here.

import { get, post } from "./api.js";
import { $, el, say } from "./dom.js";
import { t } from "./i18n.js";
import { explain } from "./shell.js";

const QUIET = 4; // squares of white around a code; cameras need them, so they stay white in every theme
const SQUARE = 8;

/** rows: strings of "0" and "1". */
export function drawCode(canvas, rows) {
  const side = (rows.length + 2 * QUIET) * SQUARE;
  Object.assign(canvas, { width: side, height: side });
  const context = canvas.getContext("2d");
  context.fillStyle = "#fff";
  context.fillRect(0, 0, side, side);
  context.fillStyle = "#000";
  rows.forEach((row, y) => [...row].forEach((one, x) => one === "1" && context.fillRect((x + QUIET) * SQUARE, (y + QUIET) * SQUARE, SQUARE, SQUARE)));
  canvas.hidden = false;
}

function show({ wifi, address, only_here }) {
  const rows = [wifi && [t("net.wifi"), wifi.name], [t("more.address"), address]].filter(Boolean);
  $("network").replaceChildren(...rows.flatMap(([name, value]) => [el("dt", { textContent: name }), el("dd", { textContent: value })]));
  $("join").hidden = !wifi;
  if (wifi) drawCode($("join-code"), wifi.qr);
  $("invite").disabled = only_here;
  if (only_here) say($("invite-how"), t("net.only_here"));
}

let timer = 0;

function count(end) {
  const left_s = Math.ceil((end - performance.now()) / 1000);
  say($("invite-state"), left_s > 0 ? t("net.left", { s: left_s }) : t("net.over"));
  if (left_s > 0) timer = setTimeout(() => count(end), 1000);
  else $("invite-code").hidden = true;
}

$("invite").addEventListener("click", async () => {
  try {
    const { qr, wait_s } = await post("/api/network/invitation");
    drawCode($("invite-code"), qr);
    clearTimeout(timer);
    count(performance.now() + wait_s * 1000);
  } catch (problem) {
    if (problem.status === undefined) throw problem;
    explain(problem);
  }
});
$("part-network").addEventListener("toggle", () => $("part-network").open && get("/api/network").then(show, explain));

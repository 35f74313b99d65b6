// Measuring the focus drive: backlash by the rig itself, steps per µm by two points of known distance.

import { post } from "./api.js";
import { $, $$, say } from "./dom.js";
import { number, t } from "./i18n.js";
import * as link from "./link.js";
import { LiveView } from "./live.js";
import { save } from "./settings.js";
import { command } from "./shell.js";

const points = { A: null, B: null };
const live = new LiveView($("drive-live"), () => {}, () => link.resync());

$("drive").addEventListener("toggle", () => ($("drive").open ? live.start() : live.stop()));
$("measure-backlash").addEventListener("click", () => command(post("/api/calibrate", { backlash: true })));
$("drive-rail").addEventListener("change", () => command(post("/api/focus", { goto: Number($("drive-rail").value) })));
for (const button of $$("[data-point]")) {
  const point = button.dataset.point;
  button.addEventListener("click", () => {
    points[point] = link.now().state.focus.position_steps;
    say(button, t("drive.at", { point, n: points[point] }));
    show(link.now().state);
  });
}
$("drive-mm").addEventListener("input", () => show(link.now().state));
$("compute-scale").addEventListener("click", () =>
  command(post("/api/calibrate", { scale: { first_steps: points.A, second_steps: points.B, distance_um: Number($("drive-mm").value) * 1000 } })),
);
$("take-over").addEventListener("click", () => {
  const { setting, value } = link.now().state.proposal;
  save({ [setting]: value });
});

function show({ allowed, state, focus, proposal, message }) {
  for (const made of $$("[data-drive]")) made.disabled = !allowed.includes(made.dataset.drive);
  const known = points.A !== null && points.B !== null && Number($("drive-mm").value) > 0;
  $("compute-scale").disabled ||= !known;
  const rail = $("drive-rail");
  Object.assign(rail, { min: focus.min_steps, max: focus.max_steps });
  if (document.activeElement !== rail) rail.value = focus.position_steps;
  const said = state === "focusing" ? t("drive.busy") : proposal?.sentence ?? (($("drive").open && message) || "");
  $("proposal").hidden = !said;
  say($("proposal"), said);
  $("take-over").hidden = !proposal || state !== "idle";
  if (proposal) say($("take-over"), t("drive.take", { value: number(proposal.value, 4) }));
}

link.subscribe(show);

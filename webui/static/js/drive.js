// The focus drive, step by step: zero position, ends of the travel, backlash, steps per µm.

import { post } from "./api.js";
import { $, $$, repeatWhileHeld, say } from "./dom.js";
import { distance, number, said, t } from "./i18n.js";
import * as link from "./link.js";
import { LiveView } from "./live.js";
import { refresh, save } from "./settings.js";
import { command } from "./shell.js";

const FINE = 1 / 400; // of the travel, one tap of the inner arrows
const WIDER = 0.1; // of the travel, what an end is let out by one tap

const points = { A: null, B: null };
const live = new LiveView($("drive-live"), () => {}, () => link.resync());

$("drive").addEventListener("toggle", () => ($("drive").open ? live.start() : live.stop()));
$("measure-backlash").addEventListener("click", () => command(post("/api/calibrate", { backlash: true })));
$("drive-rail").addEventListener("change", () => command(post("/api/focus", { goto: Number($("drive-rail").value) })));
const travel = ({ min_steps, max_steps }) => max_steps - min_steps;

for (const button of $$("[data-steps]")) {
  repeatWhileHeld(button, async () => {
    const steps = Number(button.dataset.steps) * Math.max(1, Math.round(travel(link.now().state.focus) * FINE));
    return (await command(post("/api/focus", { jog: steps }))) !== false;
  });
}

/** Make a position an end of the travel; without one, where the focus stands. */
async function setTravel(end, position_steps) {
  if (await command(post("/api/calibrate", { travel: position_steps === undefined ? { end } : { end, position_steps } }))) refresh();
}

$("find-home").addEventListener("click", () => command(post("/api/calibrate", { home: true })));
for (const button of $$("[data-end]")) button.addEventListener("click", () => setTravel(button.dataset.end));
for (const button of $$("[data-wider]")) {
  button.addEventListener("click", () => {
    const { focus } = link.now().state;
    const more = Math.round(travel(focus) * WIDER);
    setTravel(button.dataset.wider, button.dataset.wider === "near" ? focus.min_steps - more : focus.max_steps + more);
  });
}
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

function show(now) {
  const { allowed, state, focus, proposal } = now;
  for (const made of $$("[data-drive]")) made.disabled = !allowed.includes(made.dataset.drive);
  const known = points.A !== null && points.B !== null && Number($("drive-mm").value) > 0;
  $("compute-scale").disabled ||= !known;
  const um = focus.position_steps ? focus.position_um / focus.position_steps : 0;
  say($("drive-at"), t("drive.travel", { n: focus.position_steps, low: focus.min_steps, high: focus.max_steps, long: distance(travel(focus) * um) }));
  const rail = $("drive-rail");
  Object.assign(rail, { min: focus.min_steps, max: focus.max_steps });
  if (document.activeElement !== rail) rail.value = focus.position_steps;
  const found = state === "focusing" ? t("drive.busy") : proposal ? said(proposal, "sentence") : $("drive").open ? said(now, "message") : "";
  $("proposal").hidden = !found;
  say($("proposal"), found);
  $("take-over").hidden = !proposal || state !== "idle";
  if (proposal) say($("take-over"), t("drive.take", { value: number(proposal.value, 4) }));
}

link.subscribe(show);

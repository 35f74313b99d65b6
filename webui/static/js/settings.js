// The rig's settings as forms: each field is made from what the rig says it allows, and saved when it is changed.

import { ask, get } from "./api.js";
import { $, $$, el, press, say } from "./dom.js";
import { distance, number, t } from "./i18n.js";
import * as link from "./link.js";
import { LiveView } from "./live.js";
import { explain } from "./shell.js";

let sensor_mm = 6.29;

const fieldOf = (name) => document.querySelector(`[data-setting="${name}"]`);

function limits({ low, high, kind }) {
  if (kind !== "number" && kind !== "whole") return "";
  if (low === null) return "";
  return ` (${t(high === null ? "more.at_least" : "more.from", { low: number(low, 6), high: number(high ?? 0, 6) })})`;
}

function input(one) {
  const id = `set-${one.name}`;
  if (one.kind === "switch") return el("input", { id, type: "checkbox" });
  if (one.kind === "choice") return el("select", { id }, ...one.choices.map((value) => el("option", { value, textContent: t(`choice.${value}`) })));
  const made = el("input", { id, type: "number", inputMode: one.kind === "whole" ? "numeric" : "decimal", step: one.kind === "whole" ? "1" : "any" });
  if (one.low !== null) made.min = one.low;
  if (one.high !== null) made.max = one.high;
  return made;
}

function field(one) {
  const made = input(one);
  const state = el("span", { className: "saved", role: "status" });
  const why = el("span", { className: "hint", id: `why-${one.name}`, textContent: t(`why.${one.name}`) + limits(one) });
  made.setAttribute("aria-describedby", why.id);
  made.addEventListener("change", () => save({ [one.name]: valueOf(made, one.kind) }));
  return el("div", { className: `field ${one.kind}`, "data-setting": one.name, "data-kind": one.kind }, el("label", { htmlFor: made.id, textContent: t(`set.${one.name}`) }), made, why, state);
}

const valueOf = (made, kind) => (kind === "switch" ? made.checked : kind === "choice" ? made.value : made.value === "" ? null : Number(made.value));

function show({ settings, lens }) {
  for (const one of settings) {
    let row = fieldOf(one.name);
    if (!row) document.querySelector(`[data-part=${one.name.split(".")[0]}]`).append((row = field(one)));
    const made = row.querySelector("input, select");
    if (one.kind === "switch") made.checked = one.value;
    else if (document.activeElement !== made || Number(made.value) !== one.value) made.value = one.value;
  }
  sensor_mm = lens.sensor_width_mm;
  if (!$("presets").children.length) $("presets").replaceChildren(...lens.presets.map(preset));
  const values = Object.fromEntries(settings.map((one) => [one.name, one.value]));
  lens.presets.forEach((one, place) => press($("presets").children[place], Object.entries(one.settings).every(([name, value]) => values[name] === value)));
  say($("lens-now"), t("more.lens_now", { dof: distance(lens.depth_of_field_um), step: distance(lens.focus_step_um), spot: `${number(lens.diffraction_spot_um, 1)}\u00a0µm` }));
}

/** Save; what is wrong stands beside its field, and the old value counts on. */
export async function save(changes) {
  const rows = Object.keys(changes).map(fieldOf);
  for (const row of $$(".field.wrong")) mark(row, "");
  try {
    const answer = await ask("PUT", "/api/settings", changes);
    show(answer);
    link.heard(answer.state);
    for (const row of rows) mark(row, `✓ ${t("more.saved")}`);
    return true;
  } catch (problem) {
    if (problem.status === undefined) throw problem;
    const row = problem.field && fieldOf(problem.field);
    if (row) mark(row, `${t("more.refused")}: ${problem.message}`, true);
    else explain(problem);
    return false;
  }
}

function mark(row, text, wrong = false) {
  row.classList.toggle("wrong", wrong);
  row.querySelector("input, select").setAttribute("aria-invalid", String(wrong));
  say(row.querySelector(".saved"), text);
}

// --- lens presets and the ruler --------------------------------------------------------------------

function preset({ title, settings }) {
  const button = el("button", { type: "button", textContent: title });
  button.addEventListener("click", () => save(settings));
  return button;
}

/** Magnification: the sensor's width over what of the ruler it shows. */
export const byRuler = (millimetres) => Number((sensor_mm / millimetres).toPrecision(3));

$("ruler-mm").addEventListener("input", () => {
  const mm = Number($("ruler-mm").value);
  $("ruler-take").disabled = !(mm > 0) || lock();
  say($("ruler-take"), t("more.ruler_take", { m: mm > 0 ? number(byRuler(mm), 3) : "…" }));
});
$("ruler-take").addEventListener("click", () => save({ "optics.magnification": byRuler(Number($("ruler-mm").value)) }));

const live = new LiveView($("ruler-live"), () => {}, () => link.resync());
$("ruler").addEventListener("toggle", () => ($("ruler").open ? live.start() : live.stop()));

// --- when it may be changed -----------------------------------------------------------------------

const lock = () => !link.now().state?.allowed.includes("change_settings");

function obey() {
  const locked = lock();
  for (const made of $$(".field :is(input, select), #presets button")) made.disabled = locked;
  for (const hint of $$(".wait-settings")) hint.hidden = !locked;
}

/** Show the settings as the rig has them now. */
export const refresh = () => get("/api/settings").then((all) => (show(all), obey()), explain);

link.subscribe(obey);
refresh();

// What the check of a bracket found: whether there is reason to look at it, and what puts it right with one tap.

import { post } from "./api.js";
import { $, el } from "./dom.js";
import { runs, t } from "./i18n.js";
import { command } from "./shell.js";

/** Whether the check of a bracket gives no reason to look at it. */
export const fine = (verdict) => [null, "covered", "unsure"].includes(verdict);

/** Repair -> what must be allowed, the verb and its body. */
const REPAIRS = {
  extend_near: ["extend", "extend", () => ({ end: "near" })],
  extend_far: ["extend", "extend", () => ({ end: "far" })],
  fill: ["fill_gaps", "fill", () => ({})],
  leave_out: ["stack", "stack", ({ done }, { which }) => ({ frames: [...Array(done).keys()].filter((index) => !which.includes(index)) })],
};
const mended = new Set(JSON.parse(sessionStorage.getItem("mended") ?? "[]")); // "bracket repair": asked for on this phone

/** A button for each repair that is offered of a bracket and allowed; ordered(action) after one was asked for. */
export function showRepairs(bracket, allowed, ordered) {
  const possible = bracket.repairs.filter(({ action }) => REPAIRS[action] && allowed.includes(REPAIRS[action][0]) && !mended.has(`${bracket.id} ${action}`));
  const shown = `${bracket.id} ${possible.map((one) => one.action + one.frames)}`;
  if ($("repairs").dataset.shown === shown) return;
  $("repairs").dataset.shown = shown;
  $("repairs").replaceChildren(
    ...possible.map((one) => {
      const { action, frames, which } = one;
      const [, verb, body] = REPAIRS[action];
      const n = action === "leave_out" ? runs(which) : frames;
      const button = el("button", { type: "button", className: "big primary", "data-repair": action, textContent: t(`repair.${action}`, { n }) });
      button.addEventListener("click", async () => {
        if (!(await command(post(`/api/brackets/${bracket.id}/${verb}`, body(bracket, one))))) return;
        if (action === "leave_out") {
          mended.add(`${bracket.id} ${action}`); // the verdict on the frames stays what it is
          sessionStorage.setItem("mended", JSON.stringify([...mended]));
        }
        ordered(action);
      });
      return button;
    }),
  );
}

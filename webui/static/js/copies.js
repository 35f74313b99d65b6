// Brackets on their way to a stick: where to, with what, how far, and whether it may be pulled out.

import { get, newKey, post, remove } from "./api.js";
import { $, el, guest, say } from "./dom.js";
import { bytes, duration, said, t } from "./i18n.js";
import * as link from "./link.js";
import { announce, command, explain } from "./shell.js";

const SEEN = "copy-seen";

/** Ask where these brackets are to be copied to (null: all that are not there yet), and order it. */
export async function offerCopy(brackets, ordered = () => {}) {
  let told;
  try {
    told = await get("/api/targets");
  } catch (problem) {
    return explain(problem);
  }
  const key = newKey();
  const places = told.targets.map((one) => {
    if (one.problem) return el("p", { className: "hint", textContent: said(one, "problem") });
    const button = el("button", { className: "primary", textContent: `${one.name} · ${t("copy.free", { size: bytes(one.free) })}` });
    button.addEventListener("click", async () => {
      const order = { target: one.id, frames: $("with-frames").checked, ...(brackets && { brackets }) };
      if ((await command(post("/api/copies", order, { "Idempotency-Key": key }))) === false) return;
      ordered();
      $("copying").scrollIntoView(); // where it is called off
    });
    return button;
  });
  say($("copy-what"), brackets ? t("gallery.chosen", { n: brackets.length }) : t("copy.everything"));
  $("copy-targets").replaceChildren(...(places.length ? places : [el("p", { textContent: t("copy.no_stick") })]));
  $("copy-to").showModal();
}

let shown = null;

function show({ copy }) {
  const running = ["looking", "copying"].includes(copy?.state);
  $("copying").hidden = guest || !copy || (!running && sessionStorage.getItem(SEEN) === copy.id);
  if ($("copying").hidden) return;
  const { done, total, eta_s, to } = copy;
  const left = eta_s ? ` · ${t("cards.left", { time: duration(eta_s) })}` : "";
  say($("copying-text"), running ? t("copy.running", { to, done: bytes(done), total: bytes(total) }) + left : said(copy, "message"));
  Object.assign($("copying-done"), { hidden: !running, max: total || 1, value: done });
  say($("copying-end"), t(running ? "cards.cancel" : "copy.seen"));
  if (shown?.running && !running) announce(said(copy, "message"));
  shown = { ...copy, running };
}

$("copying-end").addEventListener("click", () => {
  if (shown.running) return command(remove(`/api/copies/${shown.id}`));
  sessionStorage.setItem(SEEN, shown.id);
  show({ copy: shown });
});
link.subscribe(show);

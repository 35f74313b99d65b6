// This phone's look, the rig's figures, and who else is paired.

import { get, post, remove } from "./api.js";
import { offerCopy } from "./copies.js";
import { $, $$, actAfterHold, el, press } from "./dom.js";
import { bytes, duration, number, shutter, t } from "./i18n.js";
import * as link from "./link.js";
import "./drive.js";
import "./network.js";
import "./settings.js";
import { command, explain, remember, setTheme, toast } from "./shell.js";

const root = document.documentElement;
const current = { theme: () => root.dataset.theme, hand: () => root.dataset.hand, units: () => root.dataset.units, lang: () => root.lang, awake: () => (/(?:^|; )awake=off/.test(document.cookie) ? "off" : "on") };

function showLooks() {
  for (const button of $$("[data-look]")) press(button, current[button.dataset.look]() === button.dataset.value);
}

for (const button of $$("[data-look]")) {
  button.addEventListener("click", () => {
    const { look, value } = button.dataset;
    if (look === "theme") setTheme(value);
    else remember(look, value);
    if (look === "hand") root.dataset.hand = value;
    if (look === "lang" || look === "units") location.reload();
    showLooks();
  });
}

$("theme").addEventListener("click", showLooks);

const table = (list, rows) =>
  list.replaceChildren(...rows.filter(Boolean).flatMap(([name, value]) => [el("dt", { textContent: name }), el("dd", { textContent: value })]));

function showRig(state) {
  const { storage, exposure, focus } = state;
  table($("rig"), [
    [t("more.state"), t(`state.${state.state}`)],
    [t("more.scene"), state.simulated ?? t("more.real")],
    [t("more.travel"), `${focus.min_steps} – ${focus.max_steps}`],
    exposure?.exposure_us && [t("more.exposure"), `${shutter(exposure.exposure_us)} · ×${number(exposure.gain, 1)}`],
  ]);
  table($("storage"), [[t("more.space"), `${bytes(storage.free_bytes)} · ${t("strip.room", { n: storage.brackets_left })}`]]);
}

function showAbout({ version, names, now, clock, peak_memory_mb }) {
  const off = Math.abs(Date.now() / 1000 - now);
  table($("about"), [
    [t("more.version"), version ?? "–"],
    [t("more.names"), names.join(", ")],
    [t("more.clock"), `${t(`clock.${clock}`)}, ${off > 5 ? t("more.clock_off", { for: duration(off) }) : t("more.clock_ok")}`],
    peak_memory_mb && [t("more.memory"), `${Math.round(peak_memory_mb)} MB`],
  ]);
}

function showPhones({ phones }) {
  const items = phones.map((phone) => {
    const button = el("button", { type: "button", className: "danger hold", textContent: t("more.forget") });
    actAfterHold(
      button,
      async () => {
        const rest = await command(remove(`/api/phones/${phone.id}`));
        if (rest && phone.this_phone) location.assign("/pair");
        else if (rest) showPhones(rest);
      },
      (how) => toast(t(`gallery.delete_${how}`)),
    );
    return el("li", {}, el("span", { textContent: phone.this_phone ? `${phone.name} (${t("more.this_phone")})` : phone.name }), button);
  });
  $("phones").replaceChildren(...(items.length ? items : [el("li", { textContent: t("more.no_phones") })]));
}

$("copy").addEventListener("click", () => offerCopy(null));
actAfterHold($("power"), () => command(post("/api/power", { off: true })), (how) => toast(t(`gallery.delete_${how}`)));
link.subscribe((state) => {
  showRig(state);
  $("power").disabled = !state.allowed.includes("power_off");
  $("power-no").hidden = !state.simulated;
});
showLooks();
get("/api/phones").then(showPhones, explain);
get("/api/about").then(showAbout, explain);

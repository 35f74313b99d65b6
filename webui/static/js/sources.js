// The row of tabs: the rig's own brackets, and the cards and folders there are besides.

import { get } from "./api.js";
import { $, el, guest } from "./dom.js";
import { t } from "./i18n.js";

const SEEN = { done: "cards.found_short", cancelled: "cards.found_short", reading: "cards.looking_short", looking: "cards.looking_short" };

function tab(address, name, about, here) {
  const link = el("a", { className: "button", href: address }, el("b", { textContent: name }));
  if (about) link.append(el("small", { textContent: about }));
  if (here) link.setAttribute("aria-current", "page");
  return link;
}

const EVERY_MS = 10000; // a card that is put in appears by itself
let shown = "";
let timer = 0;

/** Show the tabs where there is more than the rig itself, now and from now on. here: id of the source shown, "" for the rig. */
export async function showSources(here) {
  clearTimeout(timer);
  timer = setTimeout(() => showSources(here), EVERY_MS);
  if (document.hidden || guest) return;
  const told = await get("/api/sources").catch(() => null); // a tab less is no reason to complain
  if (!told || JSON.stringify(told) === shown) return; // made anew only when they changed: a finger may be on one
  shown = JSON.stringify(told);
  const { sources } = told;
  $("sources").hidden = sources.length === 0;
  $("sources").replaceChildren(
    tab("/gallery", t("cards.rig"), "", here === ""),
    ...sources.map(({ id, name, scan }) => tab(`/cards/${id}`, name, SEEN[scan?.state] ? t(SEEN[scan.state], { n: scan.brackets }) : t("cards.not_looked"), id === here)),
  );
}

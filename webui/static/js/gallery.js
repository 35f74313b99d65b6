// The brackets on the card, newest first, in groups of a day.

import { get, post, remove } from "./api.js";
import { offerCopy } from "./copies.js";
import { $, $$, actAfterHold, el, press, say } from "./dom.js";
import { bytes, clockTime, dayName, t } from "./i18n.js";
import * as link from "./link.js";
import { command, explain, toast } from "./shell.js";
import { showSources } from "./sources.js";
import { fine } from "./verdict.js";

const SIGNS = { complete: "✓", stopped: "■", failed: "!", interrupted: "!", shooting: "●" };
const PLACE = "gallery-place";
let page = 1;
let selecting = false;
const chosen = new Set();

async function load(append = false) {
  try {
    const list = await get(`/api/brackets?page=${page}`);
    if (!append) $("days").replaceChildren();
    for (const one of list.brackets) dayOf(one).append(card(one));
    $("empty").hidden = list.total > 0;
    $("select").hidden = list.total === 0;
    $("older").hidden = list.page * list.per_page >= list.total;
  } catch (problem) {
    explain(problem);
  }
}

const newest = () => document.querySelector(".card")?.dataset.id;

/** Whoever comes back from a bracket is where it was tapped, unless a newer one stands at the top now. */
async function returnToPlace() {
  const kept = JSON.parse(sessionStorage.getItem(PLACE) ?? "null");
  sessionStorage.removeItem(PLACE);
  if (!kept || kept.newest !== newest()) return;
  while (page < kept.page) {
    page += 1;
    await load(true);
  }
  scrollTo(0, kept.y);
}

/** The list of the bracket's day; brackets shot before the clock was known stand under their own heading. */
function dayOf(bracket) {
  const name = bracket.created ? dayName(new Date(bracket.created)) : t("gallery.no_date");
  const last = $("days").lastElementChild;
  if (last?.dataset.day === name) return last.querySelector("ul");
  const cards = el("ul", { className: "cards" });
  $("days").append(el("section", { "data-day": name }, el("h2", { textContent: name }), cards));
  return cards;
}

function card(bracket) {
  const outcome = bracket.outcome ?? "shooting";
  const good = fine(bracket.verdict);
  const picture = bracket.thumb
    ? el("img", { src: `/api/brackets/${bracket.id}/thumb.jpg?v=${bracket.v}${bracket.results.length}`, alt: "", loading: "lazy" })
    : el("span", { className: "none", textContent: t("gallery.no_picture") });
  const { title, tags, rating } = bracket.words;
  const facts = [title && bracket.id, rating && "★".repeat(rating), ...tags, bracket.imported && t("gallery.imported", { name: bracket.imported }), bracket.created && clockTime(new Date(bracket.created)), bracket.dated_later && t("gallery.dated_later"), bytes(bracket.bytes), bracket.results.length === 0 && t("gallery.not_stacked"), bracket.copied && `✓\u00a0${t("gallery.copied", bracket.copied)}`];
  const text = el(
    "span", { className: "text" },
    el("b", { textContent: bracket.words.title || bracket.id }),
    el("span", { className: "state", "data-sign": good ? SIGNS[outcome] : "!", textContent: `${t(good ? `gallery.${outcome}` : `verdict.${bracket.verdict}`)} · ${t("gallery.frames", { n: bracket.frames_done, total: bracket.frames_planned })}` }),
    el("span", { className: "job", "data-job": bracket.id, hidden: true }),
    el("span", { className: "hint", textContent: facts.filter(Boolean).join(" · ") }),
  );
  const box = el("input", { type: "checkbox", "aria-label": t("gallery.choose", { id: bracket.id }) });
  box.addEventListener("change", () => {
    if (box.checked) chosen.add(bracket.id);
    else chosen.delete(bracket.id);
    showSelection();
  });
  const pick = el("label", { className: "pick", hidden: !selecting }, box);
  const face = el("a", { href: `/b/${bracket.id}` }, picture, text);
  face.addEventListener("click", (event) => {
    if (!selecting) return sessionStorage.setItem(PLACE, JSON.stringify({ y: scrollY, page, newest: newest() }));
    event.preventDefault(); // the whole card is what a thumb hits
    box.click();
  });
  return el("li", { className: "card", "data-id": bracket.id }, face, pick);
}

function showSelection() {
  $("selection").hidden = !selecting;
  say($("selected"), t("gallery.chosen", { n: chosen.size }));
  $("save").disabled = $("copy").disabled = chosen.size === 0;
  $("restack").disabled = chosen.size === 0 || !link.now().state?.allowed.includes("stack");
  $("delete").disabled = chosen.size === 0 || !link.now().state?.allowed.includes("delete");
}

$("select").addEventListener("click", () => {
  selecting = !selecting;
  press($("select"), selecting);
  chosen.clear();
  for (const pick of $$(".pick")) {
    pick.hidden = !selecting;
    pick.querySelector("input").checked = false;
  }
  showSelection();
});
$("older").addEventListener("click", () => {
  page += 1;
  load(true);
});
$("save").addEventListener("click", () => el("a", { href: `/api/brackets.zip?ids=${[...chosen].join(",")}`, download: "" }).click());
$("copy").addEventListener("click", () => offerCopy([...chosen], () => $("select").click()));
$("restack").addEventListener("click", async () => {
  for (const id of [...chosen]) if ((await command(post(`/api/brackets/${id}/stack`, {}))) === false) return;
  toast(t("gallery.queued", { n: chosen.size }));
  $("select").click();
});
actAfterHold(
  $("delete"),
  async () => {
    for (const id of [...chosen]) {
      if ((await command(remove(`/api/brackets/${id}`))) === false) break;
      chosen.delete(id);
    }
    page = 1;
    await load();
    if (chosen.size === 0 && selecting) $("select").click();
    showSelection();
  },
  (how) => toast(t(`gallery.delete_${how}`)),
);

addEventListener("dated", () => selecting || load());

/** The frames of the bracket that is being shot now, counted as they come. */
function showShooting({ id, outcome, done, total }) {
  const line = outcome === null && document.querySelector(`.card[data-id="${id}"] .state`);
  if (line) say(line, `${t("gallery.shooting")} · ${t("gallery.frames", { n: done, total })}`);
}

function showJob(stack) {
  const running = stack && !["done", "failed", "cancelled"].includes(stack.stage);
  for (const line of $$("[data-job]")) {
    line.hidden = !running || line.dataset.job !== stack.bracket_id;
    if (!line.hidden) say(line, t(`stack.${stack.stage}`, { n: stack.done, total: stack.total }));
  }
}

// A bracket that was begun or ended, and a stack that was finished, change the list.
let seen = null;
link.subscribe((state) => {
  const { bracket, stack, copy } = state;
  showJob(stack);
  if (bracket) showShooting(bracket);
  const now = `${bracket?.id} ${bracket?.outcome} ${stack?.bracket_id} ${stack?.result_id} ${stack?.stage === "done"} ${copy?.message}`;
  if (seen !== null && seen !== now && !selecting) {
    page = 1;
    load();
  }
  seen = now;
});
load().then(() => (location.hash === "#select" ? $("select").click() : returnToPlace()));
showSources("");

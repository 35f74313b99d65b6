// Title, tags and stars of a bracket.

import { ask } from "./api.js";
import { $, el, press, say } from "./dom.js";
import { t } from "./i18n.js";
import { explain, toast } from "./shell.js";

let rating = 0;

const stars = Array.from({ length: 5 }, (_, place) => {
  const button = el("button", { type: "button", textContent: "★", "aria-label": t("words.stars", { n: place + 1 }) });
  button.addEventListener("click", () => shine(rating === place + 1 ? 0 : place + 1));
  return button;
});

function shine(n) {
  rating = n;
  for (const [place, star] of stars.entries()) {
    press(star, place < n);
    say(star, place < n ? "★" : "☆");
  }
}

/** Fill the form with what was said. */
export function showWords({ title, tags, rating: given }) {
  $("title").value = title;
  $("tags").value = tags.join(", ");
  shine(given);
}

/** onSaved(bracket) after the rig has noted it. */
export function wireWords(id, onSaved) {
  $("stars").append(...stars);
  $("words-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    const tags = $("tags").value.split(",").map((tag) => tag.trim()).filter(Boolean);
    try {
      onSaved(await ask("PATCH", `/api/brackets/${id}`, { title: $("title").value, tags, rating }));
      toast(t("more.saved"));
    } catch (problem) {
      if (problem.status === undefined) throw problem;
      explain(problem);
    }
  });
}

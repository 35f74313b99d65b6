// The words of the chosen language, and figures written the way that language writes them.

export const lang = document.documentElement.lang || "en";
/** Dates and figures as this phone writes that language: British English has the day first. */
export const region = navigator.language?.split("-")[0] === lang ? navigator.language : lang;
const words = await (await fetch(new URL(`../i18n/${lang}.json`, import.meta.url))).json();

/** The sentence of a key with {figures} filled in, that of `key_one` for n = 1 if there is one; the key itself when it is unknown, so a gap is seen. */
export function t(key, figures = {}) {
  const of_one = figures.n === 1 && words[`${key}_one`];
  return (of_one || (words[key] ?? key)).replace(/\{(\w+)\}/g, (whole, name) => figures[name] ?? whole);
}

export const number = (value, digits) => new Intl.NumberFormat(region, { maximumFractionDigits: digits }).format(value);

/** A length at the subject in the unit a photographer would say, of those chosen on this phone; mil: thousandths of an inch. */
export function distance(um) {
  const size = Math.abs(um);
  const show = (value, unit, most) => {
    const digits = size ? most : 0;
    return `${new Intl.NumberFormat(region, { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value)}\u00a0${unit}`;
  };
  if (document.documentElement.dataset.units === "imperial") return size < 2540 ? show(um / 25.4, "mil", size < 25.4 ? 3 : size < 254 ? 2 : 1) : show(um / 25400, "in", 3);
  return size < 1000 ? show(um, "µm", size < 10 ? 1 : 0) : show(um / 1000, "mm", 2);
}

export function bytes(count) {
  for (const [unit, size] of [["GB", 1e9], ["MB", 1e6], ["kB", 1e3]]) {
    if (count >= size) return `${number(count / size, count >= 10 * size ? 0 : 1)}\u00a0${unit}`;
  }
  return `${count} B`;
}

export function duration(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole}\u00a0s`;
  const minutes = Math.floor(whole / 60);
  return minutes < 60 ? `${minutes}\u00a0min ${whole % 60}\u00a0s` : `${Math.floor(minutes / 60)}\u00a0h ${minutes % 60}\u00a0min`;
}

/** An exposure time as cameras write it: 1/60 s, 0.5 s. */
export const shutter = (us) => (us < 300000 ? `1/${number(Math.round(1e6 / us), 0)}\u00a0s` : `${number(us / 1e6, 1)}\u00a0s`);

export const clockTime = (date) => date.toLocaleTimeString(region, { hour: "2-digit", minute: "2-digit" });
export const dayName = (date) => date.toLocaleDateString(region, { weekday: "long", day: "numeric", month: "long", year: "numeric" });

/** What the rig says in a field of an answer: in the phone's language by its code and figures, else as it stands. */
export const said = (from, field) => sentence(from[field], from[`${field}_said`]);

/** The same of a field that is a list of sentences. */
export const allSaid = (from, field) => (from[field] ?? []).map((text, at) => sentence(text, from[`${field}_said`]?.[at]));

function sentence(text, told) {
  const key = `said.${told?.code}`;
  if (!(key in words)) return text ?? "";
  const made = t(key, Object.fromEntries(Object.entries(told.figures).map(([name, value]) => [name, figure(value)])));
  return words[key].startsWith("{frames}") ? made[0].toUpperCase() + made.slice(1) : made;
}

/** A figure of a sentence: a number, text, length, time, size, frames by their indices, or a sentence again. */
function figure(value) {
  if (typeof value === "number") return number(value, 6);
  if (typeof value === "string") return value;
  if ("um" in value) return distance(value.um);
  if ("s" in value) return duration(value.s);
  if ("bytes" in value) return bytes(value.bytes);
  if (value.frames) return t(value.frames.length === 1 ? "frames.one" : "frames.many", { which: runs(value.frames) });
  return sentence(value.text, value);
}

/** Indices from 0 as people say frames: [13, 14, 15, 19] is "14–16, 20". */
export function runs(indices) {
  const found = [];
  for (const index of [...indices].sort((a, b) => a - b)) {
    const last = found.at(-1);
    if (last && index === last[1] + 1) last[1] = index;
    else found.push([index, index]);
  }
  return found.map(([first, last]) => (first === last ? `${first + 1}` : `${first + 1}–${last + 1}`)).join(", ");
}

// The self-timer: chosen here, counted by the rig, so the phone may be put down or locked meanwhile.

import { post } from "./api.js";
import { $, press, say } from "./dom.js";
import { t } from "./i18n.js";
import { announce, command } from "./shell.js";

const CHOICES_S = [0, 2, 10];
let chosen_s = CHOICES_S.find((one) => String(one) === localStorage.getItem("timer")) ?? 0;
let told = null;

/** Seconds to wait before a bracket, 0 for none. */
export const wait_s = () => chosen_s;

function showChoice() {
  press($("timer"), chosen_s > 0);
  say($("timer-s"), chosen_s ? t("timer.s", { n: chosen_s }) : t("timer.off"));
}

export function wireTimer() {
  showChoice();
  $("timer").addEventListener("click", () => {
    chosen_s = CHOICES_S[(CHOICES_S.indexOf(chosen_s) + 1) % CHOICES_S.length];
    localStorage.setItem("timer", chosen_s);
    showChoice();
  });
  const stop = () => command(post("/api/stop", {}));
  $("call-off").addEventListener("click", stop);
}

export function showCountdown({ timer_s }) {
  if (!timer_s) return;
  say($("left-s"), String(timer_s));
  if (told === null || timer_s % 5 === 0) announce(t("timer.left", { n: timer_s }));
  told = timer_s;
}

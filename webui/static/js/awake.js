// The screen kept on while the Shoot page is open, as well as the browser lets it. The rig never needs it.

import { say } from "./dom.js";
import { t } from "./i18n.js";

const wanted = () => !/(?:^|; )awake=off/.test(document.cookie);
let lock = null;
let video = null;

/** "held": the browser promises it; "tried": a playing video, which many phones take as a reason to stay on. */
async function hold() {
  if (navigator.wakeLock) {
    lock ??= await navigator.wakeLock.request("screen");
    lock.addEventListener("release", () => (lock = null), { once: true });
    return "held";
  }
  if (!video) {
    const canvas = Object.assign(document.createElement("canvas"), { width: 16, height: 16 });
    const context = canvas.getContext("2d");
    setInterval(() => context.fillRect(Math.random() * 16, 0, 1, 1), 1000); // a still picture counts as paused
    video = Object.assign(document.createElement("video"), { muted: true, playsInline: true, srcObject: canvas.captureStream(1) });
  }
  await video.play();
  return "tried";
}

/** From the first touch on, as browsers ask for; again after the page was away. note: where the truth is said. */
export function keepAwake(note) {
  if (!wanted()) return;
  const begin = async () => {
    if (document.hidden) return;
    const how = await hold().catch(() => "no");
    document.documentElement.dataset.awake = how;
    if (note) say(note, t(`awake.${how}`));
  };
  addEventListener("pointerdown", begin, { once: true });
  document.addEventListener("visibilitychange", () => document.documentElement.dataset.awake && begin());
}

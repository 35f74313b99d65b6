// The live picture, pulled: the next one is asked for when the last is drawn, so a slow link shows
// fewer pictures, never old ones. The width follows what the link carries while a picture is fresh.

const WIDTHS = [320, 480, 640, 960, 1280];
const FRESH_MS = 280; // old at most when it is drawn, from the first light on
const LEAST_MS = 60; // for the way, however long the exposure was
const SLOW_MS = 250; // for the way of a picture that is to show something rather than be fresh
const NARROW = 1; // index of the width up to which it is: one still narrower shows little
const SURE = 0.8; // of the time there is, in which a wider picture must be expected
const FAST_IN_A_ROW = 5; // before a wider picture is tried
const FINE_SIDE = 0.34; // of the picture's side, from which on the sensor's own pixels are asked for
const LIMIT_MS = 9000; // the rig answers within 5 s, with a picture or without

const sleep = (ms) => new Promise((next) => setTimeout(next, ms));

/**
 * The next [index into WIDTHS, fast pictures in a row] after a picture that was leftMs old when it left the rig and
 * took ms to come and be decoded. It was fast when a wider one, with as much more data as pixels, would be fresh too.
 * Up to the index `narrow` a picture may be late.
 */
export function nextWidth([index, fastInARow], leftMs, ms, widest, narrow = NARROW) {
  const inTime = (wide) => Math.max(wide > narrow ? LEAST_MS : SLOW_MS, FRESH_MS - leftMs);
  if (index > widest) return [widest, 0];
  if (ms > inTime(index)) return [Math.max(0, index - 1), 0];
  const wider = ms * (WIDTHS[index + 1] / WIDTHS[index]) ** 2;
  if (index === widest || wider > SURE * inTime(index + 1)) return [index, 0];
  return fastInARow + 1 < FAST_IN_A_ROW ? [index, fastInARow + 1] : [index + 1, 0];
}

/** The index of the narrowest width that fills so many pixels of the screen; of the widest where none does. */
export function widthFor(needed) {
  const index = WIDTHS.findIndex((width) => width >= needed);
  return index < 0 ? WIDTHS.length - 1 : index;
}

export class LiveView {
  /** onPicture(canvas, focusScore) after each drawn picture; onTrouble() when the rig was not reached. */
  constructor(canvas, onPicture, onTrouble) {
    Object.assign(this, { canvas, onPicture, onTrouble, roi: null, seq: 0, width: 2, fast: 0, on: false, exposedAt: null, drawn: 0 });
    document.addEventListener("visibilitychange", () => document.hidden || this.wake?.());
  }

  /** Seconds since the shown picture was exposed, null before the first. */
  get age_s() {
    return this.exposedAt === null ? null : (performance.now() - this.exposedAt) / 1000;
  }

  start() {
    if (this.on) return;
    this.on = true;
    this.run();
  }

  stop() {
    this.on = false;
    this.abort?.abort();
  }

  /** Whether the part is small enough for the sensor's own pixels. */
  get fine() {
    return this.roi?.[2] <= FINE_SIDE;
  }

  /** Size of a pixel of the sensor on the screen, in the screen's own pixels; null while the picture is coarser. */
  get magnified() {
    if (!this.sensorPx || this.sensorPx > 1.01) return null;
    const { canvas } = this;
    const fit = Math.min(canvas.clientWidth / canvas.width, canvas.clientHeight / canvas.height);
    return (fit * devicePixelRatio) / this.sensorPx;
  }

  /** Show a part of the picture: [x, y, w, h] as fractions, or null for all of it. */
  look(roi) {
    this.roi = roi;
    this.seq = 0;
    this.sensorPx = 0;
    if (this.fine) this.width = WIDTHS.length - 1;
    this.abort?.abort();
  }

  async run() {
    const round = (this.round = (this.round ?? 0) + 1);
    let pause = 250;
    while (this.on && round === this.round) {
      if (document.hidden) await new Promise((wake) => (this.wake = wake));
      try {
        await this.next();
        pause = 250;
      } catch (error) {
        if (!this.on) return;
        if (error.name === "AbortError" && !this.late) continue; // look() wants another picture
        this.onTrouble();
        await sleep(pause);
        pause = Math.min(2000, pause * 2);
      }
    }
  }

  async next() {
    this.abort = new AbortController();
    this.late = false;
    const limit = setTimeout(() => ((this.late = true), this.abort.abort()), LIMIT_MS);
    try {
      const region = this.roi ? `&roi=${this.roi.map((part) => part.toFixed(2)).join(",")}` : "";
      const fine = this.fine ? "&fine=1" : "";
      const answer = await fetch(`/api/preview.jpg?after=${this.seq}&w=${WIDTHS[this.width]}${region}${fine}`, { signal: this.abort.signal, cache: "no-store" });
      if (answer.status === 204) return;
      if (!answer.ok) throw new Error(`preview answered ${answer.status}`);
      const began = performance.now();
      const leftMs = Number(answer.headers.get("X-Age-Ms"));
      const bitmap = await createImageBitmap(await answer.blob());
      this.adapt(leftMs, performance.now() - began);
      this.sensorPx = Number(answer.headers.get("X-Sensor-Px")); // of the sensor for one of the picture; 0: not known
      const seq = Number(answer.headers.get("X-Seq"));
      this.exposedAt = began - leftMs;
      this.seq = seq;
      this.draw(bitmap);
      if (this.waiting && this.exposedAt > this.waiting.since) {
        this.waiting.act();
        this.waiting = null;
      }
      this.onPicture(this.canvas, Number(answer.headers.get("X-Focus")));
    } finally {
      clearTimeout(limit);
    }
  }

  draw(bitmap) {
    if (this.canvas.width !== bitmap.width || this.canvas.height !== bitmap.height) {
      this.canvas.width = bitmap.width;
      this.canvas.height = bitmap.height;
    }
    this.canvas.getContext("2d", { willReadFrequently: true }).drawImage(bitmap, 0, 0);
    bitmap.close();
    this.drawn += 1;
  }

  /** Call act once, after the next picture that was exposed from now on. */
  afterNext(act) {
    this.waiting = { since: performance.now(), act };
  }

  adapt(leftMs, ms) {
    const needed = this.canvas.clientWidth * Math.min(devicePixelRatio, 2);
    const all = WIDTHS.length - 1;
    const [widest, narrow] = this.fine ? [all, all] : [widthFor(needed), NARROW];
    [this.width, this.fast] = nextWidth([this.width, this.fast], leftMs, ms, widest, narrow);
  }
}

// The stack seen from changing angles, made on the phone: each pixel is shifted by its depth.

const WIDTH = 720; // enough on a phone; a view is drawn in a few ms
const SWING = 0.03; // of the width: how far the nearest moves against the farthest
const PERIOD_MS = 2600;
const SMOOTH = 2; // depth is evened over so many pixels, so that edges bend and do not tear

/** The depth map at another size, -0.5 (near) .. 0.5 (far), evened out along the rows. */
export function sampled({ width, height, values, top }, w, h) {
  const small = new Float32Array(w * h);
  for (let y = 0; y < h; y += 1) {
    const row = Math.floor(((y + 0.5) * height) / h) * width;
    for (let x = 0; x < w; x += 1) small[y * w + x] = values[row + Math.floor(((x + 0.5) * width) / w)] / top - 0.5;
  }
  const even = new Float32Array(w * h);
  for (let y = 0; y < h; y += 1) {
    for (let x = 0; x < w; x += 1) {
      const [from, to] = [Math.max(0, x - SMOOTH), Math.min(w - 1, x + SMOOTH)];
      let sum = 0;
      for (let i = from; i <= to; i += 1) sum += small[y * w + i];
      even[y * w + x] = sum / (to - from + 1);
    }
  }
  return even;
}

/** Draw source into target as seen from angle -1..1; both RGBA of w x h pixels, shift_px for the whole depth. */
export function seenFrom(source, target, depth, w, h, angle, shift_px) {
  const k = angle * shift_px;
  for (let y = 0; y < h; y += 1) {
    const row = y * w;
    for (let x = 0; x < w; x += 1) {
      const at = Math.min(w - 1.001, Math.max(0, x + k * depth[row + x]));
      const left = Math.floor(at);
      const part = at - left;
      const i = (row + left) * 4;
      const o = (row + x) * 4;
      for (let c = 0; c < 3; c += 1) target[o + c] = source[i + c] + (source[i + 4 + c] - source[i + c]) * part;
      target[o + 3] = 255;
    }
  }
}

export class Wiggle {
  constructor(canvas, slider) {
    Object.assign(this, { canvas, slider, moving: false, ready: false });
    slider.addEventListener("input", () => {
      this.move(false);
      this.draw(Number(slider.value) / 100);
    });
  }

  /** Take a loaded picture and its depth map. */
  load(image, depth) {
    const w = Math.min(WIDTH, image.naturalWidth);
    const h = Math.round((w * image.naturalHeight) / image.naturalWidth);
    Object.assign(this.canvas, { width: w, height: h });
    this.context = this.canvas.getContext("2d", { willReadFrequently: true });
    this.context.drawImage(image, 0, 0, w, h);
    this.source = this.context.getImageData(0, 0, w, h);
    this.view = this.context.createImageData(w, h);
    this.depth = sampled(depth, w, h);
    this.ready = true;
    this.draw(0);
  }

  draw(angle) {
    if (!this.ready) return;
    const { width: w, height: h } = this.canvas;
    seenFrom(this.source.data, this.view.data, this.depth, w, h, angle, w * SWING);
    this.context.putImageData(this.view, 0, 0);
    this.slider.value = Math.round(angle * 100);
  }

  move(on) {
    this.moving = on && this.ready;
    this.onMove?.(this.moving);
    const round = (this.round = (this.round ?? 0) + 1);
    const step = (now) => {
      if (!this.moving || round !== this.round) return;
      this.draw(Math.sin((2 * Math.PI * now) / PERIOD_MS));
      requestAnimationFrame(step);
    };
    if (this.moving) requestAnimationFrame(step);
  }
}

// Pinch, drag, double tap and buttons over a stage of pictures laid on each other.

const DOUBLE_TAP_MS = 300;
const TAP_SLOP = 12;
const GRIP = 28; // how near to the divider a finger takes hold of it

/** Keep the stage over the window: {s, x, y} clamped so that no border shows where picture could be. */
export function clamp(view, stage, frame) {
  const axis = (at, size, room) => {
    const shown = size * view.s;
    return shown <= room ? (room - shown) / 2 : Math.min(0, Math.max(room - shown, at));
  };
  return { s: view.s, x: axis(view.x, stage.width, frame.width), y: axis(view.y, stage.height, frame.height) };
}

/** The view after scaling to s with the point (px, py) of the window staying where it is. */
export function zoomAt(view, s, px, py) {
  const ratio = s / view.s;
  return { s, x: px - (px - view.x) * ratio, y: py - (py - view.y) * ratio };
}

export class Viewer {
  /** onZoom(scale, percent): percent of the picture's own pixels on the screen's own pixels. */
  constructor(frame, stage, onZoom) {
    Object.assign(this, { frame, stage, onZoom, size: null, view: { s: 1, x: 0, y: 0 }, fingers: new Map(), lastTap: 0, onDivider: null, divider: null });
    frame.addEventListener("pointerdown", (event) => this.down(event));
    frame.addEventListener("pointermove", (event) => this.move(event));
    for (const end of ["pointerup", "pointercancel"]) frame.addEventListener(end, (event) => this.up(event));
    frame.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    new ResizeObserver(() => this.size && this.fit()).observe(frame);
  }

  /** Show a picture of width x height pixels, all of it. */
  show(width, height) {
    if (this.size && this.size.width === width && this.size.height === height) return;
    this.size = { width, height };
    this.fit();
  }

  fit() {
    const room = this.room;
    const scale = Math.min(room.width / this.size.width, room.height / this.size.height);
    this.base = { width: this.size.width * scale, height: this.size.height * scale };
    this.stage.style.width = `${this.base.width}px`;
    this.stage.style.height = `${this.base.height}px`;
    this.set({ s: 1, x: 0, y: 0 });
  }

  get room() {
    return { width: this.frame.clientWidth, height: this.frame.clientHeight };
  }

  /** The scale at which a pixel of the picture is a pixel of the screen. */
  get full() {
    return this.size.width / (this.base.width * devicePixelRatio);
  }

  get most() {
    return Math.max(4, this.full * 2);
  }

  set(view) {
    view.s = Math.min(this.most, Math.max(1, view.s));
    this.view = clamp(view, this.base, this.room);
    const { s, x, y } = this.view;
    this.stage.style.transform = `translate(${x}px, ${y}px) scale(${s})`;
    this.stage.classList.toggle("crisp", s > this.full * 1.5);
    this.frame.style.touchAction = s > 1.01 ? "none" : "pan-y";
    this.onZoom(s, Math.round((100 * s) / this.full));
  }

  zoomTo(s, px = this.room.width / 2, py = this.room.height / 2) {
    this.set(zoomAt(this.view, Math.min(this.most, Math.max(1, s)), px, py));
  }

  toggle(px, py) {
    if (this.view.s > 1.01) this.fit();
    else this.zoomTo(Math.max(this.full, 1.5), px, py);
  }

  /** Where the window's x falls in the picture, 0..1. */
  fraction(px) {
    return (px - this.view.x) / (this.base.width * this.view.s);
  }

  point(event) {
    const box = this.frame.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }

  down(event) {
    if (event.target.closest("button, a")) return;
    const at = this.point(event);
    this.fingers.set(event.pointerId, at);
    this.frame.setPointerCapture(event.pointerId);
    this.pressed = { ...at, moved: false };
    this.gripping = this.divider !== null && this.fingers.size === 1 && Math.abs(at.x - this.divider()) < GRIP;
    if (this.gripping) this.frame.style.touchAction = "none";
  }

  move(event) {
    const before = this.fingers.get(event.pointerId);
    if (!before || !this.size) return;
    const at = this.point(event);
    this.fingers.set(event.pointerId, at);
    if (Math.hypot(at.x - this.pressed.x, at.y - this.pressed.y) > TAP_SLOP) this.pressed.moved = true;
    if (this.gripping) this.onDivider(this.fraction(at.x));
    else if (this.fingers.size === 1) this.set({ ...this.view, x: this.view.x + at.x - before.x, y: this.view.y + at.y - before.y });
    else this.pinch(event.pointerId, before, at);
  }

  pinch(id, before, at) {
    const other = [...this.fingers].find(([key]) => key !== id)[1];
    const spread = Math.hypot(at.x - other.x, at.y - other.y) / Math.max(1, Math.hypot(before.x - other.x, before.y - other.y));
    const zoomed = zoomAt(this.view, Math.min(this.most, Math.max(1, this.view.s * spread)), (at.x + other.x) / 2, (at.y + other.y) / 2);
    this.set({ ...zoomed, x: zoomed.x + (at.x - before.x) / 2, y: zoomed.y + (at.y - before.y) / 2 });
    this.pressed.moved = true;
  }

  up(event) {
    if (!this.fingers.delete(event.pointerId) || event.type !== "pointerup" || this.pressed.moved || this.gripping || !this.size) return;
    if (event.timeStamp - this.lastTap < DOUBLE_TAP_MS) {
      this.toggle(this.pressed.x, this.pressed.y);
      this.lastTap = 0;
    } else this.lastTap = event.timeStamp;
  }

  wheel(event) {
    if (!this.size || !(event.ctrlKey || this.view.s > 1)) return;
    event.preventDefault();
    const at = this.point(event);
    this.zoomTo(this.view.s * Math.exp(-event.deltaY / 400), at.x, at.y);
  }
}

// A part of the live picture, enlarged by pinching, the button or two taps; as fine as the live picture is.

const LEAST = 1 / 8; // of the picture's side
const BUTTON = 1 / 4;
const PAUSE_MS = 150; // between two wishes while fingers move: each one asks the rig anew

/** The part [x, y, side, side] of this side around the centre, within the picture; null for all of it. */
export function partOf([x, y], side) {
  if (side > 0.95) return null;
  const corner = (at) => Math.min(1 - side, Math.max(0, at - side / 2));
  return [corner(x), corner(y), side, side];
}

export class Loupe {
  /** changed(times): how often enlarged, 1 = not. inPicture(event): where in the whole picture a finger is. */
  constructor(canvas, live, inPicture, changed) {
    Object.assign(this, { canvas, live, inPicture, changed, side: 1, centre: [0.5, 0.5], fingers: new Map(), asked: 0 });
    canvas.addEventListener("pointerdown", (event) => this.fingers.set(event.pointerId, [event.clientX, event.clientY]));
    canvas.addEventListener("pointermove", (event) => this.move(event));
    for (const end of ["pointerup", "pointercancel", "pointerleave"]) canvas.addEventListener(end, (event) => this.fingers.delete(event.pointerId) && this.ask());
  }

  toggle(point = [0.5, 0.5]) {
    this.set(this.side < 1 ? 1 : BUTTON, point);
    this.ask();
  }

  set(side, centre) {
    this.side = Math.min(1, Math.max(LEAST, side));
    const half = this.side / 2;
    this.centre = centre.map((at) => Math.min(1 - half, Math.max(half, at)));
    const all = partOf(this.centre, this.side) === null;
    this.canvas.style.touchAction = all ? "pan-y" : "none";
    this.changed(all ? 1 : 1 / this.side);
  }

  ask() {
    clearTimeout(this.later);
    this.asked = performance.now();
    this.live.look(partOf(this.centre, this.side));
  }

  move(event) {
    const before = this.fingers.get(event.pointerId);
    if (!before || (this.fingers.size === 1 && this.side > 0.95)) return;
    const now = [event.clientX, event.clientY];
    const across = this.canvas.clientWidth / this.side; // screen pixels for the whole picture
    const down = this.canvas.clientHeight / this.side;
    const drift = [(now[0] - before[0]) / across / this.fingers.size, (now[1] - before[1]) / down / this.fingers.size];
    let side = this.side;
    if (this.fingers.size === 2) {
      const other = [...this.fingers].find(([id]) => id !== event.pointerId)[1];
      const spread = (at) => Math.max(8, Math.hypot(at[0] - other[0], at[1] - other[1]));
      side *= spread(before) / spread(now);
      if (this.side > 0.95) this.centre = this.inPicture({ clientX: (now[0] + other[0]) / 2, clientY: (now[1] + other[1]) / 2 });
    }
    this.fingers.set(event.pointerId, now);
    this.set(side, [this.centre[0] - drift[0], this.centre[1] - drift[1]]);
    clearTimeout(this.later);
    this.later = setTimeout(() => this.ask(), Math.max(0, this.asked + PAUSE_MS - performance.now()));
  }
}

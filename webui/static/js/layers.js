// Pictures laid on a result: a frame, or another result, where it belongs; of one that is too large for a phone to show
// whole the tiles, at 100 % as many as the window shows.

const TILE_PX = 1024; // as rig/tiles.py cuts
const AROUND_PX = 64; // on the screen, around the window: a frame may be turned a little, and a finger is about to move it
export const WHOLE_PX = 12.6e6; // up to here a phone shows a picture as it is: one of the rig's own camera

/** Lay the tiles that the window shows of a picture over its small copy; none without an address("tiles/3/0.jpg"). */
export function showTiles(box, { size, base, view, room }, address) {
  const wanted = new Map();
  if (address) {
    const scale = (base.width / size.width) * view.s;
    const span = (at, length, all) => [Math.max(0, -at - AROUND_PX), Math.min(all * scale, length - at + AROUND_PX)].map((place) => Math.floor(place / scale / TILE_PX - 1e-9));
    const [left, right] = span(view.x, room.width, size.width);
    const [top, bottom] = span(view.y, room.height, size.height);
    for (let row = Math.max(0, top); row <= bottom; row++) for (let column = Math.max(0, left); column <= right; column++) wanted.set(address(`tiles/${column}/${row}.jpg`), [column, row]);
  }
  for (const image of [...box.children]) if (!wanted.delete(image.getAttribute("src"))) image.remove();
  for (const [src, [column, row]] of wanted) {
    const image = Object.assign(new Image(), { src, alt: "", draggable: false });
    const place = (at, all) => [at * TILE_PX, Math.min(TILE_PX, all - at * TILE_PX)].map((px) => `${(100 * px) / all}%`);
    const [x, width] = place(column, size.width);
    const [y, height] = place(row, size.height);
    Object.assign(image.style, { left: x, top: y, width, height });
    box.append(image);
  }
}

// A result is cropped (`area`) within its reference frame, onto which each frame was moved and scaled (`transform`,
// full-size pixels).
const STILL = [[1, 0, 0], [0, 1, 0]];

const transformOf = (report, name) => report?.frames?.find((one) => one.name === name)?.transform ?? STILL;

/** {width, height, matrix} in screen pixels for a picture at [x, y] within the frame `name`; k: screen pixels per pixel. */
export function lie(report, name, { x = 0, y = 0, width, height }, k) {
  const [left, top] = report?.area ?? [0, 0];
  const [[a, c, tx], [b, d, ty]] = transformOf(report, name);
  const move = [a * x + c * y + tx - left, b * x + d * y + ty - top];
  return { width: width * k, height: height * k, matrix: [a, b, c, d, move[0] * k, move[1] * k] };
}

/** A whole result as a picture within its own reference frame, to be laid under another. */
export function asPicture({ report, width, height }) {
  const [x, y] = report?.area ?? [0, 0];
  return { name: report?.frames?.[report.reference]?.name, x, y, width, height };
}

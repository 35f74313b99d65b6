// A plain grey PNG of 8 or 16 bits, as the stacker writes them, thinned while it is decoded. The browser's own decoder keeps 8 bits
// only, and a depth map of 24 frames in 16 bits would come out black.
// Format: PNG (ISO/IEC 15948), filters in section 9.

const paeth = (a, b, c) => {
  const p = a + b - c;
  const [pa, pb, pc] = [Math.abs(p - a), Math.abs(p - b), Math.abs(p - c)];
  return pa <= pb && pa <= pc ? a : pb <= pc ? b : c;
};

/** Undo one row's filter in place. row, above: bytes without the filter byte; step: bytes per pixel. */
export function unfilter(kind, row, above, step) {
  for (let i = 0; i < row.length; i += 1) {
    const left = i >= step ? row[i - step] : 0;
    const up = above[i];
    const corner = i >= step ? above[i - step] : 0;
    row[i] += [0, left, up, (left + up) >> 1, paeth(left, up, corner)][kind];
  }
}

function chunks(bytes) {
  const view = new DataView(bytes.buffer);
  const found = { data: [] };
  for (let at = 8; at < bytes.length; ) {
    const length = view.getUint32(at);
    const name = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    if (name === "IHDR") Object.assign(found, { width: view.getUint32(at + 8), height: view.getUint32(at + 12), bits: bytes[at + 16] });
    if (name === "srCe") found.sources = bytes.slice(at + 8, at + 8 + length); // a PNG of its own, see stacker/regions.py
    if (name === "IDAT") found.data.push(bytes.subarray(at + 8, at + 8 + length));
    at += 12 + length;
  }
  return found;
}

/** {width, height, values: Uint16Array, top: of white} no wider than `widest`, every k-th pixel of every k-th row; sources: the PNG within it. */
export async function readGreyPng(buffer, widest = 1000) {
  const { width, height, bits, data, sources } = chunks(new Uint8Array(buffer));
  const step = bits / 8;
  const thin = Math.ceil(width / widest);
  const [w, h] = [Math.floor((width - 1) / thin) + 1, Math.floor((height - 1) / thin) + 1];
  const values = new Uint16Array(w * h);
  const stride = width * step + 1;
  let line = new Uint8Array(stride);
  let above = new Uint8Array(stride - 1);
  let [filled, y] = [0, 0];
  const reader = new Blob(data).stream().pipeThrough(new DecompressionStream("deflate")).getReader();
  for (let part = await reader.read(); !part.done && y < height; part = await reader.read()) {
    for (let at = 0; at < part.value.length && y < height; ) {
      const take = Math.min(stride - filled, part.value.length - at);
      line.set(part.value.subarray(at, at + take), filled);
      filled += take;
      at += take;
      if (filled < stride) break;
      const row = line.subarray(1);
      unfilter(line[0], row, above, step);
      if (y % thin === 0) {
        const to = (y / thin) * w;
        for (let x = 0; x < w; x += 1) values[to + x] = step === 2 ? (row[x * thin * 2] << 8) | row[x * thin * 2 + 1] : row[x * thin];
      }
      [above, line] = [row, new Uint8Array(stride)];
      filled = 0;
      y += 1;
    }
  }
  return { width: w, height: h, values, top: 2 ** bits - 1, sources };
}

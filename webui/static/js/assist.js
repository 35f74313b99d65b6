// Peaking, zebra and histogram, computed on the phone over the drawn picture: free for the rig.

const WIDTH = 480; // enough to see an edge, small enough for an old phone
const PEAK = 26; // grey levels between neighbours that count as a sharp edge
const CLIPPED = 250;

const small = document.createElement("canvas");
const smallContext = small.getContext("2d", { willReadFrequently: true });

/** Luma of the picture at working width: {grey, width, height}. */
function luma(source) {
  const width = Math.min(WIDTH, source.width);
  const height = Math.round((source.height * width) / source.width);
  if (small.width !== width || small.height !== height) Object.assign(small, { width, height });
  smallContext.drawImage(source, 0, 0, width, height);
  const { data } = smallContext.getImageData(0, 0, width, height);
  const grey = new Uint8Array(width * height);
  for (let i = 0, p = 0; i < grey.length; i += 1, p += 4) grey[i] = (data[p] * 77 + data[p + 1] * 150 + data[p + 2] * 29) >> 8;
  return { grey, width, height };
}

/** Indices of pixels that differ from the mean of their four neighbours by more than threshold. */
export function sharpEdges(grey, width, height, threshold = PEAK) {
  const found = [];
  for (let y = 1; y < height - 1; y += 1) {
    for (let x = 1, i = y * width + 1; x < width - 1; x += 1, i += 1) {
      const bend = 4 * grey[i] - grey[i - 1] - grey[i + 1] - grey[i - width] - grey[i + width];
      if (bend > threshold || bend < -threshold) found.push(i);
    }
  }
  return found;
}

export function histogramOf(grey, bins = 64) {
  const counts = new Uint32Array(bins);
  const shift = 8 - Math.log2(bins);
  for (const value of grey) counts[value >> shift] += 1;
  return counts;
}

/** Draw what is switched on: {peaking, zebra, histogram} booleans. */
export function drawAssist(source, overlay, chart, on) {
  const context = overlay.getContext("2d");
  if (!on.peaking && !on.zebra && !on.histogram) {
    if (overlay.width) overlay.width = 0;
    return;
  }
  const picture = luma(source);
  if (on.peaking || on.zebra) paint(context, overlay, picture, on);
  else overlay.width = 0;
  if (on.histogram) drawHistogram(chart, picture.grey);
}

function paint(context, overlay, { grey, width, height }, on) {
  overlay.width = width;
  overlay.height = height;
  const image = context.createImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  const phase = Math.floor(performance.now() / 120) % 8;
  if (on.zebra) {
    for (let i = 0; i < grey.length; i += 1) {
      if (grey[i] >= CLIPPED) pixels[i] = (i + Math.floor(i / width) + phase) % 8 < 4 ? 0xff000000 : 0xffffffff;
    }
  }
  if (on.peaking) for (const i of sharpEdges(grey, width, height)) pixels[i] = 0xff2d2dff; // red; stored as ABGR
  context.putImageData(image, 0, 0);
}

function drawHistogram(chart, grey) {
  const counts = histogramOf(grey);
  const top = Math.max(...counts, 1);
  const context = chart.getContext("2d");
  context.clearRect(0, 0, chart.width, chart.height);
  counts.forEach((count, bin) => {
    context.fillStyle = bin === counts.length - 1 ? "#ff5a4d" : "#fff";
    const tall = Math.sqrt(count / top) * chart.height;
    context.fillRect((bin * chart.width) / counts.length, chart.height - tall, chart.width / counts.length - 0.5, tall);
  });
}

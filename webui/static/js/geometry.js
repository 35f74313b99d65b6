// Where a frame, or another result, lies under the result that is shown: that is cropped (`area`) within its reference
// frame, onto which each frame was moved and scaled (`transform`, full-size pixels).

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

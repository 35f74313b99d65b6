// Requests to the rig: a time limit on each, problem+json made an Error.

import { guest } from "./dom.js";
import { said } from "./i18n.js";

export class Problem extends Error {
  /** status 0: the rig was not reached. */
  constructor(status, body = {}) {
    super(said(body, "detail"));
    Object.assign(this, { status, kept: said(body, "kept"), action: said(body, "action"), field: body.field });
  }
}

const LIMIT_MS = 8000;

export async function ask(method, address, body, headers = {}, limit_ms = LIMIT_MS) {
  const options = { method, headers: { ...headers }, signal: AbortSignal.timeout?.(limit_ms), cache: "no-store" };
  if (method !== "GET") {
    Object.assign(options.headers, { "Content-Type": "application/json", "X-Rig": "1" });
    options.body = JSON.stringify(body ?? {});
  }
  let answer;
  let data;
  try {
    answer = await fetch(address, options);
    data = await answer.json();
  } catch {
    throw new Problem(answer?.status ?? 0);
  }
  if (answer.ok) return data;
  if (answer.status === 401 && !guest) location.assign("/pair");
  throw new Problem(answer.status, data);
}

export const get = (address, limit_ms) => ask("GET", address, undefined, {}, limit_ms);
export const post = (address, body, headers) => ask("POST", address, body, headers);
export const remove = (address) => ask("DELETE", address);

/** An id made where crypto.randomUUID does not exist: plain http is the normal case. */
export function newKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((one) => one.toString(16).padStart(2, "0")).join("");
}

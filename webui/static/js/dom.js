// Small things done to elements.

/** Somebody who only looks, on a phone that is not paired. */
export const guest = "guest" in document.documentElement.dataset;

export const $ = (id) => document.getElementById(id);
export const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];

/** A new element with properties and children; text is always text, never markup. */
export function el(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes("-")) made.setAttribute(name, value);
    else made[name] = value;
  }
  made.append(...children);
  return made;
}

/** Set the text only when it changes: a rewritten text is read aloud again. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function press(button, on) {
  button.setAttribute("aria-pressed", on ? "true" : "false");
}

/** While the button is held, call act again and again, each time after the last call has ended. */
export function repeatWhileHeld(button, act, pause_ms = 120) {
  let held = false;
  const run = async () => {
    while (held && button.isConnected && !button.disabled) {
      if ((await act()) === false) break;
      await new Promise((next) => setTimeout(next, pause_ms));
    }
  };
  button.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    button.setPointerCapture(event.pointerId);
    held = true;
    run();
  });
  for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) button.addEventListener(end, () => (held = false));
  button.addEventListener("contextmenu", (event) => event.preventDefault());
  button.addEventListener("click", (event) => event.detail === 0 && act()); // keyboard and screen reader
}

const HOLD_MS = 800;

/**
 * What cannot be undone happens only after holding the button. A keyboard or screen reader cannot
 * hold: there the second press within four seconds counts.
 */
export function actAfterHold(button, act, explain) {
  let timer = 0;
  let armed = 0;
  const release = () => {
    clearTimeout(timer);
    timer = 0;
    button.classList.remove("held");
  };
  button.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || button.disabled) return;
    button.classList.add("held");
    timer = setTimeout(() => {
      release();
      navigator.vibrate?.(30);
      act();
    }, HOLD_MS);
  });
  button.addEventListener("pointerup", () => {
    if (timer) explain("hold");
    release();
  });
  for (const end of ["pointercancel", "pointerleave"]) button.addEventListener(end, release);
  button.addEventListener("contextmenu", (event) => event.preventDefault());
  button.addEventListener("click", (event) => {
    if (event.detail !== 0) return;
    if (Date.now() - armed < 4000) act();
    else explain("again");
    armed = Date.now();
  });
}

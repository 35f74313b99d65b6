// Coming in: the button on the rig, or its PIN.

import { get, post } from "./api.js";
import { $, say } from "./dom.js";
import { t } from "./i18n.js";

const LOOK_MS = 700;

/** What the list of phones calls this one; the browser tells little, which is as it should be. */
const name = () => /(iPhone|iPad|Android|Windows|Macintosh|Linux)/.exec(navigator.userAgent)?.[1] ?? t("pair.some_phone");

const enter = () => location.replace("/");

/** What was asked for before the page was loaded again: asking twice would look like two phones. */
function asked() {
  const [ticket, end] = (sessionStorage.getItem("asked") ?? "").split(" ");
  return end > Date.now() ? [ticket, Number(end)] : null;
}

async function ask() {
  const { ticket, wait_s } = await post("/api/pair", { button: true, name: name() });
  const end = Date.now() + wait_s * 1000;
  sessionStorage.setItem("asked", `${ticket} ${end}`);
  return [ticket, end];
}

/** The seconds left, and the ring around them: full with thirty. */
function showLeft(end) {
  const seconds = Math.max(0, Math.ceil((end - Date.now()) / 1000));
  say($("left"), seconds);
  $("ring").style.strokeDashoffset = seconds - 30;
}

async function waitForButton() {
  let ticking;
  $("ask").hidden = true;
  try {
    const [ticket, end] = asked() ?? (await ask());
    showLeft(end);
    ticking = setInterval(showLeft, 200, end);
    $("ask").parentElement.classList.add("waits");
    say($("button-state"), t("pair.press_now"));
    while (Date.now() < end) {
      if ((await post(`/api/pair/${ticket}`)).paired) return enter();
      await new Promise((next) => setTimeout(next, LOOK_MS));
    }
    say($("button-state"), t("pair.too_late"));
  } catch (problem) {
    if (problem.status) sessionStorage.removeItem("asked");
    say($("button-state"), problem.message || t("link.not_reached"));
  }
  clearInterval(ticking);
  $("ask").parentElement.classList.remove("waits");
  say($("ask").firstChild, t("pair.again"));
  $("ask").hidden = false;
}

$("ask").addEventListener("click", waitForButton);
$("pin-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  try {
    await post("/api/pair", { pin: $("pin").value, name: name() });
    enter();
  } catch (problem) {
    say($("pin-state"), problem.message || t("link.not_reached"));
    $("pin").select();
  }
});

// Let in already? A link from another app arrives without the session cookie (SameSite=Strict), and a
// rig that is still starting does not know yet that it is a simulated one, which needs no pairing here.
async function lookAgain() {
  for (;;) {
    const { paired } = await get("/api/pair").catch(() => ({ paired: false }));
    if (paired) return enter();
    await new Promise((next) => setTimeout(next, 2000));
  }
}

/** The code on another phone's screen: what stands behind the # was never sent to anybody. */
async function invited() {
  const invitation = /[#&]k=([\w-]+)/.exec(location.hash)?.[1];
  if (!invitation) return;
  history.replaceState(null, "", "/pair");
  try {
    await post("/api/pair", { invitation, name: name() });
    enter();
  } catch (problem) {
    say($("button-state"), problem.message || t("link.not_reached"));
  }
}

invited();
lookAgain();
if (asked()) waitForButton();

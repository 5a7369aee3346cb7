// The page Controllers: renewed each second, never under one's hands; and a test of each output.
import { _, ask, say, send } from "/static/station.js";

const EVERY_MS = 1000;
const box = document.getElementById("controllers");

async function renew() {
  if (document.hidden || box.contains(document.activeElement)) return;
  let text;
  try {
    text = await (await ask("/controllers", { headers: { accept: "text/html" } })).text();
  } catch {
    return; // the page says that the station is away
  }
  const fresh = new DOMParser().parseFromString(text, "text/html").getElementById("controllers");
  if (fresh) box.replaceChildren(...fresh.childNodes);
}

box.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-test]");
  if (!button) return;
  try {
    await send(`/api/outputs/${encodeURIComponent(button.dataset.test)}/test`, {});
    say(_("A test is under way: look at the receiver."));
  } catch (error) {
    say(error.message);
  }
  button.blur();
});
setInterval(renew, EVERY_MS);

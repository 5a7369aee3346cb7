// The page Health: renewed now and then, and when something changes; never under one's hands.
import { _, ask, listen, say, send, showTimes } from "/static/station.js";

const EVERY_MS = 5000;
const box = document.getElementById("health");
let shown = null;

async function renew() {
  if (document.hidden || box.contains(document.activeElement)) return;
  let text;
  try {
    text = await (await ask("/health", { headers: { accept: "text/html" } })).text();
  } catch {
    return; // the page says that the station is away
  }
  const fresh = new DOMParser().parseFromString(text, "text/html").getElementById("health");
  if (!fresh || fresh.innerHTML === shown) return;
  shown = fresh.innerHTML;
  box.replaceChildren(...fresh.childNodes);
  showTimes(box);
}

box.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-acknowledge], [data-retry]");
  if (!button) return;
  const { acknowledge, retry } = button.dataset;
  try {
    if (retry !== undefined) {
      await send(`/api/outputs/${encodeURIComponent(retry)}/retry`, {});
      say(_("What was refused is sent again."));
    } else {
      await send(`/api/products/${encodeURIComponent(acknowledge)}/scene/acknowledge`, {});
      say(_("The watch begins anew."));
    }
    event.target.blur();
    renew();
  } catch (error) {
    say(error.message);
  }
});
setInterval(renew, EVERY_MS);
listen({ change: renew }, () => {});

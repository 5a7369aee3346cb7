// Qualification: make one, follow it, choose the days of the charts.
import { _, ask, listen, say, send } from "/static/station.js";

const { key, language } = document.getElementById("qualification").dataset;
const address = `/api/products/${encodeURIComponent(key)}/qualifications`;
const studies = `/api/products/${encodeURIComponent(key)}/studies`;
const element = (name) => document.getElementById(name);

element("days").addEventListener("change", (event) => {
  const place = new URL(location.href);
  place.searchParams.set("days", event.target.value);
  location.assign(place);
});

element("make")?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const typed = element("mm").value.trim().replace(",", ".");
  if (typed && !(Number(typed) > 0)) {
    say(_("Millimetres of a pixel must be a number above 0, such as 0.05."));
    return;
  }
  const wanted = {
    good: element("good").value,
    defects: element("defects").value || null,
    mm_per_px: typed ? Number(typed) : null,
    study: element("with-study")?.value || null,
    language,
  };
  try {
    await send(address, wanted);
    location.reload();
  } catch (error) {
    say(error.message);
  }
});

element("begin")?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const wanted = {
    good: element("study-good").value,
    defects: element("study-defects").value,
    parts: Number(element("study-parts").value),
    trials: Number(element("study-trials").value),
  };
  try {
    await send(studies, wanted);
    location.reload();
  } catch (error) {
    say(error.message);
  }
});

document.addEventListener("click", async (event) => {
  const identity = event.target.closest("[data-close]")?.dataset.close;
  if (!identity) return;
  try {
    await send(`${studies}/${identity}/close`, {});
    location.assign(`/products/${encodeURIComponent(key)}/studies/${identity}`);
  } catch (error) {
    say(error.message);
  }
});

element("cancel")?.addEventListener("click", async () => {
  try {
    await send(`${address}/cancel`, {});
    location.reload();
  } catch (error) {
    say(error.message);
  }
});

/** Follow the one that is being made; show the page anew when it has ended. */
function progress(told) {
  if (told.product !== key) return;
  if (told.state !== "working") location.reload();
  else if (element("working-bar")) element("working-bar").value = told.share;
}

async function refresh() {
  if (!element("working-bar")) return;
  const [newest] = await (await ask(address)).json();
  if (newest && newest.state !== "working") location.reload();
}

listen({ qualification: progress }, refresh);

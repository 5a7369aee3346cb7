// The live page: new pictures as they come, counts of the shift, pictures dropped on the page.
import { sound } from "./sound.js";
import { _, ask, listen, ngettext, product, put, say, showWaiting } from "./station.js";

const newest = document.getElementById("newest");
const follow = document.getElementById("follow");
const WORDS = { good: _("good"), review: _("look again"), defect: _("defect"), error: _("error") };
const query = new URLSearchParams({ product });

// --- newest picture: one is fetched at a time; those that came meanwhile are skipped

let busy = false;
let again = false;

async function show() {
  again = true;
  if (busy) return;
  busy = true;
  while (again && follow.checked) {
    again = false;
    try {
      await put(newest, `/parts/live?${query}`);
    } catch {
      break;
    }
  }
  busy = false;
}

follow.addEventListener("change", () => follow.checked && show());

// --- counts

const period = document.getElementById("period");
const EIGHT_HOURS_S = 8 * 3600;

let counting = 0;

function count() {
  clearTimeout(counting);
  counting = setTimeout(async () => {
    try {
      const since = (Date.now() / 1000 - EIGHT_HOURS_S).toFixed(0);
      const asked = new URLSearchParams({ product, ...(period.value === "8" ? { since } : { period: period.value }) });
      const counts = await (await ask(`/api/counts?${asked}`)).json();
      for (const place of document.querySelectorAll("[data-kind]")) {
        place.querySelector("dd").textContent = counts[place.dataset.kind].toLocaleString("en");
        if (["error", "none"].includes(place.dataset.kind)) place.hidden = !counts[place.dataset.kind];
      }
      showWaiting(counts.waits);
    } catch (error) {
      const shift = period.querySelector("[value=shift]");
      if (error.status === 422 && period.value === "shift") { // a restart without --shifts
        shift.remove();
        count();
      } // else the banner says it
    }
  }, 150);
}

const kept = localStorage.getItem("golden-period");
if ([...period.options].some((one) => one.value === kept)) period.value = kept;
period.addEventListener("change", () => {
  localStorage.setItem("golden-period", period.value);
  count();
});
count();
setInterval(count, 60000);

// --- news

const shown = () => Number(newest.querySelector("[data-record]")?.dataset.record ?? 0);

async function catchUp() {
  count();
  try {
    const asked = new URLSearchParams({ product, limit: 1 });
    const { records } = await (await ask(`/api/records?${asked}`)).json();
    if (records.length && records[0].id !== shown()) show();
  } catch {
    // the banner says it
  }
}

listen(
  {
    record(one) {
      if (one.product !== product) return;
      const verdict = one.part_verdict ?? one.verdict; // of a part's view the part's counts
      const words = WORDS[verdict] ?? _("no verdict");
      document.getElementById("news").textContent = `${words}: ${one.name}`;
      sound(verdict);
      show();
      count();
    },
    answer: count,
  },
  catchUp,
);

// --- pictures from the page: one at a time, so that nothing piles up

const chosen = document.getElementById("pictures");
const failed = document.getElementById("failed");
const queue = [];
let total = 0;
let done = 0;
let wrong = 0;
let sending = false;
const wait = (seconds) => new Promise((resolve) => setTimeout(resolve, 1000 * seconds));

async function inspect(file) {
  const asked = new URLSearchParams({ name: file.name.slice(0, 255), source: "page" });
  const address = `/api/inspect/${encodeURIComponent(product)}?${asked}`;
  for (;;) {
    try {
      return await ask(address, { method: "POST", body: file });
    } catch (error) {
      if (error.status !== 429) throw error;
      await wait(Math.max(error.retry, 1));
    }
  }
}

async function work() {
  if (sending) return;
  sending = true;
  while (queue.length) {
    progress();
    const file = queue.shift();
    try {
      await inspect(file);
    } catch (error) {
      const line = document.createElement("li");
      line.textContent = `${file.name}: ${error.message}`;
      failed.querySelector("ul").append(line);
      failed.hidden = false;
      wrong += 1;
    }
    done += 1;
  }
  progress();
  sending = false;
  const judged = total - wrong;
  const said = judged ? ngettext("%(num)s picture judged", "%(num)s pictures judged", judged, { num: judged }) : _("No pictures judged");
  say(wrong ? _("%(said)s; %(wrong)s of %(total)s could not be: see the list.", { said, wrong, total }) : _("%(said)s.", { said }));
  total = done = wrong = 0;
}

function progress() {
  document.getElementById("sending").hidden = done >= total;
  document.getElementById("progress").max = Math.max(total, 1);
  document.getElementById("progress").value = done;
  document.getElementById("sent").textContent = _("%(done)s of %(total)s", { done, total });
}

function add(files) {
  if (!sending) {
    failed.hidden = true;
    failed.querySelector("ul").replaceChildren();
  }
  queue.push(...files);
  total += files.length;
  work();
}

chosen.addEventListener("change", () => {
  add([...chosen.files]);
  chosen.value = "";
});
addEventListener("dragover", (event) => {
  event.preventDefault();
  document.body.classList.add("dropping");
});
addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) document.body.classList.remove("dropping");
});
addEventListener("drop", (event) => {
  event.preventDefault();
  document.body.classList.remove("dropping");
  if (event.dataTransfer.files.length) add([...event.dataTransfer.files]);
});

// Set up: pictures are sent one at a time, a fit is followed, its product put into service.
import { _, ask, listen, say, send } from "/static/station.js";

const page = document.getElementById("draft");
let id = page?.dataset.draft ?? null;
const at = (path = "") => `/api/drafts/${id}${path}`;
const element = (name) => document.getElementById(name);

function refuse(words) {
  const box = element("refused");
  const item = document.createElement("li");
  item.textContent = words;
  box.querySelector("ul").append(item);
  box.hidden = false;
}

/** Send pictures, one at a time; a station that is busy is asked again. */
async function bring(files) {
  if (!files.length) return;
  element("choose").disabled = true;
  element("coming").hidden = false;
  let taken = 0;
  let wrong = 0;
  try {
    id ??= (await (await send("/api/drafts", {})).json()).draft;
    for (const [place, file] of files.entries()) {
      element("coming-words").textContent = _("Sending picture %(number)s of %(total)s", { number: place + 1, total: files.length });
      element("coming-bar").value = place / files.length;
      try {
        await bringOne(file);
        taken += 1;
      } catch (error) {
        if (error.status === undefined || error.status === 404) throw error;
        wrong += 1;
        refuse(`${file.name}: ${error.message}`);
      }
    }
  } catch (error) {
    wrong += 1;
    refuse(error.message);
  }
  element("coming").hidden = true;
  element("choose").disabled = false;
  if (!wrong) location.assign(`/setup/${id}`);
  element("go-on").hidden = !taken;
}

async function bringOne(file) {
  const address = at(`/pictures?${new URLSearchParams({ name: file.name.slice(0, 255) })}`);
  for (;;) {
    try {
      return await ask(address, { method: "POST", body: file, headers: { "content-type": "application/octet-stream" } });
    } catch (error) {
      if (error.status !== 429 && error.status !== 503) throw error;
      await new Promise((done) => setTimeout(done, 1000 * Math.max(error.retry, 1)));
    }
  }
}

/** Give all files that were dropped, those in folders too. */
async function dropped(transfer) {
  const entries = [...transfer.items].map((one) => one.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.length) return [...transfer.files];
  const files = [];
  async function walk(entry) {
    if (entry.isFile) return files.push(await new Promise((done, fail) => entry.file(done, fail)));
    const reader = entry.createReader();
    for (;;) {
      const some = await new Promise((done, fail) => reader.readEntries(done, fail));
      if (!some.length) return;
      for (const one of some) await walk(one);
    }
  }
  for (const entry of entries) await walk(entry);
  return files.filter((one) => !one.name.startsWith("."));
}

const drop = element("bring");
if (drop) {
  element("choose").addEventListener("click", () => element("files").click());
  element("files").addEventListener("change", (event) => bring([...event.target.files]));
  element("go-on").addEventListener("click", () => location.assign(`/setup/${id}`));
  for (const kind of ["dragover", "dragenter"]) {
    addEventListener(kind, (event) => {
      event.preventDefault();
      drop.classList.add("over");
    });
  }
  addEventListener("dragleave", (event) => event.relatedTarget ?? drop.classList.remove("over"));
  addEventListener("drop", async (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    bring(await dropped(event.dataTransfer));
  });
}
element("from")?.addEventListener("submit", async (event) => {
  event.preventDefault();
  try {
    const draft = await (await send("/api/drafts", { folder: element("folder").value })).json();
    location.assign(`/setup/${draft.draft}`);
  } catch (error) {
    say(error.message);
  }
});

/** Ask for something; say what went wrong. */
async function attempt(what, then) {
  try {
    then(await (await what()).json());
  } catch (error) {
    say(error.message);
  }
}

const seconds = (number) => (number < 90 ? `${Math.max(1, Math.round(number))} s` : `${Math.round(number / 60)} min`);

const STAGES = {
  starting: _("starting"),
  reading: _("reading"),
  learning: _("learning"),
  checking: _("checking"),
  "looking for odd pictures": _("looking for odd pictures"),
};

function progress(told) {
  if (told.draft !== id) return;
  if (told.state !== "fitting") {
    if (page.dataset.state === "fitting") location.reload();
    return;
  }
  element("working-stage").textContent = STAGES[told.stage] ?? told.stage;
  element("working-count").textContent = told.total ? _("%(done)s of %(total)s", { done: told.done.toLocaleString("en"), total: told.total.toLocaleString("en") }) : "";
  element("working-bar").value = told.share;
  element("working-left").textContent = told.left_s === null ? "" : _("About %(time)s left", { time: seconds(told.left_s) });
}

const boxes = [...document.querySelectorAll("[data-learn]")];
const leftOut = () => [...new Set(boxes.filter((one) => !one.checked).map((one) => Number(one.dataset.learn)))];

function count() {
  const rate = element("false-alarms");
  if (!rate) return;
  const number = Number(page.dataset.pictures) - leftOut().length;
  const { words, needs } = rate.selectedOptions[0].dataset;
  const shown = { "learn-count": number, "few-rate": words, "few-needs": needs, "few-there": number };
  for (const [place, value] of Object.entries(shown)) element(place).textContent = value;
  element("too-few").hidden = number >= needs;
  element("learn-now").disabled = number < needs;
  const review = element("review");
  for (const option of review.options) option.disabled = option.value !== "" && Number(option.value) <= Number(rate.value);
  if (review.selectedOptions[0]?.disabled) review.value = "";
}

for (const box of boxes) {
  box.addEventListener("change", () => {
    for (const other of boxes.filter((one) => one.dataset.learn === box.dataset.learn)) {
      other.checked = box.checked;
      other.closest("li").classList.toggle("out", !box.checked);
    }
    count();
  });
}
element("false-alarms")?.addEventListener("change", count);
count();

document.addEventListener("click", (event) => {
  const { look, of, name } = event.target.closest("[data-look]")?.dataset ?? {};
  if (!look) return;
  element("large-name").textContent = name;
  element("large-picture").src = at(`/pictures/${look}?longest=1600`);
  element("large-heat").hidden = !of || !element("large-colours").checked;
  element("large-heat").dataset.drawn = of;
  if (of) element("large-heat").src = at(`/heat/${look}?of=${of}`);
  element("large").showModal();
});
element("large-colours")?.addEventListener("change", (event) => {
  element("large-heat").hidden = !element("large-heat").dataset.drawn || !event.target.checked;
});

element("learn")?.addEventListener("submit", (event) => {
  event.preventDefault();
  const review = element("review").value;
  const wanted = {
    name: element("name").value,
    false_alarms: Number(element("false-alarms").value),
    review: review ? Number(review) : null,
    leave_out: leftOut(),
  };
  attempt(() => send(at("/fit"), wanted), () => location.reload());
});
element("cancel")?.addEventListener("click", () => attempt(() => send(at("/cancel"), {}), () => location.reload()));
element("serve")?.addEventListener("click", () =>
  attempt(() => send(at("/service"), {}), (done) => location.assign(`/products/${encodeURIComponent(done.product)}`)),
);
element("discard")?.addEventListener("click", () => {
  const box = element("sure");
  element("sure-words").textContent = _("Discard this draft and the pictures brought for it? This cannot be undone.");
  box.returnValue = "no";
  box.addEventListener(
    "close",
    () => box.returnValue === "yes" && attempt(() => ask(at(), { method: "DELETE" }), () => location.assign("/setup")),
    { once: true },
  );
  box.showModal();
});
if (page) listen({ fit: progress }, () => attempt(() => ask(at()), progress));

// The page of a product: what other limits would change, applying them, going back.
import { _, ask, ngettext, say, send } from "/static/station.js";

const limits = document.getElementById("limits");
const key = encodeURIComponent(limits.dataset.key);
const revision = Number(limits.dataset.revision);
const rate = document.getElementById("rate");
const review = document.getElementById("review");
const apply = document.getElementById("apply");
const preview = document.getElementById("preview");
const WORDS = { good: _("good"), review: _("look again"), defect: _("defect"), none: _("no verdict"), unsure: _("unsure") };
let asked = null;
let timer = 0;

/** Make an element with text and attributes; text is never taken for HTML. */
function make(name, text = "", attributes = {}) {
  const one = document.createElement(name);
  one.textContent = text.replaceAll(" %", "\u00a0%");
  for (const [attribute, value] of Object.entries(attributes)) one.setAttribute(attribute, value);
  return one;
}

/** What is chosen: a rate of false alarms, and one of pictures to look at again. */
function chosen() {
  const option = document.getElementById("rates").options[Number(rate.value)];
  return { rate: Number(option.value), words: option.dataset.words, estimate: Boolean(option.dataset.estimate) };
}

/** Keep only rates of looking again that are larger than that of false alarms. */
function fit() {
  const now = chosen();
  for (const option of review.options) option.disabled = option.value !== "" && Number(option.value) <= now.rate;
  if (review.selectedOptions[0]?.disabled) {
    const larger = [...review.options].filter((one) => one.value && !one.disabled);
    review.value = larger.length ? larger[larger.length - 1].value : "";
  }
}

function show() {
  fit();
  const now = chosen();
  const words = now.estimate ? _("%(rate)s (an estimate)", { rate: now.words }) : now.words;
  document.getElementById("rate-words").textContent = words;
  rate.setAttribute("aria-valuetext", words);
  clearTimeout(timer);
  timer = setTimeout(look, 150);
}

/** Draw a line of the figure at a score. */
function place(id, score) {
  const line = document.getElementById(id);
  const { low, high, left, right } = line.ownerSVGElement.dataset;
  if (score === null) return line.setAttribute("visibility", "hidden");
  const share = Math.min(Math.max((score - low) / (high - low), 0), 1);
  const x = (Number(left) + (right - left) * share).toFixed(1);
  line.setAttribute("x1", x);
  line.setAttribute("x2", x);
  line.setAttribute("visibility", "visible");
}

async function look() {
  asked?.abort();
  asked = new AbortController();
  const query = new URLSearchParams({ false_alarms: chosen().rate });
  if (review.value) query.set("review", review.value);
  if (apply) apply.disabled = true;
  let found;
  try {
    const answer = await ask(`/parts/limits/${key}?${query}`, { signal: asked.signal });
    found = await answer.json();
  } catch (error) {
    if (error.cause?.name !== "AbortError") preview.replaceChildren(make("p", error.message, { class: "notice bad" }));
    return;
  }
  place("proposed", found.same ? null : found.score);
  place("proposed-review", found.same ? null : found.review_score);
  tell(found);
  if (apply) apply.disabled = found.same;
}

function tell(found) {
  const parts = [make("p", found.same ? _("In use: %(promise)s.", found) : _("It would be: %(promise)s.", found))];
  if (found.same) parts.push(make("p", _("These are the limits in use: nothing would change."), { class: "quiet" }));
  else parts.push(...changes(found));
  preview.replaceChildren(...parts);
}

function changes(found) {
  const parts = [];
  const changed = { changed: found.changed.toLocaleString("en") };
  const words = found.changed
    ? ngettext("Of %(num)s stored picture, %(changed)s would get another verdict:", "Of %(num)s stored pictures, %(changed)s would get another verdict:", found.records, changed)
    : ngettext("Of %(num)s stored picture, none would get another verdict.", "Of %(num)s stored pictures, none would get another verdict.", found.records);
  parts.push(make("p", words, { id: "changed", class: "strong" }));
  const list = make("ul", "", { class: "moves" });
  for (const one of found.changes) {
    const item = make("li");
    item.append(make("b", one.count.toLocaleString("en")), ` ${WORDS[one.before]} → ${WORDS[one.after]}`);
    list.append(item);
  }
  if (found.changes.length) parts.push(list);
  const { answered_good: good, answered_defects: defects } = found;
  if (good) parts.push(make("p", ngettext("Of %(num)s picture that people called good, %(after)s would be called a defect (now %(before)s).", "Of %(num)s pictures that people called good, %(after)s would be called a defect (now %(before)s).", good, { after: found.answered_alarms_after, before: found.answered_alarms_before })));
  if (defects) parts.push(make("p", ngettext("Of %(num)s picture that people called a defect, %(after)s would be called good (now %(before)s).", "Of %(num)s pictures that people called a defect, %(after)s would be called good (now %(before)s).", defects, { after: found.answered_misses_after, before: found.answered_misses_before })));
  if (found.examples.length) parts.push(examples(found));
  if (found.records) parts.push(make("p", _("Stored scores are compared; pictures judged before the product last learned may score a little differently now."), { class: "quiet" }));
  return parts;
}

function examples(found) {
  const box = make("div", "", { class: "examples" });
  box.append(make("p", found.changed > found.examples.length ? _("The newest %(count)s:", { count: found.examples.length }) : _("They are:"), { class: "quiet" }));
  const list = make("ul");
  for (const one of found.examples) {
    const item = make("li");
    const link = make("a", _("record %(number)s", { number: one.id }), { href: `/records/${one.id}` });
    item.append(link, " ", make("bdi", one.name), `: ${WORDS[one.before]} → ${WORDS[one.after]}`);
    if (one.answer) item.append(", ", _("answered %(answer)s", { answer: WORDS[one.answer] }));
    list.append(item);
  }
  box.append(list);
  return box;
}

/** Ask a question; tell whether the answer is yes. */
function sure(words) {
  const box = document.getElementById("sure");
  document.getElementById("sure-words").textContent = words;
  box.returnValue = "no";
  box.showModal();
  return new Promise((done) => box.addEventListener("close", () => done(box.returnValue === "yes"), { once: true }));
}

async function change(address, values) {
  try {
    await send(address, values);
    location.reload();
  } catch (error) {
    say(error.message);
  }
}

if (rate) {
  review.value = [...review.options].find((one) => one.value && Math.abs(one.value - limits.dataset.review) < 1e-9)?.value ?? "";
  fit();
  rate.addEventListener("input", show);
  review.addEventListener("change", show);
  document.getElementById("other").addEventListener("submit", (event) => event.preventDefault());
}
apply?.addEventListener("click", () => {
  apply.disabled = true;
  const values = { false_alarms: chosen().rate, review: review.value ? Number(review.value) : null, revision };
  change(`/api/products/${key}/limits`, values);
});
for (const button of document.querySelectorAll("[data-back]")) {
  button.addEventListener("click", async () => {
    const to = Number(button.dataset.back);
    const words = _("Go back to revision %(number)s? Verdicts from now on are as they were then. This can be undone.", { number: to });
    if (await sure(words)) change(`/api/products/${key}/revert`, { to, revision });
  });
}

const title = document.getElementById("title");
const retire = document.getElementById("retire");

/** Keep how the product is shown. */
async function keep(retired) {
  try {
    await send(`/api/products/${key}/title`, { title: title.value, retired }, "PUT");
    location.reload();
  } catch (error) {
    say(error.message);
  }
}

document.getElementById("rename")?.addEventListener("submit", (event) => {
  event.preventDefault();
  keep(Boolean(retire.dataset.retired));
});
document.getElementById("copy")?.addEventListener("submit", async (event) => {
  event.preventDefault();
  try {
    const wanted = { name: document.getElementById("copy-name").value };
    const { product } = await (await send(`/api/products/${key}/copy`, wanted)).json();
    location.assign(`/products/${encodeURIComponent(product)}`);
  } catch (error) {
    say(error.message);
  }
});
retire?.addEventListener("click", () => {
  title.value = title.defaultValue;
  keep(!retire.dataset.retired);
});

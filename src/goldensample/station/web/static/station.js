// What all pages share: asking the station, its news, the overlay, who is there.

const main = document.getElementById("main");
const words = JSON.parse(document.getElementById("words").textContent);

/** Give a text in the page's language, with values in the places of its names. */
export function _(text, values = {}) {
  return (words[text] ?? text).replace(/%\((\w+)\)s/g, (all, name) => values[name]).replaceAll("%%", "%");
}

/** Give the text for one or for many; `num` is the number. */
export function ngettext(one, many, number, values = {}) {
  return _(number === 1 ? one : many, { num: number.toLocaleString("en"), ...values });
}

export const product = main.dataset.product;
/** Who is at this page; without tokens the name is asked before the first answer. */
export const person = { name: main.dataset.person, asked: main.dataset.tokens === "" };
const offline = document.getElementById("offline");
const toast = document.getElementById("said");
let quieting = 0;

/** Say something at the bottom of the page, and to screen readers. */
export function say(words) {
  clearTimeout(quieting);
  toast.textContent = words;
  quieting = setTimeout(() => (toast.textContent = ""), 8000);
}

/** Show or hide that the station cannot be reached. */
function reachable(is) {
  offline.hidden = is;
}

/** Ask the station; give its answer, or throw an Error with its words. */
export async function ask(address, options = {}) {
  let answer;
  try {
    answer = await fetch(address, options);
  } catch (error) {
    if (error.name !== "AbortError") reachable(false);
    throw new Error(_("The station cannot be reached."), { cause: error });
  }
  reachable(true);
  if (answer.status === 401 && location.pathname !== "/login") location.assign(`/login?${new URLSearchParams({ to: location.pathname + location.search })}`);
  if (!answer.ok) {
    const words = await answer.json().then((body) => body.error, () => answer.statusText);
    throw Object.assign(new Error(words), {
      status: answer.status,
      retry: Number(answer.headers.get("retry-after")) || 0,
    });
  }
  return answer;
}

/** Send JSON. */
export function send(address, values, method = "POST") {
  const headers = { "content-type": "application/json" };
  return ask(address, { method, headers, body: JSON.stringify(values) });
}

/** Hear the station's news while the page is seen; `refresh` catches up on what was missed. */
export function listen(handlers, refresh) {
  let source = null;
  let timer = 0;
  function close() {
    clearTimeout(timer);
    source?.close();
    source = null;
  }
  function open() {
    close();
    source = new EventSource("/api/events");
    source.onopen = () => {
      reachable(true);
      refresh();
    };
    source.onerror = () => {
      check();
      close();
      timer = setTimeout(open, 2000);
    };
    for (const [kind, act] of Object.entries(handlers)) {
      source.addEventListener(kind, (event) => act(JSON.parse(event.data)));
    }
  }
  // a browser keeps six connections to a host: pages that nobody sees give theirs up
  document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
  addEventListener("pagehide", close);
  addEventListener("pageshow", (event) => event.persisted && open());
  if (!document.hidden) open();
}

/** Show how many pictures wait in the inbox. */
export function showWaiting(number) {
  const bubble = document.getElementById("waiting");
  bubble.hidden = !number;
  bubble.firstElementChild.textContent = number;
}

/** Keep the name of who is at this page. */
export async function keepName(given) {
  const { name } = await (await send("/api/login", { name: given })).json();
  person.name = name;
  document.getElementById("operator-name").value = name;
  say(name ? _("You are %(name)s from now on.", { name }) : _("Your name is no longer kept."));
}

/** Show a dialog; tell whether its answer is yes. */
export function confirmed(id) {
  const box = document.getElementById(id);
  box.returnValue = "no";
  box.showModal();
  return new Promise((done) => box.addEventListener("close", () => done(box.returnValue === "yes"), { once: true }));
}

let swapped = []; // times in the reader's zone, and what paper has instead: the station's

/** Write a time in the reader's zone, as the pages write it. */
function here(date) {
  const parts = [date.getMonth() + 1, date.getDate(), date.getHours(), date.getMinutes(), date.getSeconds()];
  const [month, day, hour, minute, second] = parts.map((one) => String(one).padStart(2, "0"));
  return `${date.getFullYear()}-${month}-${day} ${hour}:${minute}:${second}`;
}

function swap(place, name, text) {
  swapped.push({ place, name, station: place[name], here: text });
  place[name] = text;
}

/** Write the times of a part of a page in the reader's zone. */
export function showTimes(part) {
  swapped = swapped.filter(({ place }) => place.isConnected);
  for (const one of part.querySelectorAll("time[datetime]")) {
    one.title = one.textContent;
    swap(one, "textContent", here(new Date(one.dateTime)));
  }
}

/** Have fields of a time in the reader's zone, and send it with its zone. */
function showTimeFields() {
  for (const one of document.querySelectorAll("input[data-time]")) {
    swap(one, "value", here(new Date(one.dataset.time)).slice(0, 16).replace(" ", "T"));
  }
  for (const one of document.querySelectorAll("input[type=datetime-local]")) {
    one.form.addEventListener("formdata", ({ formData }) => {
      if (one.value) formData.set(one.name, new Date(one.value).toISOString());
    });
  }
}

/** Say which zone the times of the page are in. */
function showZone() {
  const line = document.getElementById("zone");
  if (!line) return;
  const minutes = -new Date().getTimezoneOffset();
  const hour = String(Math.floor(Math.abs(minutes) / 60)).padStart(2, "0");
  const offset = `UTC${minutes < 0 ? "-" : "+"}${hour}:${String(Math.abs(minutes) % 60).padStart(2, "0")}`;
  const zone = `${Intl.DateTimeFormat().resolvedOptions().timeZone}, ${offset}`;
  const station = line.dataset.zone;
  swap(line, "textContent", station.endsWith(offset) ? _("Times: %(zone)s", { zone }) : _("Times: %(zone)s; at the station: %(station)s", { zone, station }));
}

function swapAll(from, to) {
  for (const one of swapped) if (one.place[one.name] === one[from]) one.place[one.name] = one[to];
}

addEventListener("beforeprint", () => swapAll("here", "station"));
addEventListener("afterprint", () => swapAll("station", "here"));

/** Put a part of a page, made by the station, in its place. */
export async function put(place, address) {
  const answer = await ask(address);
  place.innerHTML = await answer.text();
  showTimes(place);
}

async function check() {
  try {
    await ask("/api/health", { signal: AbortSignal.timeout(5000) });
  } catch {
    // the banner says it
  }
}

function overlay() {
  const heat = document.getElementById("heat");
  if (!heat) return;
  const outlines = document.getElementById("outlines");
  const apply = () => {
    document.documentElement.style.setProperty("--heat", heat.value / 100);
    document.getElementById("heat-value").textContent = `${heat.value} %`;
    document.body.classList.toggle("bare", !outlines.checked);
    localStorage.setItem("golden-overlay", JSON.stringify([heat.value, outlines.checked]));
  };
  const [value, checked] = JSON.parse(localStorage.getItem("golden-overlay") ?? "[65, true]");
  heat.value = value;
  outlines.checked = checked;
  heat.addEventListener("input", apply);
  outlines.addEventListener("change", apply);
  apply();
}

function frame() {
  document.getElementById("language").addEventListener("change", (event) => {
    const secure = location.protocol === "https:" ? "; secure" : "";
    document.cookie = `golden_language=${event.target.value}; path=/; max-age=31536000; samesite=strict${secure}`;
    location.reload();
  });
  document.getElementById("product")?.addEventListener("change", (event) => {
    const address = new URL(location.href);
    address.search = new URLSearchParams({ product: event.target.value });
    if (address.pathname.startsWith("/records/")) address.pathname = "/";
    location.assign(address);
  });
  document.getElementById("logout")?.addEventListener("click", async () => {
    await send("/api/logout", {});
    location.assign("/login");
  });
  document.getElementById("name-form")?.addEventListener("submit", async (event) => {
    event.preventDefault();
    document.activeElement.blur(); // what is typed next is an answer, no name
    try {
      await keepName(event.target.elements.name.value);
    } catch (error) {
      say(error.message);
    }
  });
}

overlay();
frame();
showTimes(document);
showTimeFields();
showZone();
if (document.querySelector(".top nav")) setInterval(check, 10000);
